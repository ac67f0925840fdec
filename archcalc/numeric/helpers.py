"""The helpers formulas are written with, and the protocol a kind of number fulfils.

Every helper tests for plain numbers first, by type and without imports, and otherwise hands over to the kind of its
operands. Plain numbers are ``int`` and `Fraction`; a float never enters (decimals become fractions when they are read).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

Number: TypeAlias = Any
"""``int``, `Fraction`, or an instance of a kind: ``Any``, because types cannot say "closed under + - * //"."""

Condition: TypeAlias = Any
"""``bool``, or what the comparisons of a kind return."""


class Impossible(ValueError):
    """A formula's requirement does not hold: no such layer can exist. The message says which, with its numbers."""

    def __init__(self, message: str, **names: object) -> None:
        super().__init__(message)
        self.names = names

    def __str__(self) -> str:
        return self.worded(lambda value: value)

    def worded(self, wording: Callable[[object], object]) -> str:
        """The message, with what it names put in other words (shapes in another layout)."""
        message = str(self.args[0])
        return message.format(**{name: wording(value) for name, value in self.names.items()}) if self.names else message


class NeedsPlain(TypeError):
    """A number of a kind stands where the structure of a network depends on a plain one: a repeat count, an axis.

    Kinds raise it where Python asks one of their numbers for a truth value or an index.
    """


class Kind(Protocol):
    """What a kind of number does where the operators of Python are not enough."""

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
NOT_WHOLE = "{what} must be a whole number, got {a}: wrap it in floor(…), ceil(…), round(…) or divisible(…, 8)"


def is_plain(x: object) -> bool:
    """Whether ``x`` is an ``int`` or a `Fraction` (and not a number of some kind)."""
    return type(x) is int or type(x) is Fraction


def _kind(*operands: Any) -> Kind:
    for operand in operands:
        kind = getattr(operand, "kind", None)
        if kind is not None:
            return kind  # type: ignore[no-any-return]
    raise TypeError(f"not numbers: {operands!r}")


def ceil_div(a: Number, b: Number) -> Number:
    """⌈a / b⌉."""
    if is_plain(a) and is_plain(b):
        return -(-a // b)
    return _kind(a, b).ceil_div(a, b)


def exact_div(a: Number, b: Number) -> Number:
    """a / b where it is known to come out whole: no floor appears in derivations and closed forms."""
    if is_plain(a) and is_plain(b):
        quotient, rest = divmod(a, b)
        if rest:
            raise Impossible(NOT_DIVISIBLE, a=a, b=b)
        return quotient
    return _kind(a, b).exact_div(a, b)


def maximum(a: Number, b: Number) -> Number:
    """The larger of two numbers."""
    if is_plain(a) and is_plain(b):
        return a if a >= b else b
    return _kind(a, b).maximum(a, b)


def minimum(a: Number, b: Number) -> Number:
    """The smaller of two numbers."""
    if is_plain(a) and is_plain(b):
        return a if a <= b else b
    return _kind(a, b).minimum(a, b)


def gcd(a: Number, b: Number) -> Number:
    """The greatest common divisor of two positive whole numbers.

    Where b is an ``int``, gcd(a, b) = Σ over the divisors d of b of φ(d)·(⌊a/d⌋ − ⌊(a − 1)/d⌋): floors suffice.
    """
    if type(a) is int and type(b) is int:
        return math.gcd(a, b)
    return _kind(a, b).gcd(a, b)


def select(condition: Condition, a: Number, b: Number) -> Number:
    """``a`` where the condition holds, else ``b``. Both are evaluated: neither may raise."""
    if condition is True:
        return a
    if condition is False:
        return b
    return _kind(condition, a, b).select(condition, a, b)


def both(a: Condition, b: Condition) -> Condition:
    """Whether both conditions hold (``and`` would ask a kind for one truth value)."""
    if isinstance(a, bool) and isinstance(b, bool):
        return a and b
    return _kind(a, b).both(a, b)


def require(condition: Condition, message: str, **names: object) -> None:
    """State what must hold. ``message`` is a `str.format` template over ``names``, formatted only when it is needed.

    Raises:
        Impossible: for plain numbers, where the condition is false. A kind decides for itself (mask, collect, raise).
    """
    if condition is True:
        return
    if condition is False:
        raise Impossible(message, **names)
    _kind(condition).require(condition, message, names)


def product(numbers: Iterable[Number]) -> Number:
    """The product of numbers; 1 for none of them."""
    result: Number = None
    for number in numbers:
        result = number if result is None else result * number  # no "1 · x" in derivations
    return 1 if result is None else result


def floor(a: Number) -> Number:
    """⌊a⌋."""
    if type(a) is int:
        return a
    if type(a) is Fraction:
        return a.__floor__()
    return _kind(a).floor(a)


def ceiling(a: Number) -> Number:
    """⌈a⌉."""
    return -floor(-a)


def round_half_even(a: Number) -> Number:
    """The nearest whole number; halves go to the even one, as Python's `round` does."""
    if is_plain(a):
        return round(a)
    return _kind(a).round_half_even(a)


def divisible(x: Number, divisor: Number) -> Number:
    """The MobileNet rule: ``x`` to the nearest multiple of ``divisor``, never less than that nor than 90 % of ``x``.

    Exact where published code uses floats; the two differ in rare cases (1.16·100 by 8: 120 here, 112 there).
    Source: ``make_divisible`` of the TensorFlow models repository (Howard et al. 2017, Sandler et al. 2018).
    """
    nearest = maximum(divisor, (x * 2 + divisor) // (divisor * 2) * divisor)
    return select(nearest * 10 < x * 9, nearest + divisor, nearest)


def as_integer(a: Number, what: str) -> Number:
    """``a`` as a whole number.

    Raises:
        Impossible: where it does not come out whole; ``what`` names it in the message.
    """
    if type(a) is int:
        return a
    if type(a) is Fraction:
        if a.denominator == 1:
            return a.numerator
        raise Impossible(NOT_WHOLE, a=a, what=what)
    return _kind(a).as_integer(a, what)


def known_equal(a: Number, b: Number) -> bool:
    """Whether two numbers are certainly equal, in every configuration: a plain truth value for every kind."""
    if is_plain(a) and is_plain(b):
        return bool(a == b)
    return a is b or _kind(a, b).known_equal(a, b)


def may_equal(a: Number, b: Number) -> bool:
    """Whether two numbers are known to be equal in some configuration: a plain truth value for every kind.

    A kind of one configuration does not tell this from `known_equal`, nor need it.
    """
    if is_plain(a) and is_plain(b):
        return bool(a == b)
    kind = _kind(a, b)
    return a is b or bool(getattr(kind, "may_equal", kind.known_equal)(a, b))


def normal(a: Number) -> Number:
    """Whole fractions as ``int``; any other number as it is."""
    return a.numerator if type(a) is Fraction and a.denominator == 1 else a


def ratio(a: Number, b: Number) -> Number:
    """a / b, exactly."""
    if is_plain(a) and is_plain(b):
        return normal(Fraction(a) / b)
    return a / b


def let(name: str, a: Number) -> Number:
    """``a`` as a step of its own in derivations, ``K = k + (k − 1)·(d − 1) = 5``; the same number otherwise."""
    return a if is_plain(a) else _kind(a).let(name, a)
