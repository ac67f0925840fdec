"""The expression grammar: one function per rule, each with its rule as docstring; one token of lookahead.

Tokens are read by name on demand, because what a character means depends on where it stands (``x`` joins the parts of
a size, and is an ordinary letter in a name). White space matters only between the words of a layer and before a
bracket.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NoReturn

from archcalc.spec.errors import Span, Text, fail
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.syntax import (
    Argument,
    Binary,
    Call,
    Chain,
    Expression,
    Function,
    Item,
    Join,
    Layer,
    Literal,
    Name,
    Part,
    Reference,
    Repeat,
    Signature,
    Size,
    Unary,
    Value,
)

JOINS = ("add", "sub", "mul", "max", "concat")
FUNCTIONS = {"round": 1, "floor": 1, "ceil": 1, "min": 2, "max": 2, "divisible": 2}
SUGAR = {"k": "kernel", "s": "stride", "p": "pad", "d": "dilation", "g": "groups"}

RULES = {
    name: re.compile(pattern)
    for name, pattern in {
        "BLANKS": r"[ \t\r\n]+",
        "ARROW": r"[ \t\r\n]*(?:->|→)[ \t\r\n]*",
        "NAME": r"[A-Za-z_][A-Za-z0-9_]*",
        "STAGE": r"[A-Za-z0-9_]+",
        "NUMBER": r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
        "SUGAR": r"[kspdg](?=[0-9])",
        "NAMED": r"[A-Za-z_][A-Za-z0-9_]*=(?!=)",
        "NAMED_LOOSE": r"[A-Za-z_][A-Za-z0-9_]*[ \t\r\n]*=(?!=)",
        "TIMES": r"[x×](?=[0-9(.:])",
        "COLON": r":",
        "ADDITIVE": r"[+]|-(?!>)",
        "MULTIPLICATIVE": r"//|[/%]|\*(?!\*)",
        "POWER": r"\*\*",
        "STAR": r"\*(?!\*)",
        "COMMA": r",",
        "AT": r"@",
        "(": r"\(",
        ")": r"\)",
        "[": r"\[",
        "]": r"\]",
    }.items()
}

JUNK = re.compile(r"[^\s()\[\],]+")


class Reader:
    """A text and a position in it."""

    def __init__(self, text: Text, blocks: frozenset[str] = frozenset(), limits: Limits = DEFAULT) -> None:
        self.text = text
        self.value = text.value
        self.at = 0
        self.blocks = blocks
        self.limits = limits
        self.depth = 0

    def check(self, rule: str) -> bool:
        """Whether a token of this rule stands here."""
        return RULES[rule].match(self.value, self.at) is not None

    def take(self, rule: str) -> str | None:
        """Read a token of this rule if it stands here."""
        match = RULES[rule].match(self.value, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def blanks(self) -> bool:
        """Skip white space."""
        return self.take("BLANKS") is not None

    def since(self, start: int) -> Span:
        """The span from ``start`` to here."""
        return Span(self.text, start, self.at)

    def expected(self, what: str, hint: str = "") -> NoReturn:
        """Fail: something else stands here."""
        if self.at >= len(self.value):
            fail("syntax", f"expected {what}, but the text ends here", Span(self.text, self.at, self.at + 1), hint)
        match = JUNK.match(self.value, self.at)
        found = match.group() if match else self.value[self.at]
        shown = found if len(found) <= 30 else found[:30] + "…"
        fail("syntax", f"expected {what}, found '{shown}'", Span(self.text, self.at, self.at + len(found)), hint)

    def close(self, bracket: str, opened: int) -> None:
        """Read the bracket that closes the one at ``opened``."""
        self.blanks()
        if self.take(bracket) is None:
            if self.at >= len(self.value):
                fail("syntax", f"this bracket is never closed by '{bracket}'", Span(self.text, opened, opened + 1))
            self.expected(f"'{bracket}'")
        self.depth -= 1

    def open(self) -> None:
        """Count one more level of nesting: that of the bracket or sign that was just read."""
        self.depth += 1
        if self.depth > self.limits.nesting:
            fail(
                "limit",
                f"brackets are nested deeper than {self.limits.nesting}",
                Span(self.text, self.at - 1, self.at),
                "raise the bound with --max-nesting",
            )


def parse_chain(text: Text, blocks: frozenset[str] = frozenset(), limits: Limits = DEFAULT) -> Chain:
    """text = chain end"""
    reader = Reader(text, blocks, limits)
    reader.blanks()
    result = chain(reader)
    finish(reader, "'->' or the end")
    return result


def parse_inline(text: Text, limits: Limits = DEFAULT) -> tuple[Size | Expression, Chain]:
    """inline = shape ARROW chain end"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    shape = value(reader, blanks=False)
    if reader.take("ARROW") is None:
        reader.blanks()
        reader.expected("'->' after the input shape", "an expression reads: 3x32x32 -> conv 6 k5 -> relu (in quotes)")
    result = chain(reader)
    finish(reader, "'->' or the end")
    return shape, result


