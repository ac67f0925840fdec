"""Counting numbers: every operation on them increments the count of its kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, final

KINDS = ("mul", "add", "div", "cmp", "exp", "log", "sqrt", "pow", "tanh", "erf", "sin")


class Tally:
    """The number of operations of each kind, and of products in the sums of linear-algebra layers (``macs``)."""

    __slots__ = (*KINDS, "macs")

    mul: int
    add: int
    div: int
    cmp: int
    exp: int
    log: int
    sqrt: int
    pow: int
    tanh: int
    erf: int
    sin: int
    macs: int

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)

    def operations(self) -> dict[str, int]:
        """Return the number of operations by kind, without the kinds that did not occur."""
        return {kind: count for kind in KINDS if (count := getattr(self, kind))}


@final
class Scalar:
    """A counting number. One operand of an operation may be a float; the result is a counting number.

    A change of sign is not counted; a subtraction counts as an addition. Overflow gives infinity, as on arrays.
    """

    __slots__ = ("tally", "value")

    def __init__(self, value: float, tally: Tally) -> None:
        self.value = value
        self.tally = tally

    def __repr__(self) -> str:
        return f"Scalar({self.value!r})"

    def __add__(self, other: Operand) -> Scalar:
        tally = self.tally
        tally.add += 1
        return Scalar(self.value + (other.value if type(other) is Scalar else other), tally)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Scalar:
        tally = self.tally
        tally.add += 1
        return Scalar(self.value - (other.value if type(other) is Scalar else other), tally)

    def __rsub__(self, other: float) -> Scalar:
        self.tally.add += 1
        return Scalar(other - self.value, self.tally)

    def __mul__(self, other: Operand) -> Scalar:
        tally = self.tally
        tally.mul += 1
        return Scalar(self.value * (other.value if type(other) is Scalar else other), tally)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Scalar:
        self.tally.div += 1
        return Scalar(_divided(self.value, _plain(other)), self.tally)

    def __rtruediv__(self, other: float) -> Scalar:
        self.tally.div += 1
        return Scalar(_divided(other, self.value), self.tally)

    def __pow__(self, exponent: float) -> Scalar:
        self.tally.pow += 1
        return Scalar(_limited(lambda base: math.pow(base, exponent), self.value), self.tally)

    def __neg__(self) -> Scalar:
        return Scalar(-self.value, self.tally)

    def __abs__(self) -> Scalar:
        return Scalar(abs(self.value), self.tally)

    def __gt__(self, other: Operand) -> bool:
        self.tally.cmp += 1
        return self.value > _plain(other)


Operand: TypeAlias = Scalar | float


def _plain(x: Operand) -> float:
    return x.value if type(x) is Scalar else x


def _divided(a: float, b: float) -> float:
    return a / b if b else a * math.inf


def _limited(function: Callable[[float], float], x: float) -> float:
    """Return the value of a function, infinity if it overflows, or NaN if it is undefined."""
    try:
        return function(x)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def maximum(a: Scalar, b: Operand) -> Scalar:
    """Return the larger of two numbers, by one comparison."""
    return a if a > b else Scalar(_plain(b), a.tally)


def minimum(a: Scalar, b: Operand) -> Scalar:
    """Return the smaller of two numbers, by one comparison."""
    return Scalar(_plain(b), a.tally) if a > b else a


def exp(x: Scalar) -> Scalar:
    x.tally.exp += 1
    return Scalar(_limited(math.exp, x.value), x.tally)


def log(x: Scalar) -> Scalar:
    x.tally.log += 1
    return Scalar(_limited(math.log, x.value), x.tally)


def sqrt(x: Scalar) -> Scalar:
    x.tally.sqrt += 1
    return Scalar(_limited(math.sqrt, x.value), x.tally)


def sin(x: Scalar) -> Scalar:
    x.tally.sin += 1
    return Scalar(_limited(math.sin, x.value), x.tally)


def cos(x: Scalar) -> Scalar:
    x.tally.sin += 1
    return Scalar(_limited(math.cos, x.value), x.tally)


def tanh(x: Scalar) -> Scalar:
    x.tally.tanh += 1
    return Scalar(math.tanh(x.value), x.tally)


def erf(x: Scalar) -> Scalar:
    x.tally.erf += 1
    return Scalar(math.erf(x.value), x.tally)
