"""The search for a written value among the outcomes of a target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor

from archcalc.claims.claim import CORRECT, Explanation, Verdict
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.compare import compare
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.mistake import Outcome, Prior
from archcalc.diagnosis.registry import SCALINGS, TRUNCATED
from archcalc.query.targets import Actual, Values

ROUNDED_ONLY = frozenset(each.code for each in SCALINGS if each.only_rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An outcome that agrees with a written value, perhaps truncated after the written digits."""

    outcome: Outcome
    verdict: Verdict
    """Exact, rounds or truncated."""

    @property
    def is_truncated(self) -> bool:
        return self.verdict is Verdict.TRUNCATED

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return (*self.outcome.reasons, Reason(TRUNCATED)) if self.is_truncated else self.outcome.reasons

    @property
    def code(self) -> str:
        return self.explanation().code

    @property
    def prior(self) -> int:
        """The prior of the outcome; truncation is one more common mistake."""
        return self.outcome.prior + self.is_truncated * Prior.COMMON

    def explanation(self) -> Explanation:
        return Explanation(reasons=self.reasons)


def search(
    outcomes: Iterable[Outcome],
    interpretations: Sequence[ClaimedValue],
    actual: Actual,
    *,
    verdicts: Collection[Verdict] = CORRECT,
) -> Iterator[Match]:
    """Find the outcomes that agree with a written value.

    Args:
        outcomes: the outcomes of the target, in the order in which they are to be reported.
        interpretations: the possible interpretations of the written value.
        actual: the correct value of the target.
        verdicts: the verdicts that count as agreement.

    Yields:
        The matches in the order of the outcomes, each with the best verdict that one of the interpretations gets.
    """
    readings = [(claimed, _range(claimed)) for claimed in interpretations]
    rounded = any(number.tolerance for claimed in interpretations for number in claimed.numbers)
    for outcome in outcomes:
        if not rounded and not ROUNDED_ONLY.isdisjoint(outcome.codes):
            continue
        plausible = [
            claimed
            for claimed, bounds in readings
            if _is_near(outcome.values, bounds) and _has_its_axes(claimed, outcome.values, actual)
        ]
        if not plausible:
            continue
        verdict = compare(plausible, actual._replace(values=outcome.values))
        if verdict in verdicts:
            yield Match(outcome=outcome, verdict=verdict)


def _range(claimed: ClaimedValue) -> tuple[int, int] | None:
    """Return rough bounds of a single written number, because an exact comparison takes longer."""
    if len(claimed.numbers) != 1 or claimed.in_bytes or claimed.relation != "=":
        return None
    (number,) = claimed.numbers
    return floor(number.value - 2 * number.tolerance), ceil(number.value + 2 * number.tolerance)


def _is_near(values: Values, bounds: tuple[int, int] | None) -> bool:
    if bounds is None or len(values) != 1:
        return True
    return isinstance(values[0], str) or bounds[0] <= values[0] <= bounds[1]


def _has_its_axes(claimed: ClaimedValue, values: Values, actual: Actual) -> bool:
    """Return whether a shape that has more or fewer axes than the correct one is written with all of its axes.

    Axes of size 1 may be left out of the correct shape or added to it, but not where the number of axes is the mistake.
    """
    return actual.kind != "shape" or len(values) in (len(actual.values), len(claimed.numbers))
