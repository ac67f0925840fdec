"""Conditions, ``macs <= 300M and params < 3M``: what they are made of, and whether they hold.

A condition compares expressions over quantities (``macs``, ``LAYER.QUANTITY``), variables and sizes of inputs with
values as everywhere in claims: ``300M`` is exactly that in a bound, and stands for everything that rounds to it after
``=``. It is evaluated in any kind of number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from archcalc.numeric import both, is_plain, ratio
from archcalc.spec.errors import Span, fail


class Literal(NamedTuple):
    """A value as written, with its precision; a size has several numbers."""

    value: Any
    tolerance: Fraction
    span: Span


class Name(NamedTuple):
    """A quantity of a place, or a variable (``place`` is ``None``)."""

    place: str | None
    name: str
    span: Span

    @property
    def text(self) -> str:
        """The name as it is written."""
        return self.name if self.place is None else f"{self.place}.{self.name}"


class Operation(NamedTuple):
    """Arithmetic on two operands; a sign has 0 before it."""

    sign: str
    left: Expression
    right: Expression
    span: Span


class Comparison(NamedTuple):
    """Two sides and the relation between them."""

    relation: str
    left: Expression
    right: Expression


class Logic(NamedTuple):
    """``and``, ``or`` or ``not`` (which has one operand)."""

    word: str
    operands: tuple[Condition, ...]


Expression: TypeAlias = Literal | Name | Operation
Condition: TypeAlias = Comparison | Logic

Lookup: TypeAlias = Callable[[Name], Any]
"""What a name stands for: a number of any kind, a tuple of them, or a text."""


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "/": ratio,
}


def holds(condition: Condition, lookup: Lookup) -> Any:
    """Whether a condition holds: ``bool``, or what the comparisons of a kind of number return."""
    if isinstance(condition, Comparison):
        return _compared(condition, lookup)
    first, *others = (holds(operand, lookup) for operand in condition.operands)
    if condition.word == "not":
        return not first if isinstance(first, bool) else ~first
    for other in others:
        first = both(first, other) if condition.word == "and" else _either(first, other)
    return first


def _either(a: Any, b: Any) -> Any:
    if isinstance(a, bool):
        return True if a else b
    return (True if b else a) if isinstance(b, bool) else a | b


def value(expression: Expression, lookup: Lookup) -> Any:
    """What an expression is: a number, a tuple of them, or a text."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, Name):
        return lookup(expression)
    left, right = value(expression.left, lookup), value(expression.right, lookup)
    for side in (left, right):
        if isinstance(side, str | tuple):
            fail("argument", "this is not one number", expression.span)
    if is_plain(right) and right == 0 and expression.sign in ("/", "//", "%"):
        fail("arithmetic", "division by zero", expression.span)
    return _COMPUTE[expression.sign](left, right)


def _compared(comparison: Comparison, lookup: Lookup) -> Any:
    relation, left, right = comparison
    sides = [value(left, lookup), value(right, lookup)]
    if relation == "!=":
        equal = _compared(Comparison("=", left, right), lookup)
        return not equal if isinstance(equal, bool) else ~equal
    tolerance = sum(side.tolerance for side in (left, right) if isinstance(side, Literal))
    a, b = (side if isinstance(side, tuple) else (side,) for side in sides)
    if len(a) != len(b) and 1 in (len(a), len(b)):  # one number is meant for every axis
        a, b = a * len(b), b * len(a)
    result: Any = len(a) == len(b)
    for x, y in zip(a, b, strict=False):
        result = both(result, _one(relation, x, y, tolerance))
    return result


def _one(relation: str, a: Any, b: Any, tolerance: Fraction | int) -> Any:
    """A comparison of two numbers or texts; a receptive field that is global is wider than any number."""
    if isinstance(a, str) or isinstance(b, str):
        if relation == "=":
            return a is b or (isinstance(a, str) and isinstance(b, str) and a == b)
        return (a if relation in (">", ">=") else b) == "global" and a is not b
    if relation == "=":
        return both(a - b <= tolerance, b - a <= tolerance) if tolerance else a == b
    return _COMPARE[relation](a, b)
