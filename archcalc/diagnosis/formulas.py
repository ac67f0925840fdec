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

MIN_AGREEMENTS = 3
"""The number of networks in which formula and mistake must agree on a wrong value."""
MAX_COMPARED = 10
"""The number of networks in which they are compared as long as several mistakes agree."""
MAX_PRIOR_OF_PAIR = Prior.COMMON + Prior.OCCASIONAL


class FormulaSample(NamedTuple):
    """A network in which the names of a formula have certain values, and the values of the formula there."""

    target: DiagnosedTarget
    written: Values

    @property
    def is_wrong(self) -> bool:
        """Whether the formula is wrong there."""
        return self.written != self.target.actual.values

    @property
    def is_integer(self) -> bool:
        """Whether the formula gives integers there."""
        return all(isinstance(value, int) or Fraction(value).denominator == 1 for value in self.written)


def explain_formula(samples: Iterable[FormulaSample]) -> tuple[Explanation, ...]:
    """Return the mistakes that explain a wrong formula, the likeliest first.

    Args:
        samples: different networks; they are taken one after the other, as many as needed.
    """
    taken = list(islice(samples, 2 * MAX_COMPARED))
    if _lacks_rounding(taken):
        return (Explanation(reasons=(Reason(ROUNDING_LEFT_OUT),)),)
    wrong = [(Outcomes(sample.target), sample.written) for sample in taken if sample.is_wrong][:MAX_COMPARED]
    correct = [Outcomes(sample.target) for sample in taken if not sample.is_wrong][:MIN_AGREEMENTS]
    if len(wrong) < MIN_AGREEMENTS:
        return ()
    found = _common(_matching(outcomes.singles, written) for outcomes, written in wrong)
    if found:
        found = _without_effect(found, (outcomes.singles for outcomes in correct))
    else:
        found = _common(_matching(_likely(outcomes.pairs), written) for outcomes, written in wrong)
        found = _without_effect(found, (outcomes.pairs for outcomes in correct))
    explanations = {tuple(reason.code for reason in reasons): Explanation(reasons=reasons) for reasons in found[::-1]}
    return tuple(explanations.values())[::-1][:MAX_EXPLANATIONS]


def _lacks_rounding(samples: Sequence[FormulaSample]) -> bool:
    """Return whether a formula is correct wherever it gives integers, and gives no integers elsewhere."""
    integers = [sample.is_integer for sample in samples]
    return any(integers) and not all(integers) and all(not sample.is_wrong for sample in samples if sample.is_integer)


def _likely(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    return (outcome for outcome in outcomes if outcome.prior <= MAX_PRIOR_OF_PAIR)


def _matching(outcomes: Iterable[Outcome], written: Values) -> Iterator[tuple[Reason, ...]]:
    return (outcome.reasons for outcome in outcomes if outcome.values == written)


def _without_effect(
    found: list[tuple[Reason, ...]], where_correct: Iterable[Iterable[Outcome]]
) -> list[tuple[Reason, ...]]:
    """Return the reasons that have no effect in any network where the formula is correct."""
    if not found:
        return []
    effective = {outcome.reasons for outcomes in where_correct for outcome in outcomes}
    return [reasons for reasons in found if reasons not in effective]


def _common(matching: Iterable[Iterable[tuple[Reason, ...]]]) -> list[tuple[Reason, ...]]:
    """Return the reasons in all collections, in the order of the first; later ones are read only if needed."""
    common: list[tuple[Reason, ...]] | None = None
    for number, each in enumerate(matching):
        if common is not None and len(common) <= (number >= MIN_AGREEMENTS):
            break
        found = list(dict.fromkeys(each))
        common = found if common is None else [reasons for reasons in common if reasons in found]
    return common or []
