"""The mistakes that explain the wrong numbers of an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from archcalc.arrays.written_arrays import WrittenArray
from archcalc.claims.claim import Explanation
from archcalc.diagnosis.arrays.elements import Element, FlatArray, allowed_distance, arrays_agree, distance_between
from archcalc.diagnosis.arrays.outcomes import ArrayOutcome
from archcalc.diagnosis.chance import chance_of, is_too_likely
from archcalc.diagnosis.diagnose import MAX_EXPLANATIONS
from archcalc.spec.numerals import WrittenNumber


def explain_array(
    given: WrittenArray[Element], correct: FlatArray, outcomes: Iterable[ArrayOutcome], tolerance: WrittenNumber | None
) -> tuple[Explanation, ...]:
    """Return the mistakes that give a wrong array, the most common first, without coincidences.

    Args:
        given: the array as written.
        correct: the correct array.
        outcomes: the arrays under mistakes.
        tolerance: the distance that a number may have from the correct one; if ``None``, that of its last digit.
    """
    probability = _chance(given, correct, tolerance)
    is_rounded = tolerance is not None or any(each.tolerance for each in given.numbers)
    found = [
        outcome
        for outcome in sorted(outcomes, key=lambda each: each.prior)
        if arrays_agree(given.shape, given.numbers, outcome.elements, tolerance)
        and not is_too_likely(probability, outcome.prior, is_rounded=is_rounded)
    ]
    return tuple(Explanation(reasons=(outcome.reason,)) for outcome in found)[:MAX_EXPLANATIONS]


def _chance(given: WrittenArray[Element], correct: FlatArray, tolerance: WrittenNumber | None) -> Fraction:
    """Return the probability that an outcome agrees by chance; an array of another shape agrees with nothing so."""
    if given.shape != correct.shape and len(given.numbers) != len(correct.numbers):
        return Fraction(0)
    return chance_of(_differences(given.numbers, correct, tolerance))


def _differences(
    given: Sequence[Element], correct: FlatArray, tolerance: WrittenNumber | None
) -> Iterable[tuple[Fraction, Fraction]]:
    """Yield the distances of different numbers from the correct ones, and those that they may have."""
    for written, expected in set(zip(given, correct.numbers, strict=True)):
        distance = distance_between(written.value, expected)
        if distance is None:  # an infinity or NaN agrees with no other number by chance
            yield Fraction(10**9), Fraction(0)
        else:
            yield distance, max(written.tolerance, allowed_distance(written, expected, tolerance))
