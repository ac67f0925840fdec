"""Expressions as values: ``5*5*6 + 6`` is a number, ``k*k*NIC*NF*H*W`` is compared with the closed form."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from archcalc.numeric import Impossible
from archcalc.spec.errors import Source, SpecError, Text
from archcalc.spec.limits import DEFAULT
from archcalc.spec.notations import SIGNS, parse_equation, parse_formula
from archcalc.spec.numerals import plain
from archcalc.spec.syntax import Condition, Logic, Name, Relation, Size, Value, names_in
from archcalc.spec.values import Scope, number


def read_formula(text: str) -> Value:
    """The formula to be compared, of what equals signs part: the last one, unless that is only what it comes to, as in
    ``k*k*NF + NF = 80``.

    Raises:
        SpecError: it cannot be read.
    """
    sides = list(_sides(parse_equation(_text(text), DEFAULT)))
    worked_out = len(sides) > 1 and not any(names_in(sides[-1])) and any(names_in(sides[-2]))
    return sides[-2] if worked_out and not isinstance(sides[-2], Name) else sides[-1]


def has_names(text: str) -> bool:
    """Whether a text is meant as a formula with names, such as ``2*k + 1``, though it may not be well written."""
    written = _last(text)
    if written.isidentifier():
        return True
    return any(c.isalpha() or c == "_" for c in written) and any(sign in written for sign in "+-*/(")


def evaluated(text: str) -> Fraction | None:
    """The value of an arithmetic expression over numbers; ``None`` if the text is something else."""
    written = _last(text)
    if not any(sign in written for sign in "+*/"):
        return None
    try:
        parsed = parse_formula(Text(Source("", written), written), DEFAULT)
        return None if isinstance(parsed, Size) else Fraction(number(parsed, Scope({}, None, DEFAULT)))
    except (SpecError, Impossible):
        return None


def _text(text: str) -> Text:
    """A text in the signs of specs."""
    written = plain(text.replace("**", "^")).translate(SIGNS)  # two stars are no emphasis here
    return Text(Source("a formula", written), written)


def _last(text: str) -> str:
    return _text(text).value.rpartition("=")[2].strip()


def _sides(equation: Condition | Value) -> Iterable[Value]:
    """What equals signs part, in the order of the text."""
    if isinstance(equation, Relation):
        return (equation.left, equation.right)
    if isinstance(equation, Logic):
        first, *others = (_sides(operand) for operand in equation.operands)
        return (*first, *(side for _, side in others))
    return (equation,)
