"""From a wrong value to what explains it: the simplest explanations, or none."""

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

MOST = 3
"""Explanations of one value."""


class Diagnosis:
    """Explains wrong values of one target."""

    def __init__(self, target: DiagnosedTarget) -> None:
        self.target = target
        self.outcomes = Outcomes(target)

    def explain(self, interpretations: Sequence[ClaimedValue]) -> tuple[Explanation, ...]:
        """Return what may have led to a value, in the order of `Prior` among equally simple explanations.

        One mistake comes before a slip of the pen, and that before two mistakes at once. Two mistakes explain a value
        only if it has digits enough to tell them from chance.
        """
        for claimed in interpretations:
            if claimed.relation != "=" or not claimed.numbers:
                continue
            found = self._explain(claimed)
            if found:
                return found[:MOST]
        return ()

    def _explain(self, claimed: ClaimedValue) -> tuple[Explanation, ...]:
        outcomes, actual = self.outcomes, self.target.actual
        digits = evidence(claimed, self.target)
        single = list(search(outcomes.singles, [claimed], actual))
        slipped = tuple(slips(claimed, actual.values))
        if digits <= 2 and any(number.tolerance for number in claimed.numbers):
            # what is rounded so far is like many other numbers
            return slipped + _explanations(each for each in single if each.prior <= Prior.COMMON)
        if single or slipped:
            return _explanations(single) or slipped
        enough = 3 if self.target.quantity in FIELDS | {"shape"} else 4
        if digits < enough - 1:
            return ()
        paired = search(outcomes.pairs, [claimed], actual)
        cut_off = search(outcomes.singles, [claimed], actual, verdicts=(Verdict.TRUNCATED,))
        found = sorted([*paired, *cut_off], key=lambda match: match.prior)
        most = 2 * Prior.COMMON if digits < enough else found[0].prior + 1 if found else 0
        return _explanations(each for each in found if each.prior <= most)


def evidence(claimed: ClaimedValue, target: DiagnosedTarget) -> int:
    """Return how many digits have to be explained: of the different numbers written that are not right."""
    wrong = set()
    actual = target.actual.values
    for place, number in enumerate(claimed.numbers):
        right = actual[place] if place < len(actual) and len(actual) == len(claimed.numbers) else None
        if isinstance(right, str) or right is None or abs(number.value - right) > number.tolerance:
            unit = 2 * number.tolerance or Fraction(1)
            wrong.add(str(int(abs(number.value) / unit)).rstrip("0") or "0")
    return sum(map(len, wrong))


def _explanations(matches: Iterable[Match]) -> tuple[Explanation, ...]:
    """The explanations of matches, one for each code."""
    found: dict[str, Explanation] = {}
    for match in matches:
        found.setdefault(match.code, match.explanation())
    return tuple(found.values())