def parse_value(text: Text, limits: Limits = DEFAULT) -> Value:
    """text = value end"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    result = value(reader, blanks=True)
    finish(reader, "the end of the value")
    return result


def parse_signature(text: Text, limits: Limits = DEFAULT) -> Signature:
    """signature = NAME ("(" [NAME ["=" value] ("," NAME ["=" value])*] ")")? end"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    start = reader.at
    name = reader.take("NAME") or reader.expected("the name of a block, such as conv_bn(c, k=3)")
    head = reader.since(start)
    parameters: list[tuple[str, Value | None, Span]] = []
    opened = reader.at
    if reader.take("("):
        reader.open()
        reader.blanks()
        while not reader.check(")"):
            start = reader.at
            parameter = reader.take("NAME") or reader.expected("the name of a parameter")
            span = reader.since(start)
            reader.blanks()
            default = None
            if reader.value.startswith("=", reader.at):
                reader.at += 1
                reader.blanks()
                default = value(reader, blanks=True)
            parameters.append((parameter, default, span))
            reader.blanks()
            if reader.take("COMMA") is None:
                break
            reader.blanks()
        reader.close(")", opened)
    finish(reader, "the end of the block's name")
    return Signature(name, tuple(parameters), head)


def finish(reader: Reader, what: str) -> None:
    """Nothing but white space may follow."""
    reader.blanks()
    if reader.at < len(reader.value):
        hint = "one bracket too many" if reader.value[reader.at] in ")]" else ""
        reader.expected(what, hint)


def chain(reader: Reader, *, first: bool = True) -> Chain:
    """chain = item (ARROW item)*;  only where it is ``first`` may it start with a reference"""
    start = reader.at
    items = [item(reader, first=first)]
    end = reader.at
    while reader.take("ARROW") is not None:
        items.append(item(reader, first=False))
        end = reader.at
    return Chain(tuple(items), Span(reader.text, start, end))


def item(reader: Reader, *, first: bool) -> Item:
    """item = reference | group | layer | call | join"""
    start = reader.at
    if reader.check("("):
        return group(reader, "(", ")", first=first)
    if reader.check("["):
        return group(reader, "[", "]", first=first)
    if reader.take("AT"):
        stage = reader.take("STAGE") or reader.expected("the name of a stage or input after '@'")
        reference = Reference(stage, reader.since(start))
        if not first:
            misplaced_reference(reference)
        return reference
    name = reader.take("NAME") or reader.expected("a layer, a block or a group")
    head = reader.since(start)
    if name in JOINS and (reader.check("(") or blank_bracket(reader)):
        if not reader.check("("):
            no_blank(reader, head, name)
        return join(reader, name, head)
    if reader.check("("):
        opened = reader.at
        reader.take("(")
        reader.open()
        arguments = call_arguments(reader)
        reader.close(")", opened)
        return repeated(reader, Call(name, arguments, reader.since(start), head))
    if name in reader.blocks and blank_bracket(reader):
        no_blank(reader, head, name)
    if reader.check("STAR"):
        reader.expected("'->', an argument or the end", f"only groups and blocks repeat: ({name})*3")
    arguments = layer_arguments(reader)
    return Layer(name, arguments, reader.since(start), head)


def misplaced_reference(reference: Reference) -> NoReturn:
    """Fail: a reference must stand first in its chain."""
    fail(
        "reference",
        f"'@{reference.name}' may only stand first in its chain",
        reference.span,
        "join it with the current tensor: concat(@…, identity), add(@…, identity)",
    )


def blank_bracket(reader: Reader) -> bool:
    """Whether blanks and then ``(`` follow."""
    match = RULES["BLANKS"].match(reader.value, reader.at)
    return match is not None and reader.value.startswith("(", match.end())


def no_blank(reader: Reader, head: Span, name: str) -> NoReturn:
    """Fail: a call must touch its bracket."""
    fail("syntax", f"no blank between '{name}' and its bracket", head, f"write {name}(…)")


def group(reader: Reader, opening: str, closing: str, *, first: bool) -> Repeat:
    """group = "(" chain ")" ["*" count] | "[" chain "]" ["*" count]"""
    start = reader.at
    reader.take(opening)
    reader.open()
    reader.blanks()
    body = chain(reader, first=first)
    reader.close(closing, start)
    count = repeat(reader)
    return Repeat(body, count, reader.since(start))


def repeated(reader: Reader, call: Call) -> Item:
    """call = NAME "(" arguments ")" ["*" count]"""
    count = repeat(reader)
    if count is None:
        return call
    return Repeat(Chain((call,), call.span), count, reader.since(call.span.start))


