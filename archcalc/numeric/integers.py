"""Whole numbers by the array, exact whatever their size: int64 while they certainly fit, Python's integers beyond.

NumPy's int64 overflows in silence. So every array goes with a bound that none of its entries exceeds in magnitude, and
every operation works out the bound of its result first, in Python's integers. Where that passes the largest int64, the
bounds of the operands are replaced by their true maxima; where it still does, the operation is done on object arrays.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import gcd, lcm
from typing import Any, NamedTuple

import numpy as np

MOST = 2**63 - 1
"""The largest int64."""


class Integers(NamedTuple):
    """Whole numbers and a bound of their magnitudes; one ``int`` stands for an array of equal ones."""

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
        """Divisors must not be zero."""
        if type(other.values) is int and other.values == 1:
            return self
        return _compute(operator.floordiv, self.bound, _first, self, other)

    def __mod__(self, other: Integers) -> Integers:
        """Divisors must not be zero."""
        return _compute(operator.mod, other.bound, _second, self, other)

    def __neg__(self) -> Integers:
        return Integers(-self.values, self.bound)

    def maximum(self, other: Integers) -> Integers:
        return _compute(np.maximum, max(self.bound, other.bound), max, self, other)

    def minimum(self, other: Integers) -> Integers:
        return _compute(np.minimum, max(self.bound, other.bound), max, self, other)

    def gcd(self, other: Integers) -> Integers:
        """The greatest common divisors of magnitudes."""
        if type(self.values) is type(other.values) is int:
            return integers(gcd(self.values, other.values))
        return _compute(np.gcd, max(self.bound, other.bound), max, self, other)

    def lcm(self, other: Integers) -> Integers:
        """Common multiples of positive numbers, the least where both are plain."""
        if type(self.values) is type(other.values) is int:
            return integers(lcm(self.values, other.values))
        return self * other

    def where(self, condition: Any, other: Integers) -> Integers:
        """These where the condition holds, else the others."""
        a, b, fits = _fitting(self, other, max(self.bound, other.bound), max)
        dtype = np.int64 if fits else object
        values = np.where(condition, np.asarray(a.values, dtype), np.asarray(b.values, dtype))
        return Integers(values, max(a.bound, b.bound)) if fits else narrow(Integers(values, 0))

    def compare(self, comparison: Callable[[Any, Any], Any], other: Integers) -> Any:
        """An array of truth values."""
        a, b, _ = _fitting(self, other, max(self.bound, other.bound), max)
        return comparison(a.values, b.values)

    @property
    def is_one(self) -> bool:
        """Whether it is the plain number 1."""
        return type(self.values) is int and self.values == 1

    def tight(self) -> Integers:
        """The same numbers with the least bound."""
        if type(self.values) is int or not self.values.size:
            return self
        return Integers(self.values, max(abs(int(self.values.max())), abs(int(self.values.min()))))


def integers(values: Any) -> Integers:
    """An ``int``, or an array of whole numbers, with its bound."""
    return Integers(values, abs(values)) if type(values) is int else narrow(Integers(values, 0))


def narrow(numbers: Integers) -> Integers:
    """As int64 if they fit, with the least bound."""
    tight = numbers.tight()
    dtype = np.int64 if tight.bound <= MOST else object
    return Integers(tight.values.astype(dtype, copy=False), tight.bound)


def _first(a: int, b: int) -> int:
    return a


def _second(a: int, b: int) -> int:
    return b


def _fits(a: Integers, b: Integers, bound: int) -> bool:
    return bound <= MOST and a.bound <= MOST and b.bound <= MOST


def _fitting(
    a: Integers, b: Integers, bound: int, bounding: Callable[[int, int], int]
) -> tuple[Integers, Integers, bool]:
    """The operands as int64 if they and the result are sure to fit, else as objects; and whether they do."""
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
    """Apply a function where its result fits, ``bounding`` being how its bound follows from the operands'."""
    if type(a.values) is type(b.values) is int:
        return integers(int(function(a.values, b.values)))
    a, b, fits = _fitting(a, b, bound, bounding)
    values = function(a.values, b.values)
    return Integers(values, min(bound, bounding(a.bound, b.bound))) if fits else narrow(Integers(values, 0))
