"""The helpers that formulas are written with, and the protocol that a kind of number implements.

Every helper handles plain numbers first, by type and without imports, and otherwise delegates to the kind of its
operands. Plain numbers are ``int`` and `Fraction`, never floats: decimals become fractions when they are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

Number: TypeAlias = Any
"""``int``, `Fraction`, or an instance of a kind: ``Any``, since no type expresses "closed under + - * //"."""

Condition: TypeAlias = Any
"""``bool``, or the result of a comparison of numbers of a kind."""


class Impossible(ValueError):
    """A requirement of a formula does not hold: no such layer can exist. The message states it, with the numbers."""

    def __init__(self, message: str, **names: object) -> None:
        super().__init__(message)
        self.names = names

    def __str__(self) -> str:
        return self.worded(lambda value: value)

    def worded(self, wording: Callable[[object], object]) -> str:
        """Return the message with the values that it names worded otherwise (shapes in another layout)."""
        message = str(self.args[0])
        return message.format(**{name: wording(value) for name, value in self.names.items()}) if self.names else message


class NotInteger(Impossible):
    """A number that must be an integer is not one."""


class NotDivisible(Impossible):
    """A number that must be divisible by another one is not."""


class PlainNumberRequired(TypeError):
    """A number of a kind is used where a plain one is needed: as a repeat count, an axis, a condition of ``if``.

    Kinds raise it where Python asks one of their numbers for a truth value or an index.
    """


class Kind(Protocol):
    """The operations of a kind of number beyond the operators of Python; the helpers of the same names call them."""

    def ceil_div(self, a: Number, b: Number) -> Number: ...
    def exact_div(self, a: Number, b: Number) -> Number: ...
    def maximum(self, a: Number, b: Number) -> Number: ...
    def minimum(self, a: Number, b: Number) -> Number: ...
    def gcd(self, a: Number, b: Number) -> Number: ...
    def select(self, condition: Condition, a: Number, b: Number) -> Number: ...
    def both(self, a: Condition, b: Condition) -> Condition: ...
    def require(self, condition: Condition, message: str, names: dict[str, object]) -> None: ...
    def floor(self, a: Number) -> Number: ...
    def round_half_even(self, a: Number) -> Number: ...
    def as_integer(self, a: Number, what: str) -> Number: ...
    def known_equal(self, a: Number, b: Number) -> bool: ...
    def let(self, name: str, a: Number) -> Number: ...


NOT_DIVISIBLE = "{a} is not divisible by {b}"
NOT_INTEGER = "{what} must be an integer, got {a}"


def is_plain(x: object) -> bool:
    """Return whether ``x`` is an ``int`` or a `Fraction` (and not a number of some kind)."""
    return type(x) is int or type(x) is Fraction


def _kind(*operands: Any) -> Kind:
    for operand in operands:
        kind = getattr(operand, "kind", None)
        if kind is not None:
            return kind  # type: ignore[no-any-return]
    raise TypeError(f"not numbers: {operands!r}")


def ceil_div(a: Number, b: Number) -> Number:
    """Return ⌈a / b⌉."""
    if is_plain(a) and is_plain(b):
        return -(-a // b)
    return _kind(a, b).ceil_div(a, b)


def exact_div(a: Number, b: Number) -> Number:
    """Return a / b, which must be an integer: derivations and closed forms show no floor.

    Raises:
        Impossible: for plain numbers, where b does not divide a. A kind decides for itself.
    """
    if is_plain(a) and is_plain(b):
        quotient, rest = divmod(a, b)
        if rest:
            raise Impossible(NOT_DIVISIBLE, a=a, b=b)
        return quotient
    return _kind(a, b).exact_div(a, b)


def maximum(a: Number, b: Number) -> Number:
    """Return the larger of two numbers."""
    if is_plain(a) and is_plain(b):
        return a if a >= b else b
    return _kind(a, b).maximum(a, b)


def minimum(a: Number, b: Number) -> Number:
    """Return the smaller of two numbers."""
    if is_plain(a) and is_plain(b):
        return a if a <= b else b
    return _kind(a, b).minimum(a, b)


def gcd(a: Number, b: Number) -> Number:
    """Return the greatest common divisor of two positive integers."""
    if type(a) is int and type(b) is int:
        return math.gcd(a, b)
    return _kind(a, b).gcd(a, b)


def select(condition: Condition, a: Number, b: Number) -> Number:
    """Return ``a`` where the condition holds, else ``b``. Both are evaluated: neither may raise."""
    if condition is True:
        return a
    if condition is False:
        return b
    return _kind(condition, a, b).select(condition, a, b)


def both(a: Condition, b: Condition) -> Condition:
    """Return whether both conditions hold (``and`` would ask a kind for one truth value)."""
    if isinstance(a, bool) and isinstance(b, bool):
        return a and b
    return _kind(a, b).both(a, b)


def require(condition: Condition, message: str, **names: object) -> None:
    """Require a condition. ``message`` is a `str.format` template over ``names``, formatted only when it is needed.

    Raises:
        Impossible: for plain numbers, where the condition is false. A kind decides for itself (mask, collect, raise).
    """
    if condition is True:
        return
    if condition is False:
        raise Impossible(message, **names)
    _kind(condition).require(condition, message, names)


def require_divisible(number: Number, divisor: Number, message: str, **names: object) -> None:
    """Require that a number is divisible by another one. ``message`` is a template that may name both, and ``names``.

    Raises:
        NotDivisible: for plain numbers, where it is not; see `require`.
    """
    condition = number % divisor == 0
    if condition is False:
        raise NotDivisible(message, number=number, divisor=divisor, **names)
    require(condition, message, number=number, divisor=divisor, **names)


def product(numbers: Iterable[Number]) -> Number:
    """Return the product of numbers; 1 for none."""
    result: Number = None
    for number in numbers:
        result = number if result is None else result * number  # no "1 · x" in derivations
    return 1 if result is None else result


def floor(a: Number) -> Number:
    """Return ⌊a⌋."""
    if type(a) is int:
        return a
    if type(a) is Fraction:
        return a.__floor__()
    return _kind(a).floor(a)


def ceiling(a: Number) -> Number:
    """Return ⌈a⌉."""
    return -floor(-a)


def round_half_even(a: Number) -> Number:
    """Return the nearest integer; halves are rounded to the even one, as by Python's `round`."""
    if is_plain(a):
        return round(a)
    return _kind(a).round_half_even(a)


