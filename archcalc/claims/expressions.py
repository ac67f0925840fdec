"""Formulas as claimed values: ``5*5*6 + 6`` is a number, ``k*k*NIC*NF*H*W`` is compared with the closed form."""

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
    """Return the formula of a text with any number of equals signs, as arithmetic with names.

    It is the last side of the equation, or the one before if the last is only its value: ``k*k*NF + NF = 80``.

    Raises:
        SpecError: The text cannot be read.
    """
    sides = list(_sides(parse_equation(_text(text), DEFAULT)))
    worked_out = len(sides) > 1 and not any(names_in(sides[-1])) and any(names_in(sides[-2]))
    return sides[-2] if worked_out and not isinstance(sides[-2], Name) else sides[-1]


def has_names(text: str) -> bool:
    """Return whether a text is meant as a formula with names, such as ``2*k + 1``, even if it has syntax errors."""
    written = _last(text)
    if written.isidentifier():
        return True
    return any(c.isalpha() or c == "_" for c in written) and any(sign in written for sign in "+-*/(")


def evaluated(text: str) -> Fraction | None:
    """Return the value of arithmetic without names, such as ``5*5*6 + 6``; ``None`` if the text is something else."""
    written = _last(text)
    if not any(sign in written for sign in "+*/"):
        return None
    try:
        parsed = parse_formula(Text(Source("", written), written), DEFAULT)
        return None if isinstance(parsed, Size) else Fraction(number(parsed, Scope({}, None, DEFAULT)))
    except (SpecError, Impossible):
        return None


def _text(text: str) -> Text:
    """A text in the notation of specs."""
    written = plain(text.replace("**", "^")).translate(SIGNS)  # ``plain`` takes two stars for Markdown emphasis
    return Text(Source("a formula", written), written)


def _last(text: str) -> str:
    return _text(text).value.rpartition("=")[2].strip()


def _sides(equation: Condition | Value) -> Iterable[Value]:
    """The sides of an equation, from left to right."""
    if isinstance(equation, Relation):
        return (equation.left, equation.right)
    if isinstance(equation, Logic):
        first, *others = (_sides(operand) for operand in equation.operands)
        return (*first, *(side for _, side in others))
    return (equation,)