def repeat(reader: Reader) -> Expression | None:
    """["*" (NUMBER | NAME | "(" expression ")")]"""
    before = reader.at
    reader.blanks()
    if reader.take("STAR") is None:
        reader.at = before
        return None
    reader.blanks()
    if reader.check("(") or reader.check("NUMBER") or reader.check("NAME"):
        return primary(reader, blanks=False)
    return reader.expected("how many times: a number, a name or (expression)")


def join(reader: Reader, name: str, head: Span) -> Join:
    """join = NAME "(" (chain | NAME "=" value) ("," …)* ")" """
    opened = reader.at
    reader.take("(")
    reader.open()
    branches: list[Chain] = []
    options: list[Argument] = []
    while True:
        reader.blanks()
        if reader.check("NAMED_LOOSE"):
            options.append(named_argument(reader))
        elif reader.check(")") and not branches:
            reader.expected(f"a branch of {name}")
        else:
            branches.append(chain(reader))
        reader.blanks()
        if reader.take("COMMA") is None:
            break
    reader.close(")", opened)
    if len(branches) == 1:
        hint = f"the current tensor is a branch by the name of identity: {name}(…, identity)"
        fail("argument", f"{name} joins two branches or more", reader.since(head.start), hint)
    if reader.check("STAR"):
        reader.expected("'->' or the end", f"only groups and blocks repeat: ({name}(…))*3")
    return Join(name, tuple(branches), tuple(options), reader.since(head.start), head)


def named_argument(reader: Reader) -> Argument:
    """NAME "=" value, blanks allowed"""
    start = reader.at
    name = (reader.take("NAMED_LOOSE") or "")[:-1].rstrip()
    reader.blanks()
    result = value(reader, blanks=True)
    return Argument(name, result, False, reader.since(start))


def call_arguments(reader: Reader) -> tuple[Argument, ...]:
    """arguments = [value | NAME "=" value ("," …)*]"""
    result: list[Argument] = []
    reader.blanks()
    while not reader.check(")"):
        start = reader.at
        if reader.check("NAMED_LOOSE"):
            result.append(named_argument(reader))
        else:
            content = value(reader, blanks=True)
            result.append(Argument("", content, False, reader.since(start)))
        reader.blanks()
        if reader.take("COMMA") is None:
            break
        reader.blanks()
    return tuple(result)


def layer_arguments(reader: Reader) -> tuple[Argument, ...]:
    """(BLANKS argument)*;  argument = NAME "=" value | SUGAR size | value, without blanks outside brackets"""
    result: list[Argument] = []
    while True:
        before = reader.at
        if (
            not reader.blanks()
            or reader.at >= len(reader.value)
            or reader.value[reader.at] in ",)]→"
            or reader.check("ARROW")
        ):
            reader.at = before
            break
        start = reader.at
        if reader.value[start] == "=":
            reader.expected("an argument", "no blanks around '=': write k=3")
        named = reader.take("NAMED")
        if named is not None:
            result.append(Argument(named[:-1], value(reader, blanks=False), False, reader.since(start)))
        elif reader.check("SUGAR"):
            letter = reader.take("SUGAR") or ""
            result.append(Argument(letter, size(reader), True, reader.since(start)))
        else:
            content = value(reader, blanks=False)
            result.append(Argument("", content, False, reader.since(start)))
        after_word(reader, start)
    if reader.at < len(reader.value) and reader.value[reader.at] not in " \t\r\n,)]" and not reader.check("ARROW"):
        after_word(reader, before)
    return tuple(result)


def after_word(reader: Reader, start: int) -> None:
    """An argument word ends at a blank, a bracket, a comma, an arrow or the end."""
    if reader.at >= len(reader.value) or reader.value[reader.at] in " \t\r\n,)]" or reader.check("ARROW"):
        return
    word = reader.value[start : reader.at]
    if word[:1] in SUGAR and word[1:2].isdigit() and reader.value[reader.at] in "*+-/%":
        reader.expected(
            "a blank", f"sugar holds whole sizes only: write {word[0]}={word[1:]}{reader.value[reader.at]}…"
        )
    if word[:1] in SUGAR and len(word) == 1 and reader.check("("):
        reader.expected("a blank", f"write {word}=(…)")
    if reader.check("("):
        reader.expected(
            "a blank", f"functions are {', '.join(FUNCTIONS)}; a block stands in the chain, not among arguments"
        )
    if reader.value[reader.at] in ":x×" or word.endswith(":"):
        reader.expected("a blank", "the parts of a size are numbers or (expressions): (w)x3, (C//2):C, (-1)x16")
    reader.expected("a blank, '->' or the end")


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
        return reader.expected("a number, a name or (expression)")
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
        fail("argument", f"{name} takes {wanted} argument{'s' * (wanted > 1)}, got {len(arguments)}", span)
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
