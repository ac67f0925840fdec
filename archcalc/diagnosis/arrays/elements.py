"""The elements of arrays: as written, with the distance of the true number that this allows, and as computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple, Protocol, TypeAlias

from archcalc.arrays.written_arrays import Shape, fits
from archcalc.spec.numerals import SHARE, WrittenNumber

Real: TypeAlias = Fraction | float
NOISE = Fraction(1, 10**9)
"""The relative error of a computed number that is neglected: far more than that of double precision."""


class Element(NamedTuple):
    """A number as written."""

    value: Real
    tolerance: Fraction = Fraction(0)
    """The maximum distance of the true number, if it was rounded as written."""


class AnyNumber(Protocol):
    """A number as written: an `Element`, or a `WrittenNumber` of a claim."""

    @property
    def value(self) -> Any: ...

    @property
    def tolerance(self) -> Any: ...


class FlatArray(NamedTuple):
    """The numbers of an array in order, the last axis fastest."""

    shape: Shape
    numbers: tuple[Real, ...]

    def taken(self, axis: int, positions: Sequence[int]) -> FlatArray:
        """Return the array with some positions of an axis only."""
        before, after = prod(self.shape[:axis]), prod(self.shape[axis + 1 :])
        size = self.shape[axis]
        numbers = [
            self.numbers[(outer * size + position) * after + inner]
            for outer in range(before)
            for position in positions
            for inner in range(after)
        ]
        return FlatArray((*self.shape[:axis], len(positions), *self.shape[axis + 1 :]), tuple(numbers))

    def transposed(self) -> FlatArray:
        """Return the array with its last two axes swapped."""
        *outer, rows, columns = self.shape
        numbers = [
            self.numbers[(matrix * rows + row) * columns + column]
            for matrix in range(prod(outer))
            for column in range(columns)
            for row in range(rows)
        ]
        return FlatArray((*outer, columns, rows), tuple(numbers))

    def at(self, index: Shape) -> FlatArray | None:
        """Return one number; ``None`` if there is none with this index."""
        if len(index) != len(self.shape) or any(at >= size for at, size in zip(index, self.shape, strict=True)):
            return None
        place = 0
        for at, size in zip(index, self.shape, strict=True):
            place = place * size + at
        return FlatArray((), (self.numbers[place],))

    def index_of(self, place: int) -> Shape:
        """Return the index of the number at a place in the order."""
        found: list[int] = []
        for size in reversed(self.shape):
            place, at = divmod(place, size)
            found.append(at)
        return tuple(reversed(found))


def is_within(given: AnyNumber, expected: Real, tolerance: WrittenNumber | None = None) -> bool:
    """Return whether a number is correct: within the tolerance, or what the expected one rounds to."""
    distance = distance_between(given.value, expected)
    return distance is not None and distance <= allowed_distance(given, expected, tolerance)


def is_finite(number: Real) -> bool:
    """Return whether a number is neither infinite nor NaN; fractions may be larger than floats."""
    return isinstance(number, Fraction) or math.isfinite(number)


def distance_between(one: Real, other: Real) -> Fraction | None:
    """Return the exact distance of two numbers, 0 for the same infinity or two NaN; ``None`` if it is not finite."""
    if is_finite(one) and is_finite(other):
        return abs(Fraction(one) - Fraction(other))
    return Fraction(0) if one == other or (one != one and other != other) else None


def allowed_distance(given: AnyNumber, expected: Real, tolerance: WrittenNumber | None) -> Fraction:
    """Return the distance that a written number may have from the expected one."""
    if not is_finite(expected):
        return Fraction(0)
    size = abs(Fraction(expected))
    if tolerance is None:
        return max(Fraction(given.tolerance), size * NOISE if isinstance(expected, float) else Fraction(0))
    return size * tolerance.value if tolerance.unit == SHARE else tolerance.value


def arrays_agree(
    shape: Shape, given: Sequence[AnyNumber], expected: FlatArray, tolerance: WrittenNumber | None
) -> bool:
    """Return whether a written array is another one, number by number, and in a shape that is meant to be its own."""
    return fits(shape, expected.shape) and all(
        is_within(one, other, tolerance) for one, other in zip(given, expected.numbers, strict=True)
    )
