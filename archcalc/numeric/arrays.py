"""Numbers that are arrays: one entry per configuration of a sweep, so that one pass over a network evaluates all.

Every axis of a sweep is an axis of the arrays, along which a number has one entry per value if it depends on it, else
one entry, which NumPy broadcasts (an open grid). A requirement of a formula masks the configurations that violate it:
the run records the first violation of each. Their entries, which no longer mean anything, are computed all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

import numpy as np

from archcalc.numeric.helpers import NOT_DIVISIBLE, NOT_INTEGER, PlainNumberRequired, is_plain
from archcalc.numeric.integers import MAX_INT64, Integers, integers

Array = Any
"""A NumPy array."""


class Violation(NamedTuple):
    """A requirement that makes configurations impossible."""

    node: int | None
    """The index of the layer that cannot exist; ``None`` if it is not a layer but a size of an input."""
    message: str
    """The template of the message."""
    example: str
    """The message for the first configuration."""
    where: tuple[int, ...]
    """The indices of that configuration."""


class GridEvaluation:
    """One evaluation of many configurations: the kind of its numbers, and the configurations found impossible."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.violations: list[Violation] = []
        self.first_violation: Array = np.zeros((1,) * len(shape), np.int32)
        """Per configuration (broadcast to ``shape``): 0 if it is possible, else 1 + the index of its violation."""
        self.node: int | None = None
        """The index of the layer that is being evaluated."""
        self.example: tuple[int, ...] = (0,) * len(shape)
        """The configuration whose values are written in messages."""

    def numbers(self, values: Sequence[int | Fraction], axis: int) -> Numbers:
        """Return numbers with these values along an axis."""
        common = lcm(*(value.denominator for value in values))
        numerators = [int(value * common) for value in values]
        return self._along(axis, np.array(numerators, dtype=object), common)

    def progression(self, start: int | Fraction, step: int | Fraction, count: int, axis: int) -> Numbers:
        """Return numbers with the values start, start + step, … along an axis."""
        common = lcm(start.denominator, step.denominator)
        first, distance = int(start * common), int(step * common)
        fits = abs(first) + abs(distance) * count <= MAX_INT64
        return self._along(axis, np.arange(count, dtype=np.int64 if fits else object) * distance + first, common)

    def _along(self, axis: int, numerators: Array, denominator: int) -> Numbers:
        along = [1] * len(self.shape)
        along[axis] = len(numerators)
        return Numbers(self, integers(numerators.reshape(along)), integers(denominator))

    def require(self, condition: Any, message: str, names: dict[str, object]) -> None:
        """Mask the configurations in which the condition does not hold."""
        holds = condition.values
        if holds.all():
            return
        shape = np.broadcast_shapes(holds.shape, self.first_violation.shape)
        if shape != self.first_violation.shape:
            self.first_violation = np.broadcast_to(self.first_violation, shape).copy()
        new = ~holds & (self.first_violation == 0)
        if not new.any():
            return
        self.example = tuple(int(place) for place in np.unravel_index(int(new.argmax()), shape))
        self.violations.append(Violation(self.node, message, message.format(**names), self.example))
        self.first_violation[new] = len(self.violations)

    def ceil_div(self, a: Any, b: Any) -> Any:
        return -(-a // b)

    def exact_div(self, a: Any, b: Any) -> Any:
        if type(b) is int and b == 1:
            return a
        self.require(a % b == 0, NOT_DIVISIBLE, {"a": a, "b": b})
        return a // b

    def maximum(self, a: Any, b: Any) -> Numbers:
        return self._common(Integers.maximum, a, b)

    def minimum(self, a: Any, b: Any) -> Numbers:
        return self._common(Integers.minimum, a, b)

    def gcd(self, a: Any, b: Any) -> Numbers:
        return self._common(Integers.gcd, a, b)

    def select(self, condition: Any, a: Any, b: Any) -> Numbers:
        return self._common(lambda x, y: x.where(condition.values, y), a, b)

    def both(self, a: Any, b: Any) -> Any:
        if isinstance(a, bool) or isinstance(b, bool):
            return (b if a else False) if isinstance(a, bool) else (a if b else False)
        return a & b

    def floor(self, a: Numbers) -> Numbers:
        return a if a.denominators.is_one else Numbers(self, a.numerators // a.denominators)

    def round_half_even(self, a: Numbers) -> Any:
        if a.denominators.is_one:
            return a
        twice = a * 2 + 1
        nearest = twice // 2
        return nearest - self.select(self.both(twice % 2 == 0, nearest % 2 == 1), 1, 0)

    def as_integer(self, a: Numbers, what: str) -> Numbers:
        if a.denominators.is_one:
            return a
        self.require(a % 1 == 0, NOT_INTEGER, {"a": a, "what": what})
        return self.floor(a)

    def known_equal(self, a: Any, b: Any) -> bool:
        """Return whether two numbers are equal in every configuration."""
        return bool((a == b).values.all())

    def may_equal(self, a: Any, b: Any) -> bool:
        """Return whether two numbers are equal in some configuration."""
        return bool((a == b).values.any())

    def let(self, name: str, a: Any) -> Any:
        return a

    def divisors(self, numbers: Integers) -> Integers:
        """Return divisors with 1 in place of zeros, which make configurations impossible."""
        values = numbers.values
        if (values != 0) if type(values) is int else values.all():
            return numbers
        if type(values) is int:
            raise ZeroDivisionError("division by zero")
        self.require(Truths(self, values != 0), "division by zero", {})
        return numbers.where(values != 0, integers(1))

    def _common(self, function: Callable[[Integers, Integers], Integers], a: Any, b: Any) -> Numbers:
        """Apply a function to the numerators over a common denominator."""
        (p, q), (r, s) = _parts(a), _parts(b)
        if q.is_one and s.is_one:
            return Numbers(self, function(p, r))
        common = q.lcm(s)
        return Numbers(self, function(p * (common // q), r * (common // s)), common)


class Numbers:
    """One rational per configuration, ``numerators`` over positive ``denominators``."""

    __slots__ = ("denominators", "kind", "numerators")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, run: GridEvaluation, numerators: Integers, denominators: Integers = integers(1)) -> None:  # noqa: B008
        self.kind = run
        self.numerators = numerators
        self.denominators = denominators

    def __bool__(self) -> bool:
        raise PlainNumberRequired(
            "an array of numbers has no truth value: a formula must use select, maximum or require"
        )

    def __index__(self) -> int:
        raise PlainNumberRequired("an array of numbers is not an int: a formula must stay generic")

    def __str__(self) -> str:
        return str(self.at(self.kind.example))

    def __repr__(self) -> str:
        return f"Numbers({self.numerators.values!r}, {self.denominators.values!r})"

    def at(self, index: tuple[int, ...]) -> int | Fraction:
        """Return the number of one configuration."""
        over, under = _at(self.numerators.values, index), _at(self.denominators.values, index)
        return over // under if over % under == 0 else Fraction(over, under)

    def plain(self) -> Array:
        """Return the numbers as an array: of int64 where all are integers that fit, else of ``int`` and `Fraction`."""
        if self.denominators.is_one:
            return self.numerators.values
        return _FRACTIONS(self.numerators.values, self.denominators.values)

    def __neg__(self) -> Numbers:
        return Numbers(self.kind, -self.numerators, self.denominators)

    def __add__(self, other: Any) -> Any:
        return self.kind._common(Integers.__add__, self, other)

    def __radd__(self, other: Any) -> Any:
        return self.kind._common(Integers.__add__, other, self)

    def __sub__(self, other: Any) -> Any:
        return self.kind._common(Integers.__sub__, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.kind._common(Integers.__sub__, other, self)

    def __mul__(self, other: Any) -> Any:
        (p, q), (r, s) = _parts(self), _parts(other)
        if q.is_one and s.is_one:
            return Numbers(self.kind, p * r)
        return _reduced(self.kind, p * r, q * s)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return _ratio(self.kind, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _ratio(self.kind, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _quotients(self.kind, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _quotients(self.kind, other, self)

    def __mod__(self, other: Any) -> Any:
        return _remainders(self.kind, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _remainders(self.kind, other, self)

    def __pow__(self, exponent: int) -> Any:
        if abs(exponent) > MAX_EXPONENT:
            raise PlainNumberRequired("a power of many factors")  # evaluated one by one, plain powers are limited
        power: Any = 1
        for _ in range(abs(exponent)):
            power = self * power
        return power if exponent >= 0 else 1 / power

    def __lt__(self, other: Any) -> Truths:
        return _compared(self, np.less, other)

    def __le__(self, other: Any) -> Truths:
        return _compared(self, np.less_equal, other)

    def __gt__(self, other: Any) -> Truths:
        return _compared(self, np.greater, other)

    def __ge__(self, other: Any) -> Truths:
        return _compared(self, np.greater_equal, other)

    def __eq__(self, other: object) -> Any:
        return _compared(self, np.equal, other) if _is_number(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return _compared(self, np.not_equal, other) if _is_number(other) else NotImplemented


class Truths:
    """The result of a comparison, per configuration."""

    __slots__ = ("kind", "values")

    def __init__(self, run: GridEvaluation, values: Array) -> None:
        self.kind = run
        self.values = values

    def __bool__(self) -> bool:
        raise PlainNumberRequired("an array of comparisons has no truth value: a formula must use select or require")

    def __and__(self, other: Truths) -> Truths:
        return Truths(self.kind, self.values & other.values)

    def __or__(self, other: Truths) -> Truths:
        return Truths(self.kind, self.values | other.values)

    def __invert__(self) -> Truths:
        return Truths(self.kind, ~self.values)


MAX_EXPONENT = 64

_FRACTIONS = np.frompyfunc(lambda over, under: over // under if over % under == 0 else Fraction(over, under), 2, 1)
"""Quotients of numerators and denominators, as ``int`` or `Fraction`."""


def _is_number(x: object) -> bool:
    return isinstance(x, Numbers) or is_plain(x)


def _at(values: Any, index: tuple[int, ...]) -> int:
    """Return the entry of one configuration in an array that broadcasts."""
    if type(values) is int:
        return values
    return int(values[tuple(min(place, size - 1) for place, size in zip(index, values.shape, strict=True))])


def _parts(number: Any) -> tuple[Integers, Integers]:
    """Return the numerators and denominators of numbers, or those of a plain number."""
    if isinstance(number, Numbers):
        return number.numerators, number.denominators
    return integers(int(number.numerator)), integers(int(number.denominator))


def _reduced(run: GridEvaluation, over: Integers, under: Integers) -> Numbers:
    """Return a quotient by positive integers in lower terms, so that both stay small."""
    divisor = under.gcd(over)
    if type(under.values) is int:
        divisor = integers(int(np.gcd.reduce(divisor.values, axis=None)))
    over, under = over // divisor, (under // divisor).tight()
    return Numbers(run, over, integers(1) if under.bound == 1 else under)


def _ratio(run: GridEvaluation, a: Any, b: Any) -> Numbers:
    """Return a / b, exactly."""
    (p, q), (r, s) = _parts(a), _parts(b)
    over, under = p * s, run.divisors(q * r)
    values = under.values
    sign = (-1 if values < 0 else 1) if type(values) is int else np.where(values < 0, -1, 1)
    return _reduced(run, over * integers(sign), under * integers(sign))


def _quotients(run: GridEvaluation, a: Any, b: Any) -> Numbers:
    """Return ⌊a / b⌋."""
    (p, q), (r, s) = _parts(a), _parts(b)
    return Numbers(run, (p * s) // run.divisors(q * r))


def _remainders(run: GridEvaluation, a: Any, b: Any) -> Numbers:
    """Return a − b·⌊a / b⌋."""
    (p, q), (r, s) = _parts(a), _parts(b)
    if q.is_one and s.is_one:
        return Numbers(run, p % run.divisors(r))
    return _reduced(run, (p * s) % run.divisors(q * r), q * s)


def _compared(a: Numbers, comparison: Callable[[Any, Any], Any], b: Any) -> Truths:
    (p, q), (r, s) = _parts(a), _parts(b)
    return Truths(a.kind, (p * s).compare(comparison, r * q))
