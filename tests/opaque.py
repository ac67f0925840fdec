"""A kind of number that computes but cannot be inspected, to show that code is generic in its numbers.

An `OpaqueNumber` raises where Python asks for a truth value or an index, so a stray ``if`` or ``range`` fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archcalc.numeric import Impossible, PlainNumberRequired


class Condition:
    """The result of comparing opaque numbers, known to their kind only."""

    def __init__(self, holds: bool) -> None:
        self.holds, self.kind = holds, KIND

    def __bool__(self) -> bool:
        raise PlainNumberRequired("a condition was asked for its truth value")


class OpaqueNumber:
    """A number that computes but does not reveal its value."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, number: Any) -> None:
        self.number, self.kind = number, KIND

    def _refuse(self, *_: object) -> Any:
        raise PlainNumberRequired("a number was asked for its value")

    __bool__ = __index__ = __int__ = __float__ = __round__ = __format__ = _refuse


def plain_value(value: Any) -> Any:
    """Return a value with plain numbers in place of opaque ones."""
    if isinstance(value, OpaqueNumber):
        return value.number
    return value.holds if isinstance(value, Condition) else value


def _lift(function: Callable[..., Any], wrap: type = OpaqueNumber) -> Callable[..., Any]:
    return lambda *operands: wrap(function(*map(plain_value, operands)))


for _name in ("add", "sub", "mul", "floordiv", "mod", "neg", "radd", "rsub", "rmul", "rfloordiv", "rmod"):
    setattr(OpaqueNumber, f"__{_name}__", _lift(lambda a, *b, how=f"__{_name}__": getattr(Fraction(a), how)(*b)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(
        OpaqueNumber, f"__{_name}__", _lift(lambda a, b, how=f"__{_name}__": getattr(Fraction(a), how)(b), Condition)
    )


class OpaqueKind:
    ceil_div = staticmethod(_lift(lambda a, b: -(-Fraction(a) // b)))
    exact_div = staticmethod(_lift(lambda a, b: Fraction(a) / b))
    maximum = staticmethod(_lift(max))
    minimum = staticmethod(_lift(min))
    gcd = staticmethod(_lift(lambda a, b: math.gcd(int(a), int(b))))
    select = staticmethod(_lift(lambda condition, a, b: a if condition else b))
    both = staticmethod(_lift(lambda a, b: a and b, Condition))
    floor = staticmethod(_lift(math.floor))
    round_half_even = staticmethod(_lift(round))

    def as_integer(self, a: Any, what: str) -> Any:
        return a

    def known_equal(self, a: Any, b: Any) -> bool:
        return plain_value(a) == plain_value(b)

    def let(self, name: str, a: Any) -> Any:
        return a

    def require(self, condition: Condition, message: str, names: dict[str, object]) -> None:
        if not condition.holds:
            raise Impossible(message.format(**{name: plain_value(value) for name, value in names.items()}))


KIND = OpaqueKind()
