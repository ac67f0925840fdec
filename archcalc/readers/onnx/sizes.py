"""Numbers that a model computes from the sizes of its tensors: their values for the file's sizes, and their names."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from numbers import Real
from typing import Any, TypeAlias

from archcalc.numeric import maximum, minimum
from archcalc.readers.steps import SizeName

Calculate: TypeAlias = Callable[[str, tuple[Any, ...], Any], "Size"]
"""Adds the calculation of a number: the name of the function, its arguments, and the value for the file's sizes."""


class Size:
    """A number that depends on the sizes of tensors. It is compared by its value for the file's sizes."""

    __slots__ = ("calculate", "name", "value")

    def __init__(self, value: int | Fraction, name: str, calculate: Calculate) -> None:
        self.value, self.name, self.calculate = value, name, calculate

    def _with(self, function: str, compute: Callable[..., Any], *arguments: Any) -> Any:
        exact = tuple(map(_exact, arguments))
        result = compute(*map(plain, exact))
        return self.calculate(function, tuple(map(_argument, exact)), result)

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0) else self._with("_operator.add", lambda a, b: a + b, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0) else self._with("_operator.sub", lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("_operator.sub", lambda a, b: a - b, other, self)

    def __mul__(self, other: Any) -> Any:
        return self if _is(other, 1) else self._with("_operator.mul", lambda a, b: a * b, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1) else self._with("onnx.ratio", lambda a, b: Fraction(a) / b, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("onnx.ratio", lambda a, b: Fraction(a) / b, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self if _is(other, 1) else self._with("_operator.floordiv", lambda a, b: a // b, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with("_operator.floordiv", lambda a, b: a // b, other, self)

    def __mod__(self, other: Any) -> Any:
        return self._with("_operator.mod", lambda a, b: a % b, self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._with("_operator.mod", lambda a, b: a % b, other, self)

    def __neg__(self) -> Any:
        return self * -1

    def floor(self) -> Any:
        """Return the number rounded down; called by NumPy."""
        return self if isinstance(self.value, int) else self._with("onnx.floor", floor, self)

    def ceil(self) -> Any:
        """Return the number rounded up; called by NumPy."""
        return self if isinstance(self.value, int) else self._with("onnx.ceil", ceil, self)

    def most(self, other: Any) -> Any:
        """Return the larger of two numbers."""
        return self._with("torch.sym_max", maximum, self, other)

    def least(self, other: Any) -> Any:
        """Return the smaller of two numbers."""
        return self._with("torch.sym_min", minimum, self, other)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == plain(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= plain(other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return f"Size({self.value}, {self.name!r})"


def plain(value: Any) -> Any:
    """Return the value that a number has for the file's sizes."""
    return value.value if isinstance(value, Size) else value


def _argument(value: Any) -> Any:
    return SizeName(value.name) if isinstance(value, Size) else value


def argument(value: Any) -> Any:
    """Return a number as an argument of a call: a plain integer, or the name of a size."""
    return SizeName(value.name) if isinstance(value, Size) else int(value)


def _is(value: Any, number: int) -> bool:
    return not isinstance(value, Size) and value == number


def _exact(value: Any) -> Any:
    """Return a number of NumPy as an integer or a fraction."""
    if isinstance(value, Size | int | Fraction):
        return value
    found = Fraction(float(value)) if isinstance(value, Real) else value
    return int(found) if isinstance(found, Fraction) and found.denominator == 1 else found
