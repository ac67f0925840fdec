"""The search for a value as it is written among what a target comes out as."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor

from archcalc.claims.claim import RIGHT, Explanation, Verdict
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.compare import compare
from archcalc.diagnosis.mistake import Outcome, Prior
from archcalc.diagnosis.registry import CODES, CUT_OFF, SCALINGS
from archcalc.query.targets import Actual, Values

ROUNDED_ONLY = frozenset(each.code for each in SCALINGS if each.only_rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An outcome that is what somebody wrote, perhaps cut off after the digits written."""

    outcome: Outcome
    verdict: Verdict
    """Exact, rounds or truncated."""

    @property
    def cut_off(self) -> bool:
        return self.verdict is Verdict.TRUNCATED

    @property
    def code(self) -> str:
        return f"{self.outcome.code}+{CUT_OFF}" if self.cut_off else self.outcome.code

    @property
    def clause(self) -> str:
        return f"{self.outcome.clause}, and it is {CODES[CUT_OFF]}" if self.cut_off else self.outcome.clause

    @property
    def prior(self) -> int:
        """That of the outcome; cutting off is one more common mistake."""
        return self.outcome.prior + self.cut_off * Prior.COMMON

    def explanation(self) -> Explanation:
        return Explanation(code=self.code, sentence=f"this is what one gets if {self.clause}")


def search(
    outcomes: Iterable[Outcome],
    interpretations: Sequence[ClaimedValue],
    actual: Actual,
    *,
    verdicts: Collection[Verdict] = RIGHT,
) -> Iterator[Match]:
    """Find the outcomes that are what is written.

    Args:
        outcomes: what the target comes out as, in the order in which it is to be reported.
        interpretations: what the written value may mean.
        actual: the target as it is.
        verdicts: how outcomes may compare with what is written.

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
    """Where a single number that is written can come from, roughly: comparing exactly takes longer."""
    if len(claimed.numbers) != 1 or claimed.in_bytes or claimed.relation != "=":
        return None
    (number,) = claimed.numbers
    return floor(number.value - 2 * number.tolerance), ceil(number.value + 2 * number.tolerance)


def _is_near(values: Values, bounds: tuple[int, int] | None) -> bool:
    if bounds is None or len(values) != 1:
        return True
    return isinstance(values[0], str) or bounds[0] <= values[0] <= bounds[1]


def _has_its_axes(claimed: ClaimedValue, values: Values, actual: Actual) -> bool:
    """Whether a shape with more or fewer axes than the right one is written with as many as it has.

    Axes of size 1 may be left out of the right shape and added to it, but here their number is the mistake.
    """
    return actual.kind != "shape" or len(values) in (len(actual.values), len(claimed.numbers))
