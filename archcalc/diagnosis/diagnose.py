"""The diagnosis of one target: the simplest explanations of a wrong value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from archcalc.claims.claim import Explanation, Verdict
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.diagnosis.mistake import FIELDS, Prior
from archcalc.diagnosis.numbers import slips
from archcalc.diagnosis.outcomes import Outcomes
from archcalc.diagnosis.search import Match, search
from archcalc.diagnosis.target import DiagnosedTarget

MAX_EXPLANATIONS = 3
"""The maximum number of explanations of one value."""


class Diagnosis:
    """Explains wrong values of one target."""

    def __init__(self, target: DiagnosedTarget) -> None:
        self.target = target
        self.outcomes = Outcomes(target)

    def explain(self, interpretations: Sequence[ClaimedValue]) -> tuple[Explanation, ...]:
        """Return the simplest explanations of a value, the most likely first (see `Prior`).

        One mistake is simpler than a slip, and a slip is simpler than two mistakes. Two mistakes explain a value only
        if it has enough digits to rule out coincidence.
        """
        for claimed in interpretations:
            if claimed.relation != "=" or not claimed.numbers:
                continue
            found = self._explain(claimed)
            if found:
                return found[:MAX_EXPLANATIONS]
        return ()

    def _explain(self, claimed: ClaimedValue) -> tuple[Explanation, ...]:
        outcomes, actual = self.outcomes, self.target.actual
        digits = evidence(claimed, self.target)
        single = list(search(outcomes.singles, [claimed], actual))
        slipped = tuple(slips(claimed, actual.values))
        if digits <= 2 and any(number.tolerance for number in claimed.numbers):
            # a number with one or two digits agrees with many others by chance
            return slipped + _explanations(each for each in single if each.prior <= Prior.COMMON)
        if single or slipped:
            return _explanations(single) or slipped
        enough = 3 if self.target.quantity in FIELDS | {"shape"} else 4
        if digits < enough - 1:
            return ()
        paired = search(outcomes.pairs, [claimed], actual)
        truncated = search(outcomes.singles, [claimed], actual, verdicts=(Verdict.TRUNCATED,))
        found = sorted([*paired, *truncated], key=lambda match: match.prior)
        most = 2 * Prior.COMMON if digits < enough else found[0].prior + 1 if found else 0
        return _explanations(each for each in found if each.prior <= most)


def evidence(claimed: ClaimedValue, target: DiagnosedTarget) -> int:
    """Return the number of digits to be explained: those of the distinct written numbers that are not right."""
    wrong = set()
    actual = target.actual.values
    for place, number in enumerate(claimed.numbers):
        right = actual[place] if place < len(actual) and len(actual) == len(claimed.numbers) else None
        if isinstance(right, str) or right is None or abs(number.value - right) > number.tolerance:
            unit = 2 * number.tolerance or Fraction(1)
            wrong.add(str(int(abs(number.value) / unit)).rstrip("0") or "0")
    return sum(map(len, wrong))


def _explanations(matches: Iterable[Match]) -> tuple[Explanation, ...]:
    """The explanations of the matches, one per code."""
    found: dict[str, Explanation] = {}
    for match in matches:
        found.setdefault(match.code, match.explanation())
    return tuple(found.values())
