"""Expressions of recorded numbers as text or LaTeX.

Within an expression, intermediate results that have a name stand with their values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from archcalc.arrays.texts import DIGITS
from archcalc.executor.loops.record import RecordedNumber
from archcalc.report.matrices import number_text

MAX_TERMS = 64
"""The maximum number of terms of a sum, or operands of a maximum, that are written in full."""
ENDS = (6, 2)
"""How many terms of a longer one are written at its start and at its end."""


class FormulaNotation(NamedTuple):
    """How formulas are written."""

    times: str
    minus: str
    dots: str
    fraction: Callable[[str, str], str] | None
    """A fraction of two expressions; ``None`` if it is written with a stroke."""
    root: Callable[[str], str]
    raised: Callable[[str, str], str]
    function: Callable[[str, str], str]
    absolute: Callable[[str], str]
    brackets: tuple[str, str]


TEXT = FormulaNotation(
    times="·",
    minus="−",
    dots="…",
    fraction=None,
    root=lambda x: f"√({x})",
    raised=lambda base, exponent: f"{base}²" if exponent == "2" else f"{base}^{exponent}",
    function=lambda name, x: f"{name}({x})",
    absolute=lambda x: f"|{x}|",
    brackets=("(", ")"),
)
LATEX_FUNCTIONS = ("arctan", "exp", "ln", "tanh", "sin", "cos", "max", "min")
"""The functions that LaTeX knows by name."""
LATEX = FormulaNotation(
    times=r" \cdot ",
    minus="-",
    dots=r"\dots",
    fraction=lambda a, b: rf"\frac{{{a}}}{{{b}}}",
    root=lambda x: rf"\sqrt{{{x}}}",
    raised=lambda base, exponent: f"{base}^{{{exponent}}}",
    function=lambda name, x: rf"\{name if name in LATEX_FUNCTIONS else f'operatorname{{{name}}}'}\left({x}\right)",
    absolute=lambda x: rf"\left|{x}\right|",
    brackets=(r"\left(", r"\right)"),
)
SUM, PRODUCT, POWER, ATOM = range(4)
"""How strongly the outermost operation of an expression binds; a sign binds as a sum does."""
FUNCTIONS = {
    "exp": "exp",
    "log": "ln",
    "tanh": "tanh",
    "erf": "erf",
    "floor": "floor",
    "round": "round",
    "sin": "sin",
    "cos": "cos",
    "atan": "arctan",
    "max": "max",
    "min": "min",
}


class ExpressionText(NamedTuple):
    """An expression as text."""

    text: str
    strength: int


class Expressions:
    """Expressions of recorded numbers as text."""

    def __init__(self, notation: FormulaNotation = TEXT, digits: int = DIGITS) -> None:
        self.notation, self.digits = notation, digits

    def number(self, value: Any) -> str:
        """Return a number as text."""
        text = number_text(value.value if isinstance(value, RecordedNumber) else value, self.digits)
        return text.replace("-", self.notation.minus)

    def step(self, number: RecordedNumber) -> str:
        """Return the expression that gave a number; only its value if it was given or passed on."""
        return self.expression(number).text if number.operation else self.number(number)

    def operand(self, number: Any) -> ExpressionText:
        """Return an operand: an earlier step or a given number as its value, anything else as its expression."""
        if isinstance(number, RecordedNumber) and number.operation and not number.name:
            return self.expression(number)
        text = self.number(number)
        if " " in text or text.startswith(self.notation.minus):
            return ExpressionText(text, SUM)
        return ExpressionText(text, PRODUCT if "/" in text or "·" in text else ATOM)

    def expression(self, number: RecordedNumber) -> ExpressionText:
        """Return the operation that gave a number."""
        notation, operation = self.notation, number.operation
        if operation in ("+", "-"):
            return self.sum(number)
        if operation == "*":
            return self.product(number)
        if operation == "/":
            return self.quotient(*map(self.operand, number.operands))
        if operation == "^":
            base, exponent = map(self.operand, number.operands)
            return ExpressionText(notation.raised(self.within(base, ATOM), self.within(exponent, ATOM)), POWER)
        if operation == "neg":
            (only,) = map(self.operand, number.operands)
            return ExpressionText(f"{notation.minus}{self.within(only, PRODUCT)}", SUM)
        if operation == "sqrt":
            return ExpressionText(notation.root(self.operand(number.operands[0]).text), ATOM)
        if operation == "abs":
            return ExpressionText(notation.absolute(self.operand(number.operands[0]).text), ATOM)
        operands = _compared(number) if operation in ("max", "min") else number.operands
        if len(operands) == 1 and operation in ("max", "min"):
            return self.operand(operands[0])
        texts = [self.operand(each).text for each in operands]
        return ExpressionText(notation.function(FUNCTIONS[operation], ", ".join(self.shortened(texts))), ATOM)

    def sum(self, number: RecordedNumber) -> ExpressionText:
        """Return a sum or a difference."""
        (_, first), *others = _terms(number)
        terms = [self.operand(first).text, *(self.term(sign, each) for sign, each in others)]
        if len(terms) > MAX_TERMS:
            terms = [*terms[: ENDS[0]], f" + {self.notation.dots}", *terms[-ENDS[1] :]]
        return ExpressionText("".join(terms), SUM)

    def term(self, sign: str, number: Any) -> str:
        """Return a term with the sign before it; a sum is added without brackets."""
        written = self.operand(number)
        plainly = sign == "+" and not written.text.startswith(self.notation.minus)
        shown = self.notation.minus if sign == "-" else sign
        return f" {shown} {self.within(written, SUM if plainly else PRODUCT)}"

    def product(self, number: RecordedNumber) -> ExpressionText:
        """Return a product; that of a number with itself is a square."""
        one, other = number.operands
        if one is other:
            return ExpressionText(self.notation.raised(self.within(self.operand(one), ATOM), "2"), POWER)
        factors = [self.within(self.operand(each), POWER) for each in _chain(number, ("*",))]
        return ExpressionText(self.notation.times.join(factors), PRODUCT)

    def quotient(self, one: ExpressionText, other: ExpressionText) -> ExpressionText:
        """Return a fraction."""
        if self.notation.fraction is not None:
            return ExpressionText(self.notation.fraction(one.text, other.text), ATOM)
        return ExpressionText(f"{self.within(one, PRODUCT)}/{self.within(other, POWER)}", PRODUCT)

    def within(self, written: ExpressionText, strength: int) -> str:
        """Return an operand, in brackets if it binds less strongly."""
        if written.strength >= strength:
            return written.text
        opening, closing = self.notation.brackets
        return f"{opening}{written.text}{closing}"

    def shortened(self, texts: Sequence[str]) -> list[str]:
        """Return the texts of operands, without those in the middle if there are many."""
        if len(texts) <= MAX_TERMS:
            return [*texts]
        return [*texts[: ENDS[0]], self.notation.dots, *texts[-ENDS[1] :]]


def _terms(number: RecordedNumber) -> list[tuple[str, Any]]:
    """Return the terms of a sum with their signs, in order."""
    found: list[tuple[str, Any]] = []
    each: Any = number
    while isinstance(each, RecordedNumber) and each.operation in ("+", "-") and (each is number or not each.name):
        before, last = each.operands
        found.append((each.operation, last))
        each = before
    return [("+", each), *reversed(found)]


def _compared(number: RecordedNumber) -> list[Any]:
    """Return the numbers of which one is the largest or the smallest, without the infinity of padding."""
    operands = _chain(number, (number.operation,))
    kept = [each for each in operands if isinstance(each, RecordedNumber) or not math.isinf(each)]
    return kept or operands


def _chain(number: RecordedNumber, operations: Sequence[str]) -> list[Any]:
    """Return the operands of operations of one kind that follow each other, in order."""
    found: list[Any] = []
    each: Any = number
    while isinstance(each, RecordedNumber) and each.operation in operations and (each is number or not each.name):
        if len(each.operands) == 2 and each.operands[0] is each.operands[1] and each is not number:
            break  # a square stays one
        before, last = each.operands
        found.append(last)
        each = before
    return [each, *reversed(found)]
