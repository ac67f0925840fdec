"""The diagnosis of one target: the simplest explanations of a wrong value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from archcalc.claims.claim import Explanation, Verdict
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.diagnosis.chance import is_coincidence, is_coincidence_of_pairs, outcomes_nearby
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
        single = [
            match
            for match in search(outcomes.singles, [claimed], actual)
            if not is_coincidence(claimed, actual.values, match.prior, match.outcome.alternatives)
        ]
        slipped = tuple(slips(claimed, actual.values))
        if slipped and not single:
            return slipped
        pairs = self._pairs(claimed, fewest=min((match.prior for match in single), default=None))
        return _explanations(sorted([*single, *pairs], key=lambda match: match.prior))

    def _pairs(self, claimed: ClaimedValue, fewest: int | None) -> list[Match]:
        """Return the pairs of mistakes that give a value; if one mistake does, only those that are more common."""
        if fewest is not None and fewest < Prior.RARE:
            return []
        outcomes, actual = self.outcomes, self.target.actual
        digits = digits_to_explain(claimed, self.target)
        enough = 3 if self.target.quantity in FIELDS | {"shape"} else 4
        if digits < enough - 1:
            return []
        paired = search(outcomes.pairs, [claimed], actual)
        truncated = search(outcomes.singles, [claimed], actual, verdicts=(Verdict.TRUNCATED,))
        found = sorted([*paired, *truncated], key=lambda match: match.prior)
        likely = 2 * Prior.COMMON
        most = likely if digits < enough or fewest is not None else found[0].prior + 1 if found else 0
        found = [match for match in found if match.prior <= most]
        if not found:
            return []
        nearby = outcomes_nearby(claimed, actual.values, (outcome.values for outcome in outcomes.pairs))
        return [match for match in found if not is_coincidence_of_pairs(claimed, actual.values, match.prior, nearby)]


def digits_to_explain(claimed: ClaimedValue, target: DiagnosedTarget) -> int:
    """Return the number of digits to be explained: those of the distinct written numbers that are not correct."""
    wrong = set()
    actual = target.actual.values
    for place, number in enumerate(claimed.numbers):
        correct = actual[place] if place < len(actual) and len(actual) == len(claimed.numbers) else None
        if isinstance(correct, str) or correct is None or abs(number.value - correct) > number.tolerance:
            unit = 2 * number.tolerance or Fraction(1)
            digits = str(int(abs(number.value) / unit))
            wrong.add((digits.rstrip("0") or "0") if len(digits) > 3 else digits)
    return sum(map(len, wrong))


def _explanations(matches: Iterable[Match]) -> tuple[Explanation, ...]:
    """Return the explanations of the matches, one per code."""
    found: dict[str, Explanation] = {}
    for match in matches:
        found.setdefault(match.code, match.explanation())
    return tuple(found.values())
