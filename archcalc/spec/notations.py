"""Notations outside specs: conditions, assumptions, formulas and lists of values.

They share the grammar of `archcalc.spec.expressions`. This module defines the tokens of numbers and names in each of
them, and the functions that parse entire texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from archcalc.spec.errors import Text
from archcalc.spec.expressions import comparison, condition, disjunction, primary, setting, value
from archcalc.spec.limits import Limits
from archcalc.spec.numerals import BINARY, GROUPERS, SCALES, read_number
from archcalc.spec.syntax import Condition, Expression, Setting, Value
from archcalc.spec.tokens import RULES, Reader, TokenRules

Result = TypeVar("Result")

LOGIC = {
    "and": re.compile(r"and(?!\w|/\w|\.[A-Za-z_])", re.IGNORECASE),
    "or": re.compile(r"or(?!\w|/\w|\.[A-Za-z_])", re.IGNORECASE),
    "not": re.compile(r"not(?!\w|/\w|\.[A-Za-z_])", re.IGNORECASE),
    "RELATION": re.compile(r"<=|>=|==|!=|[<>=≤≥≠]"),
}
_NO_WORD = rf"(?!(?i:{'|'.join(LOGIC[word].pattern for word in ('and', 'or', 'not'))}))"
_NOTHING = re.compile(r"(?!)")

_TARGET = r"(?:[A-Za-z0-9_]+[/.])*[A-Za-z0-9_]+\.[A-Za-z_][A-Za-z0-9_]*(?![\w.])"
_SCALES = "|".join(
    [*(f"{scale}b" for scale in (*BINARY, *"kmgt")), *sorted(filter(None, SCALES), key=len, reverse=True)]
)


def _number(integer: str) -> re.Pattern[str]:
    """Return the pattern of a number with an optional suffix, given that of its integer part.

    The number must not be part of a name, but may begin a size.
    """
    size = RULES["TIMES"].pattern
    digits = rf"(?:{integer}(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
    return re.compile(rf"(?!{_TARGET}){digits}(?:\s*(?i:{_SCALES})\b)?(?:(?={size})|(?!\w))")


_CONDITIONS = {
    **RULES,
    **LOGIC,
    "BLANKS": re.compile(r"\s+"),
    "NAME": re.compile(rf"{_TARGET}|{_NO_WORD}[A-Za-z_][A-Za-z0-9_]*"),
    "COLON": _NOTHING,
}


def _rounded(written: str) -> tuple[Fraction, Fraction]:
    quantity = read_number(written)
    return quantity.value, quantity.tolerance


CONDITIONS = TokenRules(
    rules={**_CONDITIONS, "NUMBER": _number(rf"(?:\d{{1,3}}(?:[,{GROUPERS}]\d{{3}})+|\d+)")},
    argument_rules={**_CONDITIONS, "NUMBER": _number(r"\d+")},
    operand="a quantity, a variable or a number",
    hint="write a condition as in: macs <= 300M and params < 3M",
    rounded=_rounded,
)
"""Names are quantities, targets (``layer1/0/conv1.H``), variables and input sizes; numbers are written as in claims."""

_FORMULAS = {
    **RULES,
    **LOGIC,
    "NAME": re.compile(rf"{_NO_WORD}[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?"),
    "COLON": _NOTHING,
}
FORMULAS = TokenRules(_FORMULAS, _FORMULAS)
"""Names are variables and input sizes, possibly of a named input (``prior.H``)."""

SETTINGS = TokenRules(
    {**RULES, "RANGE": RULES["COLON"], "COLON": _NOTHING},
    operand="a value",
    hint="write a list as 0.5,0.75,1 and a range as start:stop:step",
)

SIGNS = str.maketrans({"^": "**", "·": "*", "×": "*", "−": "-", "²": "**2", "³": "**3", "⁴": "**4"})
"""Alternative signs of arithmetic in formulas, and their counterparts in specs."""


def parse_condition(text: Text, limits: Limits) -> Condition:
    """text = disjunction end"""
    return _parse_all(
        Reader(text, limits=limits, notation=CONDITIONS),
        lambda reader: condition(reader, disjunction(reader)),
        "'and', 'or' or the end of the condition",
    )


def parse_name(text: Text, limits: Limits) -> Expression:
    """text = primary end"""
    reader = Reader(text, limits=limits, notation=CONDITIONS)
    return _parse_all(reader, lambda reader: primary(reader, blanks=True), "the end of the name")


def parse_assumptions(text: Text, limits: Limits) -> list[Condition | Value]:
    """text = disjunction ("," disjunction)* end"""
    return _parse_all(
        Reader(text, limits=limits, notation=FORMULAS),
        lambda reader: _listed(reader, disjunction),
        "a comparison, 'and', ',' or the end",
    )


def parse_formula(text: Text, limits: Limits) -> Value:
    """text = value end"""
    reader = Reader(text, limits=limits, notation=FORMULAS)
    return _parse_all(reader, lambda reader: value(reader, blanks=True), "an operator or the end of the formula")


def parse_equation(text: Text, limits: Limits) -> Condition | Value:
    """text = comparison end"""
    reader = Reader(text, limits=limits, notation=FORMULAS)
    return _parse_all(reader, comparison, "an operator or the end of the formula")


def parse_settings(text: Text, limits: Limits) -> list[Setting]:
    """text = setting ("," setting)* end"""
    reader = Reader(text, limits=limits, notation=SETTINGS)
    return _parse_all(reader, lambda reader: _listed(reader, setting), "',' or the end of the values")


def _listed(reader: Reader, rule: Callable[[Reader], Result]) -> list[Result]:
    """rule ("," rule)*"""
    found = [rule(reader)]
    reader.blanks()
    while reader.take("COMMA") is not None:
        reader.blanks()
        found.append(rule(reader))
        reader.blanks()
    return found


def _parse_all(reader: Reader, rule: Callable[[Reader], Result], end: str) -> Result:
    reader.blanks()
    result = rule(reader)
    reader.finish(end)
    return result
