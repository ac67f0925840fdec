"""Conditions such as ``macs <= 300M and params < 3M``: reading and evaluating them.

A condition compares arithmetic over quantities (``macs``, ``LAYER.QUANTITY``), variables and input sizes. Values are
written as in claims: ``300M`` is exact in a bound, and after ``=`` matches everything that rounds to it. A condition
can be evaluated in any kind of number.
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

MAX_LENGTH = 10_000
"""The maximum number of characters of a condition."""

Lookup: TypeAlias = Callable[[Name], Any]
"""Maps a name to its value: a number of any kind, a tuple of them, or a text."""

RELATE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
"""The comparison of two numbers of any kind, by the sign of the relation."""


def read_condition(origin: str, written: str) -> Condition:
    """Read a condition.

    Args:
        origin: where it was written, such as ``--where``.
        written: the text of the condition.

    Raises:
        SpecError: the text is not a condition.
    """
    return parse_condition(_text(origin, written), DEFAULT)


def read_name(origin: str, written: str, start: int = 0) -> Name:
    """Read the name of a quantity or a variable, which starts at index ``start`` of the text that was written.

    Raises:
        SpecError: the text is not a name.
    """
    name = parse_name(_text(origin, written, start), DEFAULT)
    if not isinstance(name, Name):
        fail("syntax", "expected a quantity, such as macs or conv1.params", name.span)
    return name


def _text(origin: str, written: str, start: int = 0) -> Text:
    if len(written) > MAX_LENGTH:
        fail("limit", f"more than {MAX_LENGTH:,} characters", origin=origin)
    return Text(Source(origin, " " * start + written), written.replace("−", "-"), start)


class _Operands(NamedTuple):
    """Looks up names as operands of arithmetic, which must be numbers."""

    lookup: Lookup
    limits: Limits = DEFAULT._replace(digits=1000)  # quantities may be large, and products of them even more so

    def look_up(self, name: Name) -> Number:
        found = self.lookup(name)
        if isinstance(found, str | tuple):
            fail("argument", "must be a single number", name.span)
        return found


def holds(condition: Condition, lookup: Lookup) -> Any:
    """Return whether a condition holds: a ``bool``, or the result of comparisons in another kind of number."""
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


def side_value(side: Value, lookup: Lookup) -> Any:
    """Return the value of one side of a comparison: a number, a tuple of them, or a text."""
    if isinstance(side, Name):
        return lookup(side)
    operands = _Operands(lookup)
    if isinstance(side, Size):
        return tuple(number(part.first, operands) for part in side.parts if part.first is not None)
    return number(side, operands)


def _related(condition: Relation, lookup: Lookup) -> Any:
    relation, left, right, _ = condition
    sides = [side_value(left, lookup), side_value(right, lookup)]
    tolerance = sum(side.tolerance for side in (left, right) if isinstance(side, Literal))
    a, b = (side if isinstance(side, tuple) else (side,) for side in sides)
    if len(a) != len(b) and 1 in (len(a), len(b)):  # a single number applies to every axis
        a, b = a * len(b), b * len(a)
    result: Any = len(a) == len(b)
    for x, y in zip(a, b, strict=False):
        result = both(result, _one("=" if relation == "!=" else relation, x, y, tolerance))
    if relation == "!=":
        return not result if isinstance(result, bool) else ~result
    return result


def _one(relation: str, a: Any, b: Any, tolerance: Fraction | int) -> Any:
    """Compare two numbers or texts; a global receptive field is larger than any number."""
    if isinstance(a, str) or isinstance(b, str):
        if relation == "=":
            return a is b or (isinstance(a, str) and isinstance(b, str) and a == b)
        return (a if relation in (">", ">=") else b) == "global" and a is not b
    if relation == "=" and tolerance:
        return both(a - b <= tolerance, b - a <= tolerance)
    return RELATE[relation](a, b)
