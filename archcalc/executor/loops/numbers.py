"""Numbers that may take the place of floats in the definitions by loops, and functions of either."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias


class NumberSubstitute(ABC):
    """A number in place of a float, such as an exact one, or one that records how it was computed.

    The arithmetic operators work on it, with a float or a fraction as the other operand too, and it is ordered.
    """

    __slots__ = ("value",)
    value: Any
    """The number without what the class adds to it."""

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value != 0)

    def __floor__(self) -> int:
        below: int = math.floor(self.value)
        return below

    def __round__(self) -> int:
        nearest: int = round(self.value)
        return nearest

    def __eq__(self, other: object) -> bool:
        return bool(self.value == self.comparable(other))

    def __lt__(self, other: object) -> bool:
        return bool(self.value < self.comparable(other))

    def __gt__(self, other: object) -> bool:
        return bool(self.value > self.comparable(other))

    def __le__(self, other: object) -> bool:
        return bool(self.value <= self.comparable(other))

    def __ge__(self, other: object) -> bool:
        return bool(self.value >= self.comparable(other))

    @abstractmethod
    def __hash__(self) -> int: ...

    @staticmethod
    @abstractmethod
    def comparable(other: Any) -> Any:
        """Return the other side of a comparison as the values of this class can be compared with it."""

    @abstractmethod
    def apply(self, function: str) -> Any:
        """Return ``sqrt``, ``exp``, ``log``, ``tanh``, ``erf``, ``sin``, ``cos``, ``atan`` or ``floor``."""

    def chosen(self, value: Any, function: str, a: Any, b: Any) -> Any:
        """Return the result of a choice, ``max`` or ``min``, between this number and another one."""
        return value

    @abstractmethod
    def rounded(self, value: Any) -> Any:
        """Return a number that this one has been rounded to."""

    def named(self, name: str) -> Any:
        """Return the number as an intermediate result that has a name."""
        return self


Value: TypeAlias = "float | Fraction | NumberSubstitute"


def function(name: str, x: Any) -> Any:
    """Return a function of a number: infinity if it overflows, NaN if it is undefined."""
    if isinstance(x, NumberSubstitute):
        return x.apply(name)
    return evaluate_float(getattr(math, name), x)


def named_value(name: str, x: Any) -> Any:
    """Return an intermediate result of a definition with its name in textbooks, which a record shows."""
    return x.named(name) if isinstance(x, NumberSubstitute) else x


def evaluate_float(of: Callable[[float], float], x: float) -> float:
    """Return the value of a function of floats, infinity if it overflows, or NaN if it is undefined."""
    try:
        return of(x)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def rounded(x: Any, to: Callable[[Any], Any]) -> Any:
    """Return a number rounded by a function of floats and exact numbers."""
    return x.rounded(rounded(x.value, to)) if isinstance(x, NumberSubstitute) else to(x)


def power(base: Any, exponent: Any) -> Any:
    """Return a power of a number; overflow gives infinity, and an undefined one NaN."""
    if isinstance(base, NumberSubstitute):
        return base**exponent
    return evaluate_float(lambda x: math.pow(x, exponent), base)


def quotient(a: Any, b: Any) -> Any:
    """Return a quotient; a division by zero gives infinity, as on arrays."""
    return a / b if b else a * math.inf
