"""The grammar of values: sizes, and exact arithmetic. One function per rule, each with its rule as docstring."""

from __future__ import annotations

import re
from fractions import Fraction

from archcalc.spec.errors import fail
from archcalc.spec.syntax import Binary, Expression, Function, Literal, Name, Part, Size, Unary, Value
from archcalc.spec.tokens import Reader

FUNCTIONS = {"round": 1, "floor": 1, "ceil": 1, "min": 2, "max": 2, "divisible": 2}

LOOSE = re.compile(r"(?:\*\*|//|[*/%])?\s")
"""A blank where a number should stand, perhaps behind an operator that no number stands before."""


def value(reader: Reader, *, blanks: bool) -> Value:
    """value = size | expression;  a size starts like an expression and goes on with ``x`` or ``:``"""
    start = reader.at
    if reader.check("COLON"):
        return size(reader)
    if reader.check("NUMBER") or reader.check("("):
        primary(reader, blanks=False)
        is_size = reader.check("TIMES") or reader.check("COLON")
        reader.at = start
        if is_size:
            return size(reader)
    return expression(reader, blanks=blanks)


def size(reader: Reader) -> Value:
    """size = part (TIMES part)*"""
    start = reader.at
    parts = [part(reader)]
    while reader.take("TIMES") is not None:
        parts.append(part(reader))
    only = parts[0]
    if len(parts) == 1 and not only.pair and only.first is not None:
        return only.first
    return Size(tuple(parts), reader.since(start))


def part(reader: Reader) -> Part:
    """part = side [":" side];  side = NUMBER | "(" expression ")", either may be missing beside a colon"""
    start = reader.at
    first = side(reader)
    if reader.take("COLON") is None:
        if first is None:
            reader.expected("a number or (expression)")
        return Part(first, None, False, reader.since(start))
    return Part(first, side(reader), True, reader.since(start))


def side(reader: Reader) -> Expression | None:
    """NUMBER | "(" expression ")" | NAME (beside a colon only, as in 0:C)"""
    if reader.check("NUMBER") or reader.check("("):
        return primary(reader, blanks=False)
    if reader.value[reader.at - 1 : reader.at] == ":" and reader.check("NAME"):
        return primary(reader, blanks=False)
    return None


def expression(reader: Reader, *, blanks: bool) -> Expression:
    """expression = term (("+" | "-") term)*"""
    start = reader.at
    left = term(reader, blanks=blanks)
    while (sign := between(reader, "ADDITIVE", blanks=blanks)) is not None:
        right = term(reader, blanks=blanks)
        left = Binary(sign, left, right, reader.since(start))
    return left


def term(reader: Reader, *, blanks: bool) -> Expression:
    """term = factor (("*" | "/" | "//" | "%") factor)*"""
    start = reader.at
    left = factor(reader, blanks=blanks)
    while (sign := between(reader, "MULTIPLICATIVE", blanks=blanks)) is not None:
        right = factor(reader, blanks=blanks)
        left = Binary(sign, left, right, reader.since(start))
    return left


def between(reader: Reader, rule: str, *, blanks: bool) -> str | None:
    """An operator between operands; blanks around it only inside brackets."""
    before = reader.at
    if blanks:
        reader.blanks()
    sign = reader.take(rule)
    if sign is None:
        reader.at = before
    elif blanks:
        reader.blanks()
    return sign


def factor(reader: Reader, *, blanks: bool) -> Expression:
    """factor = ("+" | "-")* power"""
    start = reader.at
    sign = reader.take("ADDITIVE")
    if sign is None:
        return power(reader, blanks=blanks)
    reader.open()
    operand = factor(reader, blanks=blanks)
    reader.depth -= 1
    return Unary(sign, operand, reader.since(start))


def power(reader: Reader, *, blanks: bool) -> Expression:
    """power = primary ["**" factor]"""
    start = reader.at
    base = primary(reader, blanks=blanks)
    sign = between(reader, "POWER", blanks=blanks)
    if sign is None:
        return base
    reader.open()
    exponent = factor(reader, blanks=blanks)
    reader.depth -= 1
    return Binary(sign, base, exponent, reader.since(start))


def primary(reader: Reader, *, blanks: bool) -> Expression:
    """primary = NUMBER | NAME | NAME "(" expression ("," expression)* ")" | "(" expression ")" """
    start = reader.at
    if reader.take("("):
        reader.open()
        reader.blanks()
        inner = expression(reader, blanks=True)
        reader.close(")", start)
        return inner
    digits = reader.take("NUMBER")
    if digits is not None:
        return Literal(number(reader, digits, start), reader.since(start))
    name = reader.take("NAME")
    if name is None:
        loose = LOOSE.match(reader.value, reader.at)
        hint = "blanks end a word: write 4+4 without them, or (4 + 4)" if loose else ""
        return reader.expected("a number, a name or (expression)", hint)
    if name not in FUNCTIONS or not reader.check("("):
        return Name(name, reader.since(start))
    opened = reader.at
    reader.take("(")
    reader.open()
    arguments = []
    while True:
        reader.blanks()
        arguments.append(expression(reader, blanks=True))
        reader.blanks()
        if reader.take("COMMA") is None:
            break
    reader.close(")", opened)
    span = reader.since(start)
    wanted = FUNCTIONS[name]
    if len(arguments) != wanted and not (name in ("min", "max") and len(arguments) > 1):
        least = "at least " if name in ("min", "max") else ""
        fail("argument", f"{name} takes {least}{wanted} argument{'s' * (wanted > 1)}, got {len(arguments)}", span)
    return Function(name, tuple(arguments), span)


def number(reader: Reader, digits: str, start: int) -> int | Fraction:
    """A decimal number, exactly: whole ones as ``int``, others as `Fraction`."""
    mantissa, _, exponent = digits.lower().partition("e")
    if len(mantissa) > reader.limits.digits or len(exponent) > 6 or abs(int(exponent or 0)) > reader.limits.digits:
        fail(
            "limit",
            f"a number of more than {reader.limits.digits} digits",
            reader.since(start),
            "raise the bound with --max-digits",
        )
    if mantissa.isdigit() and not exponent:
        return int(mantissa)
    exact = Fraction(digits)
    return exact.numerator if exact.denominator == 1 else exact
