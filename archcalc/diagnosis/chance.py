"""How unlikely it is that a known mistake gives a written value by chance.

A value that differs from the correct one by d, written to a unit u, is one of about 2·d/u values that are no farther
away. If it was written for an unknown reason, one of n known outcomes agrees with it by chance with a probability of
about n·u/(2·d)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from archcalc.claims.claimed_value import ClaimedValue
from archcalc.diagnosis.mistake import Prior
from archcalc.query.targets import Values

MAX_CHANCE = {Prior.COMMON: Fraction(9, 10), Prior.OCCASIONAL: Fraction(1, 2), Prior.RARE: Fraction(1, 3)}
"""The probability from which an agreement is no explanation, by the prior of the mistake."""
MAX_CHANCE_ROUNDED = {Prior.COMMON: Fraction(1, 3), Prior.OCCASIONAL: Fraction(1, 10), Prior.RARE: Fraction(1, 30)}
"""The same for a rounded value, which agrees with many numbers."""
MAX_CHANCE_OF_MANY = Fraction(1, 10)
"""The same for one of several outcomes of the same kind: with enough parts, some sum without one of them agrees."""


def chance(claimed: ClaimedValue, actual: Values, outcomes: int = 1) -> Fraction:
    """Return the approximate probability that one of some outcomes agrees with a wrong value by chance.

    A value with another number of axes than the correct one agrees with nothing by chance.
    """
    if len(claimed.numbers) != len(actual):
        return Fraction(0)
    pairs = set(zip(claimed.numbers, actual, strict=True))
    numbers = [(written, correct) for written, correct in pairs if not isinstance(correct, str)]
    if len(numbers) < len(pairs):
        return Fraction(0)
    found = chance_of((abs(written.value - correct), written.tolerance) for written, correct in numbers)
    return min(outcomes * found, Fraction(1))


def chance_of(differences: Iterable[tuple[Fraction, Fraction]]) -> Fraction:
    """Return the approximate probability that an outcome agrees with wrong numbers by chance.

    Args:
        differences: the distance of each number from the correct one, and the distance that it may have.
    """
    result = Fraction(1)
    for distance, tolerance in differences:
        if distance > tolerance:
            unit = Fraction(2 * tolerance or 1)
            result *= unit / (unit + 2 * distance)
    return result


def outcomes_nearby(claimed: ClaimedValue, actual: Values, outcomes: Iterable[Values]) -> int:
    """Return the number of distinct outcomes at most twice as far from the correct value as a single written number.

    These are the ones that could have agreed with it; for shapes, all are counted.
    """
    distinct = set(outcomes)
    if len(actual) != 1 or len(claimed.numbers) != 1 or isinstance(actual[0], str):
        return len(distinct)
    correct = actual[0]
    most = 2 * abs(claimed.numbers[0].value - correct)
    numbers = (Fraction(value) for value, *_ in distinct if not isinstance(value, str))
    return sum(abs(number - correct) <= most for number in numbers)


def is_coincidence_of_pairs(claimed: ClaimedValue, actual: Values, prior: int, nearby: int) -> bool:
    """Return whether the agreement of a pair of mistakes is too likely, given the number of pairs nearby."""
    most = MAX_CHANCE[Prior.OCCASIONAL] if prior <= 2 * Prior.COMMON else MAX_CHANCE_OF_MANY
    return chance(claimed, actual, max(nearby, 1)) > most


def is_coincidence(claimed: ClaimedValue, actual: Values, prior: int, alternatives: int) -> bool:
    """Return whether the agreement of an outcome with a written value is too likely to explain it."""
    if alternatives > 1:
        return chance(claimed, actual, alternatives) > MAX_CHANCE_OF_MANY
    is_rounded = any(number.tolerance for number in claimed.numbers)
    return is_too_likely(chance(claimed, actual), prior, is_rounded=is_rounded)


def is_too_likely(probability: Fraction, prior: int, *, is_rounded: bool) -> bool:
    """Return whether an agreement of this probability is no explanation by a mistake of this prior."""
    most = MAX_CHANCE_ROUNDED if is_rounded else MAX_CHANCE
    return probability > most[Prior(min(prior, Prior.RARE))]
