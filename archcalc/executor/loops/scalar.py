"""Counting numbers: every operation on them increments the count of its kind."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias, final

from archcalc.executor.loops.numbers import NumberSubstitute, Value, function, named_value, power, quotient

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
    """A counting number: a float, or a number that takes its place, with the tally of the operations on it.

    One operand of an operation may be a plain number; the result is a counting number. A change of sign is not counted;
    a subtraction counts as an addition. Overflow gives infinity, as on arrays.
    """

    __slots__ = ("tally", "value")

    value: Any

    def __init__(self, value: Value, tally: Tally) -> None:
        self.value = value
        self.tally = tally

    def __repr__(self) -> str:
        return f"Scalar({self.value!r})"

    def __add__(self, other: Operand) -> Scalar:
        tally = self.tally
        tally.add += 1
        return Scalar(self.value + (other.value if type(other) is Scalar else other), tally)

    def __radd__(self, other: Plain) -> Scalar:
        self.tally.add += 1
        return Scalar(other + self.value, self.tally)

    def __sub__(self, other: Operand) -> Scalar:
        tally = self.tally
        tally.add += 1
        return Scalar(self.value - (other.value if type(other) is Scalar else other), tally)

    def __rsub__(self, other: Plain) -> Scalar:
        self.tally.add += 1
        return Scalar(other - self.value, self.tally)

    def __mul__(self, other: Operand) -> Scalar:
        tally = self.tally
        tally.mul += 1
        return Scalar(self.value * (other.value if type(other) is Scalar else other), tally)

    def __rmul__(self, other: Plain) -> Scalar:
        self.tally.mul += 1
        return Scalar(other * self.value, self.tally)

    def __truediv__(self, other: Operand) -> Scalar:
        self.tally.div += 1
        return Scalar(quotient(self.value, _plain(other)), self.tally)

    def __rtruediv__(self, other: Plain) -> Scalar:
        self.tally.div += 1
        return Scalar(quotient(other, self.value), self.tally)

    def __pow__(self, exponent: Plain) -> Scalar:
        self.tally.pow += 1
        return Scalar(power(self.value, exponent), self.tally)

    def __neg__(self) -> Scalar:
        return Scalar(-self.value, self.tally)

    def __abs__(self) -> Scalar:
        return Scalar(abs(self.value), self.tally)

    def __gt__(self, other: Operand) -> bool:
        self.tally.cmp += 1
        return bool(self.value > _plain(other))


Plain: TypeAlias = float | Fraction
Operand: TypeAlias = Scalar | Plain


def _plain(x: Operand) -> Any:
    return x.value if type(x) is Scalar else x


def maximum(a: Scalar, b: Operand) -> Scalar:
    """Return the larger of two numbers, by one comparison; NaN if one of them is NaN."""
    return _chosen("max", a, b, first=a > b or a.value != a.value)


def minimum(a: Scalar, b: Operand) -> Scalar:
    """Return the smaller of two numbers, by one comparison; NaN if one of them is NaN."""
    other = _plain(b)
    return _chosen("min", a, b, first=not (a > b or other != other))


def _chosen(function: str, a: Scalar, b: Operand, *, first: bool) -> Scalar:
    other = _plain(b)
    value = a.value if first else other
    for each in (a.value, other):
        if isinstance(each, NumberSubstitute):
            value = each.chosen(value, function, a.value, other)
            break
    return Scalar(value, a.tally)


def exp(x: Scalar) -> Scalar:
    x.tally.exp += 1
    return Scalar(function("exp", x.value), x.tally)


def log(x: Scalar) -> Scalar:
    x.tally.log += 1
    return Scalar(function("log", x.value), x.tally)


def sqrt(x: Scalar) -> Scalar:
    x.tally.sqrt += 1
    return Scalar(function("sqrt", x.value), x.tally)


def sin(x: Scalar) -> Scalar:
    x.tally.sin += 1
    return Scalar(function("sin", x.value), x.tally)


def cos(x: Scalar) -> Scalar:
    x.tally.sin += 1
    return Scalar(function("cos", x.value), x.tally)


def atan(x: Scalar) -> Scalar:
    x.tally.sin += 1
    return Scalar(function("atan", x.value), x.tally)


def tanh(x: Scalar) -> Scalar:
    x.tally.tanh += 1
    return Scalar(function("tanh", x.value), x.tally)


def erf(x: Scalar) -> Scalar:
    x.tally.erf += 1
    return Scalar(function("erf", x.value), x.tally)


def named(name: str, x: Scalar) -> Scalar:
    """Return an intermediate result of a definition with its name in textbooks, which a record of the computation
    shows; it is not counted."""
    return Scalar(named_value(name, x.value), x.tally)