def make_divisible(x: Number, divisor: Number) -> Number:
    """Return the multiple of ``divisor`` nearest to ``x``, at least ``divisor`` and at least 90 % of ``x``.

    The arithmetic is exact. Published code uses floats and differs in rare cases: 1.16·100 by 8 is 120 here, 112 there.
    Source: ``make_divisible`` of the TensorFlow models repository (Howard et al. 2017, Sandler et al. 2018).
    """
    nearest = maximum(divisor, (x * 2 + divisor) // (divisor * 2) * divisor)
    return select(nearest * 10 < x * 9, nearest + divisor, nearest)


def as_integer(a: Number, what: str) -> Number:
    """Return ``a``, which must be an integer, as one.

    Raises:
        NotInteger: for plain numbers, where it is not one; ``what`` names it in the message. A kind decides for itself.
    """
    if type(a) is int:
        return a
    if type(a) is Fraction:
        if a.denominator == 1:
            return a.numerator
        raise NotInteger(NOT_INTEGER, a=a, what=what)
    return _kind(a).as_integer(a, what)


def known_equal(a: Number, b: Number) -> bool:
    """Return whether two numbers are known to be equal in every configuration, as a ``bool`` for every kind."""
    if is_plain(a) and is_plain(b):
        return bool(a == b)
    return a is b or _kind(a, b).known_equal(a, b)


def may_equal(a: Number, b: Number) -> bool:
    """Return whether two numbers are known to be equal in some configuration, as a ``bool`` for every kind.

    For a kind with a single configuration this is `known_equal`.
    """
    if is_plain(a) and is_plain(b):
        return bool(a == b)
    kind = _kind(a, b)
    return a is b or bool(getattr(kind, "may_equal", kind.known_equal)(a, b))


def simplified(a: Number) -> Number:
    """Return a fraction with the denominator 1 as ``int``; any other number as it is."""
    return a.numerator if type(a) is Fraction and a.denominator == 1 else a


def ratio(a: Number, b: Number) -> Number:
    """Return a / b, exactly."""
    if is_plain(a) and is_plain(b):
        return simplified(Fraction(a) / b)
    return a / b


def fraction_terms(a: Number) -> tuple[Number, Number]:
    """Return the numerator and the denominator of a number in lowest terms, as plain integers if it is known.

    Raises:
        PlainNumberRequired: it is a fraction in some configurations.
    """
    if is_plain(a):
        return a.numerator, a.denominator
    terms = getattr(_kind(a), "fraction_terms", None)
    if terms is not None:
        found: tuple[Number, Number] = terms(a)
        return found
    if not known_equal(floor(a), a):
        raise PlainNumberRequired("a factor that is a fraction")
    return a, 1


def let(name: str, a: Number) -> Number:
    """Return ``a``, named as a step of its own in derivations: ``K = k + (k − 1)·(d − 1) = 5``."""
    return a if is_plain(a) else _kind(a).let(name, a)
