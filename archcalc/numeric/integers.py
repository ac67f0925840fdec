"""Arrays of integers of any size: int64 while all entries certainly fit, Python's integers beyond.

NumPy's int64 overflows silently. Every array therefore carries a bound on the magnitude of its entries, and every
operation first computes the bound of its result in Python's integers. Where that exceeds the largest int64, the bounds
of the operands are replaced by their true maxima; where it still does, the operation is done on object arrays.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import gcd, lcm
from typing import Any, NamedTuple

import numpy as np

MAX_INT64 = 2**63 - 1


class Integers(NamedTuple):
    """Integers and a bound on their magnitudes; one ``int`` stands for an array of equal entries."""

    values: Any
    """An array of int64 or (objects) of Python's integers, or an ``int``."""
    bound: int

    def __add__(self, other: Integers) -> Integers:  # type: ignore[override]  # not the tuple's: these are numbers
        return _compute(operator.add, self.bound + other.bound, operator.add, self, other)

    def __sub__(self, other: Integers) -> Integers:
        return _compute(operator.sub, self.bound + other.bound, operator.add, self, other)

    def __mul__(self, other: Integers) -> Integers:  # type: ignore[override]
        if type(self.values) is int and self.values == 1:
            return other
        if type(other.values) is int and other.values == 1:
            return self
        return _compute(operator.mul, self.bound * other.bound, operator.mul, self, other)

    def __floordiv__(self, other: Integers) -> Integers:
        """Return the floors of the quotients; no divisor may be zero."""
        if type(other.values) is int and other.values == 1:
            return self
        return _compute(operator.floordiv, self.bound, _first, self, other)

    def __mod__(self, other: Integers) -> Integers:
        """Return the remainders, with the signs of the divisors, none of which may be zero."""
        return _compute(operator.mod, other.bound, _second, self, other)

    def __neg__(self) -> Integers:
        return Integers(-self.values, self.bound)

    def maximum(self, other: Integers) -> Integers:
        return _compute(np.maximum, max(self.bound, other.bound), max, self, other)

    def minimum(self, other: Integers) -> Integers:
        return _compute(np.minimum, max(self.bound, other.bound), max, self, other)

    def gcd(self, other: Integers) -> Integers:
        """Return the greatest common divisors of the magnitudes."""
        if type(self.values) is type(other.values) is int:
            return integers(gcd(self.values, other.values))
        return _compute(np.gcd, max(self.bound, other.bound), max, self, other)

    def lcm(self, other: Integers) -> Integers:
        """Return common multiples of positive integers, the least ones where both are plain."""
        if type(self.values) is type(other.values) is int:
            return integers(lcm(self.values, other.values))
        return self * other

    def where(self, condition: Any, other: Integers) -> Integers:
        """Return these entries where the condition holds, else the others."""
        a, b, fits = _fitting(self, other, max(self.bound, other.bound), max)
        dtype = np.int64 if fits else object
        values = np.where(condition, np.asarray(a.values, dtype), np.asarray(b.values, dtype))
        return Integers(values, max(a.bound, b.bound)) if fits else narrow(Integers(values, 0))

    def compare(self, comparison: Callable[[Any, Any], Any], other: Integers) -> Any:
        """Return the results of a comparison, an array of ``bool``."""
        a, b, _ = _fitting(self, other, max(self.bound, other.bound), max)
        return comparison(a.values, b.values)

    @property
    def is_one(self) -> bool:
        """Whether it is the plain number 1."""
        return type(self.values) is int and self.values == 1

    def tight(self) -> Integers:
        """Return the same integers with the least bound."""
        if type(self.values) is int or not self.values.size:
            return self
        return Integers(self.values, max(abs(int(self.values.max())), abs(int(self.values.min()))))


def integers(values: Any) -> Integers:
    """Return an ``int``, or an array of integers, with its bound."""
    return Integers(values, abs(values)) if type(values) is int else narrow(Integers(values, 0))


def narrow(numbers: Integers) -> Integers:
    """Return the same integers as int64 if they fit, with the least bound."""
    tight = numbers.tight()
    dtype = np.int64 if tight.bound <= MAX_INT64 else object
    return Integers(tight.values.astype(dtype, copy=False), tight.bound)


def _first(a: int, b: int) -> int:
    return a


def _second(a: int, b: int) -> int:
    return b


def _fits(a: Integers, b: Integers, bound: int) -> bool:
    return bound <= MAX_INT64 and a.bound <= MAX_INT64 and b.bound <= MAX_INT64


def _fitting(
    a: Integers, b: Integers, bound: int, bounding: Callable[[int, int], int]
) -> tuple[Integers, Integers, bool]:
    """Return the operands as int64 if they and the result certainly fit, else as objects; and whether they fit."""
    if not _fits(a, b, bound):
        a, b = a.tight(), b.tight()
        if not _fits(a, b, bounding(a.bound, b.bound)):
            return _as(object, a), _as(object, b), False
    return _as(np.int64, a), _as(np.int64, b), True


def _as(dtype: Any, numbers: Integers) -> Integers:
    if type(numbers.values) is int or numbers.values.dtype == dtype:
        return numbers
    return numbers._replace(values=numbers.values.astype(dtype))


def _compute(
    function: Callable[[Any, Any], Any], bound: int, bounding: Callable[[int, int], int], a: Integers, b: Integers
) -> Integers:
    """Apply a function whose result has the given bound, computed by ``bounding`` from those of the operands."""
    if type(a.values) is type(b.values) is int:
        return integers(int(function(a.values, b.values)))
    a, b, fits = _fitting(a, b, bound, bounding)
    values = function(a.values, b.values)
    return Integers(values, min(bound, bounding(a.bound, b.bound))) if fits else narrow(Integers(values, 0))
