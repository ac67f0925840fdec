"""Conditions, ``macs <= 300M and params < 3M``: reading them, and whether they hold.

A condition compares expressions over quantities (``macs``, ``LAYER.QUANTITY``), variables and sizes of inputs with
values as everywhere in claims: ``300M`` is exactly that in a bound, and stands for everything that rounds to it after
``=``. It is evaluated in any kind of number.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from archcalc.numeric import Number, both
from archcalc.spec.errors import Source, Text, fail
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.notations import parse_condition, parse_name
from archcalc.spec.syntax import Condition, Literal, Name, Relation, Size, Value
from archcalc.spec.values import number

LONGEST = 10_000
"""Characters of a condition."""

Lookup: TypeAlias = Callable[[Name], Any]
"""What a name stands for: a number of any kind, a tuple of them, or a text."""

RELATE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
"""What relations say of two numbers of any kind."""


def read_condition(origin: str, written: str) -> Condition:
    """Read a condition.

    Args:
        origin: where it was written, such as ``--where``.
        written: the condition.

    Raises:
        SpecError: it is not one.
    """
    return parse_condition(_text(origin, written), DEFAULT)


def read_name(origin: str, written: str, start: int = 0) -> Name:
    """Read the name of a quantity or a variable; ``start`` is its place in what was written.

    Raises:
        SpecError: it is not one.
    """
    name = parse_name(_text(origin, written, start), DEFAULT)
    if not isinstance(name, Name):
        fail("syntax", "expected a quantity, such as macs or conv1.params", name.span)
    return name


def _text(origin: str, written: str, start: int = 0) -> Text:
    if len(written) > LONGEST:
        fail("limit", f"more than {LONGEST} characters", origin=origin)
    return Text(Source(origin, " " * start + written), written.replace("−", "-"), start)


class _Operands(NamedTuple):
    """What names stand for as operands of arithmetic: numbers only."""

    lookup: Lookup
    limits: Limits = DEFAULT._replace(digits=1000)  # products of quantities, each of which has its own bound

    def look_up(self, name: Name) -> Number:
        found = self.lookup(name)
        if isinstance(found, str | tuple):
            fail("argument", "this is not one number", name.span)
        return found


def holds(condition: Condition, lookup: Lookup) -> Any:
    """Whether a condition holds: ``bool``, or what the comparisons of a kind of number return."""
    if isinstance(condition, Relation):
        return _related(condition, lookup)
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


def value(side: Value, lookup: Lookup) -> Any:
    """What a side of a comparison is: a number, a tuple of them, or a text."""
    if isinstance(side, Name):
        return lookup(side)
    operands = _Operands(lookup)
    if isinstance(side, Size):
        return tuple(number(part.first, operands) for part in side.parts if part.first is not None)
    return number(side, operands)


def _related(condition: Relation, lookup: Lookup) -> Any:
    relation, left, right, _ = condition
    sides = [value(left, lookup), value(right, lookup)]
    tolerance = sum(side.tolerance for side in (left, right) if isinstance(side, Literal))
    a, b = (side if isinstance(side, tuple) else (side,) for side in sides)
    if len(a) != len(b) and 1 in (len(a), len(b)):  # one number is meant for every axis
        a, b = a * len(b), b * len(a)
    result: Any = len(a) == len(b)
    for x, y in zip(a, b, strict=False):
        result = both(result, _one("=" if relation == "!=" else relation, x, y, tolerance))
    if relation == "!=":
        return not result if isinstance(result, bool) else ~result
    return result


def _one(relation: str, a: Any, b: Any, tolerance: Fraction | int) -> Any:
    """A comparison of two numbers or texts; a receptive field that is global is wider than any number."""
    if isinstance(a, str) or isinstance(b, str):
        if relation == "=":
            return a is b or (isinstance(a, str) and isinstance(b, str) and a == b)
        return (a if relation in (">", ">=") else b) == "global" and a is not b
    if relation == "=" and tolerance:
        return both(a - b <= tolerance, b - a <= tolerance)
    return RELATE[relation](a, b)
