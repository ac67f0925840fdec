"""Wrong formulas: a mistake explains a formula if it gives the value of the formula in every network that was tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from archcalc.claims.claim import Explanation
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.diagnose import MAX_EXPLANATIONS
from archcalc.diagnosis.mistake import Outcome, Prior
from archcalc.diagnosis.outcomes import Outcomes
from archcalc.diagnosis.registry import ROUNDING_LEFT_OUT
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.query.targets import Values

MIN_TELLING = 3
"""The number of networks in which formula and mistake must agree on a wrong value."""
MAX_TELLING = 10
"""The number of networks in which they are compared as long as several mistakes agree."""
MAX_PRIOR_OF_PAIR = Prior.COMMON + Prior.OCCASIONAL


class Sample(NamedTuple):
    """A network in which the names of a formula have certain values, and the values of the formula there."""

    target: DiagnosedTarget
    written: Values

    @property
    def tells(self) -> bool:
        """Whether the formula is wrong there."""
        return self.written != self.target.actual.values

    @property
    def is_whole(self) -> bool:
        """Whether the formula gives integers there."""
        return all(isinstance(value, int) or Fraction(value).denominator == 1 for value in self.written)


def explain_formula(samples: Iterable[Sample]) -> tuple[Explanation, ...]:
    """Return the mistakes that explain a wrong formula, the likeliest first.

    Args:
        samples: Different networks; they are taken one after the other, as many as needed.
    """
    taken = list(islice(samples, 2 * MAX_TELLING))
    if _lacks_rounding(taken):
        return (Explanation(reasons=(Reason(ROUNDING_LEFT_OUT),)),)
    telling = [(Outcomes(sample.target), sample.written) for sample in taken if sample.tells][:MAX_TELLING]
    right = [Outcomes(sample.target) for sample in taken if not sample.tells][:MIN_TELLING]
    if len(telling) < MIN_TELLING:
        return ()
    found = _common(_matching(outcomes.singles, written) for outcomes, written in telling)
    if found:
        found = _without_effect(found, (outcomes.singles for outcomes in right))
    else:
        found = _common(_matching(_likely(outcomes.pairs), written) for outcomes, written in telling)
        found = _without_effect(found, (outcomes.pairs for outcomes in right))
    explanations = {tuple(reason.code for reason in reasons): Explanation(reasons=reasons) for reasons in found[::-1]}
    return tuple(explanations.values())[::-1][:MAX_EXPLANATIONS]


def _lacks_rounding(samples: Sequence[Sample]) -> bool:
    """Return whether a formula is right wherever it gives integers, and gives no integers elsewhere."""
    whole = [sample.is_whole for sample in samples]
    return any(whole) and not all(whole) and all(not sample.tells for sample in samples if sample.is_whole)


def _likely(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    return (outcome for outcome in outcomes if outcome.prior <= MAX_PRIOR_OF_PAIR)


def _matching(outcomes: Iterable[Outcome], written: Values) -> Iterator[tuple[Reason, ...]]:
    return (outcome.reasons for outcome in outcomes if outcome.values == written)


def _without_effect(
    found: list[tuple[Reason, ...]], where_right: Iterable[Iterable[Outcome]]
) -> list[tuple[Reason, ...]]:
    """Return the reasons that have no effect in any network where the formula is correct."""
    if not found:
        return []
    effective = {outcome.reasons for outcomes in where_right for outcome in outcomes}
    return [reasons for reasons in found if reasons not in effective]


def _common(matching: Iterable[Iterable[tuple[Reason, ...]]]) -> list[tuple[Reason, ...]]:
    """Return the reasons in all collections, in the order of the first; later ones are read only if needed."""
    common: list[tuple[Reason, ...]] | None = None
    for number, each in enumerate(matching):
        if common is not None and len(common) <= (number >= MIN_TELLING):
            break
        found = list(dict.fromkeys(each))
        common = found if common is None else [reasons for reasons in common if reasons in found]
    return common or []
