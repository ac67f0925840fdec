"""Formulas as claimed values: ``5*5*6 + 6`` is a number, ``k*k*NIC*NF*H*W`` is compared with the closed form."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction

from archcalc.claims.written_formulas import in_notation, sizes_in_notation
from archcalc.numeric import Impossible
from archcalc.spec.errors import Source, SpecError, Text, fail
from archcalc.spec.limits import DEFAULT
from archcalc.spec.notations import SIGNS, parse_equation, parse_formula
from archcalc.spec.numerals import plain
from archcalc.spec.syntax import Condition, LogicalCondition, Name, Relation, Size, Value, names_in
from archcalc.spec.values import Scope, number

MAX_LENGTH = 2_000
"""The maximum number of characters of a formula."""


def read_formulas(text: str, names: Collection[str], *, shape: bool = False) -> list[tuple[Value, ...]]:
    """Return the possible readings of a formula, each as arithmetic with names, one for every size of a shape.

    Of an equation, the formula is the last side, or the one before if the last is only its value: ``k*k*NF + NF = 80``.

    Args:
        text: the formula as people write it.
        names: the names that it may use.
        shape: whether it is that of a shape or of a receptive field, ``F x (H - 2) x (W - 2)``.

    Raises:
        SpecError: the text cannot be read.
    """
    if len(text) > MAX_LENGTH:
        fail("formula", f"a formula must have at most {MAX_LENGTH:,} characters, got {len(text):,}")
    if shape:
        sizes = sizes_in_notation(text.rpartition("=")[2], names)
        return [tuple(parse_formula(_quoted(size), DEFAULT) for size in sizes)]
    return [(_right_side(parse_equation(_quoted(reading), DEFAULT)),) for reading in in_notation(text, names)]


def _right_side(equation: Condition | Value) -> Value:
    """Return the formula among the sides of an equation."""
    sides = list(_sides(equation))
    worked_out = len(sides) > 1 and not any(names_in(sides[-1])) and any(names_in(sides[-2]))
    return sides[-2] if worked_out and not isinstance(sides[-2], Name) else sides[-1]


def has_names(text: str) -> bool:
    """Return whether a text is meant as a formula with names, such as ``2*k + 1``, even if it has syntax errors."""
    written = _last(text)
    if written.isidentifier():
        return written not in ("x", "X")  # signs of products
    return any(c.isalpha() or c == "_" for c in written) and any(sign in written for sign in "+-*/(⌊⌈^\\")


def evaluated(text: str) -> Fraction | None:
    """Return the value of arithmetic without names, such as ``5*5*6 + 6``; ``None`` if the text is something else."""
    written = _last(text)
    if not any(sign in written for sign in "+*/"):
        return None
    try:
        parsed = parse_formula(_quoted(written), DEFAULT)
        return None if isinstance(parsed, Size) else Fraction(number(parsed, Scope({}, None, DEFAULT)))
    except (SpecError, Impossible):
        return None


def _quoted(written: str) -> Text:
    """Return a text in the notation of specs with a source for places in errors."""
    return Text(Source("a formula", written), written)


def _last(text: str) -> str:
    """Return the last side of an equation, in the notation of specs."""
    written = plain(text.replace("**", "^")).translate(SIGNS)  # ``plain`` takes two stars for Markdown emphasis
    return written.rpartition("=")[2].strip()


def _sides(equation: Condition | Value) -> Iterable[Value]:
    """Return the sides of an equation, from left to right."""
    if isinstance(equation, Relation):
        return (equation.left, equation.right)
    if isinstance(equation, LogicalCondition):
        first, *others = (_sides(operand) for operand in equation.operands)
        return (*first, *(side for _, side in others))
    return (equation,)
