"""Numbers that record how they were computed, for the definitions by loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from archcalc.executor.loops.numbers import NumberSubstitute, function, power, quotient


class RecordedNumber(NumberSubstitute):
    """A number with the operation that gave it, and its operands."""

    __slots__ = ("name", "operands", "operation")

    def __init__(self, value: Any, operation: str = "", operands: tuple[Any, ...] = (), name: str = "") -> None:
        """Record a number.

        Args:
            value: a float or an exact number.
            operation: ``+``, ``-``, ``*``, ``/``, ``^``, ``neg``, ``abs``, ``max``, ``min`` or the name of a function;
                empty for a number that was given.
            operands: recorded or plain numbers; of a number that was given, the name of its array and its index.
            name: the name of an intermediate result.
        """
        self.value, self.operation, self.operands, self.name = value, operation, operands, name

    def __repr__(self) -> str:
        return f"RecordedNumber({self.value!r}, {self.operation!r}, {self.name!r})"

    def __hash__(self) -> int:
        return id(self)

    def __add__(self, other: object) -> RecordedNumber:
        return _applied("+", lambda a, b: a + b, self, other)

    def __radd__(self, other: object) -> RecordedNumber:
        return _applied("+", lambda a, b: a + b, other, self)

    def __sub__(self, other: object) -> RecordedNumber:
        return _applied("-", lambda a, b: a - b, self, other)

    def __rsub__(self, other: object) -> RecordedNumber:
        return _applied("-", lambda a, b: a - b, other, self)

    def __mul__(self, other: object) -> RecordedNumber:
        return _applied("*", lambda a, b: a * b, self, other)

    def __rmul__(self, other: object) -> RecordedNumber:
        return _applied("*", lambda a, b: a * b, other, self)

    def __truediv__(self, other: object) -> RecordedNumber:
        return _applied("/", quotient, self, other)

    def __rtruediv__(self, other: object) -> RecordedNumber:
        return _applied("/", quotient, other, self)

    def __pow__(self, exponent: object) -> RecordedNumber:
        return _applied("^", power, self, exponent)

    def __neg__(self) -> RecordedNumber:
        return RecordedNumber(-self.value, "neg", (self,))

    def __abs__(self) -> RecordedNumber:
        return RecordedNumber(abs(self.value), "abs", (self,))

    @staticmethod
    def comparable(other: Any) -> Any:
        """Return the other side of a comparison without its record."""
        return plain(other)

    def apply(self, name: str) -> RecordedNumber:
        """Return a function of the number."""
        return RecordedNumber(function(name, self.value), name, (self,))

    def chosen(self, value: Any, function: str, a: Any, b: Any) -> RecordedNumber:
        """Return the result of a choice between this number and another one."""
        return RecordedNumber(plain(value), function, (a, b))

    def rounded(self, value: Any) -> RecordedNumber:
        """Return a number that this one has been rounded to."""
        return RecordedNumber(value, "round", (self,))

    def named(self, name: str) -> RecordedNumber:
        """Return the number as an intermediate result that has a name."""
        return RecordedNumber(self.value, self.operation, self.operands, name)


def plain(x: Any) -> Any:
    """Return a number without its record."""
    return x.value if isinstance(x, RecordedNumber) else x


def in_order(numbers: Iterable[RecordedNumber], *, last_first: bool = False) -> list[RecordedNumber]:
    """Return numbers and all that they were computed from, every one after its operands.

    Args:
        numbers: the numbers.
        last_first: whether, of numbers and of operands, the last one comes first: then the reversed order, in which
            gradients are added, goes through them from the first to the last.
    """

    def pushed(each: Iterable[Any]) -> list[Any]:
        return [*each] if last_first else [*each][::-1]

    found: list[RecordedNumber] = []
    seen: set[int] = set()
    waiting = [(number, False) for number in pushed(numbers)]
    while waiting:  # records may be deeper than Python's stack
        each, done = waiting.pop()
        if done:
            found.append(each)
        elif id(each) not in seen:
            seen.add(id(each))
            waiting.append((each, True))
            operands = each.operands if each.operation else ()
            waiting += [(operand, False) for operand in pushed(operands) if isinstance(operand, RecordedNumber)]
    return found


def _applied(operation: str, of: Callable[[Any, Any], Any], a: Any, b: Any) -> RecordedNumber:
    return RecordedNumber(of(plain(a), plain(b)), operation, (a, b))
