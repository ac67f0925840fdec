"""Correct figures written wrongly: wrong units and factors, and slips."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archcalc.claims.claim import Explanation
from archcalc.claims.claimed_value import ClaimedValue, WrittenNumber
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.mistake import FIELDS, WEIGHTS, Prior, Scaling
from archcalc.numeric import Number
from archcalc.query.targets import Values

COUNTS = WEIGHTS | {"macs", "mults", "flops", "connections", "activations"}


SCALINGS = (
    Scaling(
        code="two-per-mac",
        affects=frozenset({"macs", "mults", "connections"}), prior=Prior.COMMON, conversion=lambda value: 2 * value,
    ),
    Scaling(
        code="halved", affects=frozenset({"flops", "macs", "mults"}),
        conversion=lambda value: Fraction(value) / 2,
    ),
    Scaling(
        code="kilo-1024", affects=COUNTS, prior=Prior.COMMON,
        conversion=lambda value: Fraction(value) * Fraction(1000, 1024) ** thousands(value), min_value=1000,
        only_rounded=True,
    ),
    Scaling(  # 1018K: the smaller unit, where the larger one would do
        code="kilo-1024", affects=COUNTS, prior=Prior.COMMON,
        conversion=lambda value: Fraction(value) * Fraction(1000, 1024) ** (thousands(value) - 1), min_value=10**6,
        only_rounded=True,
    ),
    Scaling(
        code="unit-too-small", affects=COUNTS,
        prior=Prior.COMMON, conversion=lambda value: Fraction(value) / 1000, min_value=1000,
    ),
    Scaling(
        code="unit-too-large", affects=COUNTS,
        prior=Prior.COMMON, conversion=lambda value: value * 1000,
    ),
    Scaling(
        code="decimal-point", affects=COUNTS, prior=Prior.RARE,
        conversion=lambda value: Fraction(value) / 10, min_value=100, combinable=False,
    ),
    Scaling(
        code="decimal-point", affects=COUNTS, prior=Prior.RARE,
        conversion=lambda value: value * 10, min_value=100, combinable=False,
    ),
    Scaling(
        code="bytes", affects=WEIGHTS | {"activations"},
        conversion=lambda value: 4 * value, min_value=10, combinable=False,
    ),
    Scaling(
        code="rf-area", affects=FIELDS,
        combinable=False,
        min_value=2,
        conversion=lambda value: value * value,
    ),
    Scaling(
        code="off-by-one", affects=FIELDS | {"layers"}, prior=Prior.RARE, conversion=lambda value: value + 1,
        combinable=False,
    ),
    Scaling(
        code="off-by-one", affects=FIELDS | {"layers"}, prior=Prior.RARE, conversion=lambda value: value - 1,
        combinable=False, min_value=2,
    ),
)  # fmt: skip


def thousands(value: Number) -> int:
    """Return the power of 1000 whose suffix a value is written with: 0 for none, 1 for K, 2 for M, 3 for G, 4 for T."""
    times = 0
    while value >= 1000 and times < 4:
        value, times = value / 1000, times + 1
    return times


SLIPS = ("rounded-too-far", "rounded-wrongly", "digits-swapped", "one-digit", "digit-missing", "digit-too-many")
"""The codes of the slips."""


def slips(claimed: ClaimedValue, actual: Values) -> Iterator[Explanation]:
    """Yield the slips that lead from the correct figures to the written ones.

    Only one number may be wrong, and it must have enough digits for the resemblance to be significant.
    """
    if claimed.relation != "=" or len(claimed.numbers) != len(actual):
        return
    pairs = [
        (written, correct)
        for written, correct in zip(claimed.numbers, actual, strict=True)
        if isinstance(correct, str) or abs(written.value - correct) > written.tolerance
    ]
    different = {(written.value, correct) for written, correct in pairs}
    if len(different) != 1 or isinstance(pairs[0][1], str):
        return
    written, correct = pairs[0][0], Fraction(pairs[0][1])
    for code in _slip(written, correct, in_shape=len(actual) > 1):
        yield Explanation(reasons=(Reason(code),))


def _slip(written: WrittenNumber, correct: Fraction, *, in_shape: bool) -> Iterator[str]:
    unit = 2 * written.tolerance or Fraction(1)
    value = written.value / unit
    rounded = Fraction(round(correct / unit))
    if value < 0 or value.denominator != 1:
        return
    if not written.tolerance and _is_rounding(int(value), int(correct)) and correct.denominator == 1:
        yield "rounded-too-far"
        return
    if written.tolerance and unit <= correct and abs(written.value - correct) < unit:
        yield "rounded-wrongly"
        return
    ours, theirs = str(int(rounded)), str(int(value))
    if len(ours) == len(theirs) and _swapped(ours, theirs) and len(ours) >= (2 if in_shape else 3):
        yield "digits-swapped"
    elif len(ours) == len(theirs) >= 4 and sum(a != b for a, b in zip(ours, theirs, strict=True)) == 1:
        yield "one-digit"
    elif len(ours) >= 5 and len(theirs) == len(ours) - 1 and _without_one(ours, theirs):
        yield "digit-missing"
    elif len(ours) >= 4 and len(theirs) == len(ours) + 1 and _without_one(theirs, ours):
        yield "digit-too-many"


def _is_rounding(written: int, correct: int) -> bool:
    """Return whether a number that ends in zeros is the correct figure, rounded or truncated there."""
    digits = str(written)
    zeros = len(digits) - len(digits.rstrip("0"))
    if not 1 <= zeros < len(digits) or len(digits) < 3:
        return False
    unit, distance = int(10**zeros), abs(written - correct)
    is_truncated = zeros < len(digits) - 1 and distance < unit
    return is_truncated or 2 * distance <= unit


def _swapped(ours: str, theirs: str) -> bool:
    differ = [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
    return (
        len(differ) == 2
        and differ[1] == differ[0] + 1
        and ours[differ[0]] == theirs[differ[1]]
        and (ours[differ[1]] == theirs[differ[0]])
    )


def _without_one(longer: str, shorter: str) -> bool:
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
