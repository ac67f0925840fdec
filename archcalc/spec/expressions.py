"""The grammar of values and conditions: sizes, exact arithmetic, relations and logic.

There is one function per rule, with the rule as its docstring. The tokens of numbers and names depend on the notation
of the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from archcalc.spec.errors import Span, fail
from archcalc.spec.syntax import (
    ArgumentValue,
    BinaryOperation,
    Condition,
    Expression,
    Function,
    Literal,
    LogicalCondition,
    Name,
    Part,
    QuotedText,
    Reference,
    Relation,
    Setting,
    Size,
    UnaryOperation,
    Value,
)
from archcalc.spec.tokens import Reader

FUNCTIONS = {"round": 1, "floor": 1, "ceil": 1, "min": 2, "max": 2, "divisible": 2}

RELATIONS = {"==": "=", "≤": "<=", "≥": ">=", "≠": "!="}
"""Alternative spellings of relations."""

LOOSE = re.compile(r"(?:\*\*|//|[*/%])?\s")
"""White space in place of an operand, possibly after an operator that is not a sign."""


def disjunction(reader: Reader) -> Condition | Value:
    """disjunction = conjunction ("or" conjunction)*;  the caller decides whether a value alone is valid"""
    return combined(reader, "or", conjunction)


def conjunction(reader: Reader) -> Condition | Value:
    """conjunction = negation ("and" negation)*"""
    return combined(reader, "and", negation)


def combined(reader: Reader, word: str, operand: Callable[[Reader], Condition | Value]) -> Condition | Value:
    """operand (word operand)*"""
    start = reader.at
    operands = [operand(reader)]
    while between(reader, word, blanks=True) is not None:
        operands.append(operand(reader))
    if len(operands) == 1:
        return operands[0]
    return LogicalCondition(word, tuple([condition(reader, each) for each in operands]), reader.since(start))


def negation(reader: Reader) -> Condition | Value:
    """negation = "not" negation | "(" disjunction ")" | comparison"""
    start = reader.at
    if reader.take("not") is not None:
        reader.open()
        reader.blanks()
        operand = condition(reader, negation(reader))
        reader.depth -= 1
        return LogicalCondition("not", (operand,), reader.since(start))
    if reader.take("(") is not None:
        reader.open()
        reader.blanks()
        inner = disjunction(reader)
        reader.close(")", start)
        if isinstance(inner, Relation | LogicalCondition):
            return inner
        reader.at = start  # the brackets contain the first operand of arithmetic
    return comparison(reader)


def comparison(reader: Reader) -> Condition | Value:
    """comparison = value (RELATION value)*;  a < b < c is a < b and b < c"""
    start = reader.at
    left = value(reader, blanks=True)
    found: list[Relation] = []
    while (sign := between(reader, "RELATION", blanks=True)) is not None:
        right = value(reader, blanks=True)
        found.append(
            Relation(RELATIONS.get(sign, sign), left, right, reader.since(left.span.start if found else start))
        )
        left = right
    if not found:
        return left
    return found[0] if len(found) == 1 else LogicalCondition("and", tuple(found), reader.since(start))


def condition(reader: Reader, found: Condition | Value) -> Condition:
    """Return what was parsed, which must be a condition and not a value.

    Raises:
        SpecError: it is a value.
    """
    if isinstance(found, Relation | LogicalCondition):
        return found
    reader.at = found.span.end
    reader.blanks()
    reader.expected("a comparison (<=, <, >=, >, =, !=)")


def setting(reader: Reader) -> Setting:
    """setting = value (":" value)*"""
    start = reader.at
    values = [value(reader, blanks=True)]
    while between(reader, "RANGE", blanks=True) is not None:
        values.append(value(reader, blanks=True))
    return Setting(tuple(values), reader.since(start))


def argument(reader: Reader, *, blanks: bool) -> ArgumentValue:
    """reference | STRING | value"""
    start = reader.at
    if reader.check("AT"):
        found = reference(reader)
        if reader.check("STAR"):
            reader.expected("the end of the reference", "a star is allowed only where a branch of a join starts")
        return found
    quoted = reader.take("STRING")
    if quoted is not None:
        return QuotedText(quoted[1:-1], reader.since(start))
    if reader.check("QUOTE"):
        mark = reader.value[start]
        fail("syntax", f"this quotation mark is never closed by {mark}", Span(reader.text, start, start + 1))
    return value(reader, blanks=blanks)


def reference(reader: Reader) -> Reference:
    """reference = "@" STAGE ("/" STAGE)*"""
    start = reader.at
    reader.take("AT")
    names: list[str] = []
    while not names or reader.take("SLASH") is not None:
        names.append(reader.take("STAGE") or reader.expected("the name of a stage or input"))
    return Reference("/".join(names), reader.since(start))


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
    """part = side [":" side];  side = NUMBER | "(" expression ")", either may be missing next to a colon"""
    start = reader.at
    first = side(reader)
    if reader.take("COLON") is None:
        if first is None:
            reader.expected("a number or (arithmetic)")
        return Part(first, None, False, reader.since(start))
    return Part(first, side(reader), True, reader.since(start))


def side(reader: Reader) -> Expression | None:
    """NUMBER | "(" expression ")" | NAME (next to a colon only, as in 0:C)"""
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
        left = BinaryOperation(sign, left, right, reader.since(start))
    return left


def term(reader: Reader, *, blanks: bool) -> Expression:
    """term = factor (("*" | "/" | "//" | "%") factor)*"""
    start = reader.at
    left = factor(reader, blanks=blanks)
    while (sign := between(reader, "MULTIPLICATIVE", blanks=blanks)) is not None:
        right = factor(reader, blanks=blanks)
        left = BinaryOperation(sign, left, right, reader.since(start))
    return left


def between(reader: Reader, rule: str, *, blanks: bool) -> str | None:
    """Read an operator between operands, with white space around it if ``blanks`` (inside brackets) is true."""
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
    if blanks:
        reader.blanks()
    operand = factor(reader, blanks=blanks)
    reader.depth -= 1
    return UnaryOperation(sign, operand, reader.since(start))


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
    return BinaryOperation(sign, base, exponent, reader.since(start))


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
        return literal(reader, digits, start)
    name = reader.take("NAME")
    if name is None:
        loose = LOOSE.match(reader.value, reader.at)
        hint = "spaces separate arguments: write 4+4, or (4 + 4)" if loose and not blanks else ""
        return reader.expected(reader.notation.operand, hint)
    if name not in FUNCTIONS or not reader.check("("):
        return Name(name, reader.since(start))
    opened = reader.at
    reader.take("(")
    reader.open()
    outside, reader.rules = reader.rules, reader.notation.argument_rules
    arguments = []
    while True:
        reader.blanks()
        arguments.append(expression(reader, blanks=True))
        reader.blanks()
        if reader.take("COMMA") is None:
            break
    reader.rules = outside
    reader.close(")", opened)
    span = reader.since(start)
    wanted = FUNCTIONS[name]
    if len(arguments) != wanted and not (name in ("min", "max") and len(arguments) > 1):
        least = "at least " if name in ("min", "max") else ""
        fail("argument", f"{name} takes {least}{wanted} argument{'s' * (wanted > 1)}, got {len(arguments)}", span)
    return Function(name, tuple(arguments), span)


def literal(reader: Reader, digits: str, start: int) -> Literal:
    """Return a decimal number exactly, as ``int`` or `Fraction`, or with a tolerance if the notation has one."""
    if reader.notation.rounded is not None:
        return measured(reader, digits, start, reader.notation.rounded)
    mantissa, _, exponent = digits.lower().partition("e")
    if len(mantissa) > reader.limits.digits or len(exponent) > 6 or abs(int(exponent or 0)) > reader.limits.digits:
        fail(
            "limit",
            f"a number of more than {reader.limits.digits:,} digits",
            reader.since(start),
            "raise the limit with --max-digits",
        )
    if mantissa.isdigit() and not exponent:
        return Literal(int(mantissa), reader.since(start))
    exact = Fraction(digits)
    return Literal(exact.numerator if exact.denominator == 1 else exact, reader.since(start))


def measured(reader: Reader, written: str, start: int, rounded: Callable[[str], tuple[Fraction, Fraction]]) -> Literal:
    """Return a number as written in claims, with the tolerance that its precision implies."""
    longest = 2 * reader.limits.digits
    if len(written) > longest:
        fail("limit", f"a number of more than {longest:,} characters", reader.since(start))
    try:
        exact, tolerance = rounded(written)
    except ValueError as error:
        fail("syntax", str(error), reader.since(start))
    return Literal(exact.numerator if exact.denominator == 1 else exact, reader.since(start), tolerance)
