"""Numbers that a model computes from the sizes of its tensors: their values for the file's sizes, and their names."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from numbers import Real
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

from archcalc.numeric import maximum, minimum
from archcalc.readers.steps import SizeName

Calculate: TypeAlias = Callable[[str, tuple[Any, ...], Any], "ComputedSize"]
"""Adds the calculation of a number: the name of the function, its arguments, and the value for the file's sizes."""


class ComputedSize:
    """A number that depends on the sizes of tensors.

    Python compares it by its value for the file's sizes; `holds` compares it for all sizes that a graph may have.
    """

    __slots__ = ("calculate", "low", "name", "value")

    def __init__(self, value: int | Fraction, name: str, calculate: Calculate, low: int | None = None) -> None:
        """Make a number.

        Args:
            value: what it is for the file's sizes.
            name: its name in the program.
            calculate: adds calculations with it to the program.
            low: what it is at least for all sizes; ``None``: not known.
        """
        self.value, self.name, self.calculate, self.low = value, name, calculate, low

    def _with(self, function: str, compute: Callable[..., Any], *arguments: Any) -> Any:
        exact = tuple(map(_exact, arguments))
        made = self.calculate(function, tuple(map(_argument, exact)), compute(*map(plain, exact)))
        made.low = _least(function, *map(_low, exact))
        return made

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
        return f"ComputedSize({self.value}, {self.name!r})"


def _low(value: Any) -> Any:
    """Return what a number is at least; ``None`` if that is not known."""
    return value.low if isinstance(value, ComputedSize) else value


def _least(function: str, *lows: Any) -> Any:
    """Return what the result of a function is at least, given this of its arguments; ``None`` if it is not known."""
    if any(low is None or low < 0 for low in lows):
        return None
    one, other = (*lows, 0)[:2]
    found = {"_operator.add": one + other, "_operator.mul": one * other, "torch.sym_max": max(one, other)}
    if function in ("_operator.floordiv", "_operator.mod", "onnx.ratio", "onnx.floor", "onnx.ceil"):
        return 0
    return min(one, other) if function == "torch.sym_min" else found.get(function)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
TURNED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""The relation that says the same with the two sides exchanged."""

ASSUMED = "onnx.assumed"
"""The call that requires a relation of numbers, by which a decision was made while the file was read."""


def holds(relation: str, one: Any, other: Any) -> bool:
    """Return whether a relation of numbers holds.

    Where it depends on the sizes of the inputs, it is decided for the file's sizes, and a condition of the graph.
    """
    if not isinstance(one, ComputedSize):
        if not isinstance(other, ComputedSize):
            return COMPARISONS[relation](one, other)
        return holds(TURNED[relation], other, one)
    if isinstance(other, ComputedSize) and one.name == other.name:
        return COMPARISONS[relation](0, 0)
    if not isinstance(other, ComputedSize) and one.low is not None and other < one.low:
        return relation in ("!=", ">", ">=")
    if not isinstance(other, ComputedSize) and one.low is not None and other == one.low and relation in ("<", ">="):
        return relation == ">="
    found = COMPARISONS[relation](one.value, plain(other))
    required = relation if found else OPPOSITES[relation]
    one.calculate(ASSUMED, (required, _argument(one), _argument(_exact(other))), 1)
    return found


def file_value(value: Any) -> Any:
    """Return the value that a number has for the file's sizes, which is then a condition of the graph."""
    if isinstance(value, ComputedSize):
        holds("==", value, value.value)
    return plain(value)


def plain(value: Any) -> Any:
    """Return the value that a number has for the file's sizes."""
    return value.value if isinstance(value, ComputedSize) else value


def _argument(value: Any) -> Any:
    return SizeName(value.name) if isinstance(value, ComputedSize) else value


def argument(value: Any) -> Any:
    """Return a number as an argument of a call: a plain integer, or the name of a size."""
    return SizeName(value.name) if isinstance(value, ComputedSize) else int(value)


def _is(value: Any, number: int) -> bool:
    return not isinstance(value, ComputedSize) and value == number


def _exact(value: Any) -> Any:
    """Return a number of NumPy as an integer or a fraction."""
    if isinstance(value, ComputedSize | int | Fraction):
        return value
    found = Fraction(float(value)) if isinstance(value, Real) else value
    return int(found) if isinstance(found, Fraction) and found.denominator == 1 else found
