"""How conditions are written: ``conv5.H = 7 or not alpha < 1/2``. One method per rule of the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NoReturn

from archcalc.query.conditions import Comparison, Condition, Expression, Literal, Logic, Name, Operation
from archcalc.spec.errors import Source, Span, Text, fail
from archcalc.spec.numerals import GROUPERS, SCALES, Quantity, read_number

_SUFFIX = "|".join(sorted(filter(None, SCALES), key=len, reverse=True))
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<size>\d+(?:[x×]\d+)+(?![\w.]))
  | (?P<target>(?:[A-Za-z0-9_]+/)*[A-Za-z0-9_]+\.[A-Za-z_]\w*(?![\w.]))
  | (?P<number>(?:(?:\d{{1,3}}(?:[,{GROUPERS}]\d{{3}})+|\d+)(?:\.\d+)?|\.\d+)
      (?:[eE][+-]?\d+)?(?:\s*(?:{_SUFFIX})\b)?(?!\w))
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign><=|>=|==|!=|≤|≥|≠|<|>|=|\+|-|−|\*|//|/|%|\(|\))
    )""",
    re.VERBOSE | re.IGNORECASE,
)
DEEPEST = 64
"""Brackets and ``not`` inside one another."""
LONGEST = 10_000
"""Characters of a condition."""
LONGEST_NUMBER = 200
"""Characters of a number in it."""

HINT = "a condition is written like: macs <= 300M and params < 3M"

_PLAIN_RELATIONS = ("<=", "<", ">=", ">", "=", "!=")
RELATIONS = {word: word for word in _PLAIN_RELATIONS} | {"==": "=", "≤": "<=", "≥": ">=", "≠": "!="}


def read_condition(origin: str, written: str) -> Condition:
    """Read a condition.

    Args:
        origin: where it was written, such as ``--where``.
        written: the condition.

    Raises:
        SpecError: it is not one.
    """
    condition: Condition = _Parser(origin, written).whole(_Parser.either)
    return condition


def read_name(origin: str, written: str, start: int = 0) -> Name:
    """Read the name of a quantity or a variable; ``start`` is its place in what was written.

    Raises:
        SpecError: it is not one.
    """
    name = _Parser(origin, written, start).whole(_Parser.primary)
    if not isinstance(name, Name):
        fail("syntax", "expected a quantity, such as macs or conv1.params", name.span)
    return name


class _Parser:
    """One method per rule of the grammar."""

    def __init__(self, origin: str, written: str, start: int = 0) -> None:
        if len(written) > LONGEST:
            fail("limit", f"more than {LONGEST} characters", origin=origin)
        self.text = Text(Source(origin, " " * start + written), written, start)
        self.at = 0
        self.depth = 0

    def whole(self, rule: Callable[[_Parser], Any]) -> Any:
        """text = rule end"""
        result = rule(self)
        if self.text.value[self.at :].strip():
            self.expected("'and', 'or' or the end of the condition")
        return result

    def either(self) -> Condition:
        """condition = both ("or" both)*"""
        operands = [self.both()]
        while self.take("or"):
            operands.append(self.both())
        return operands[0] if len(operands) == 1 else Logic("or", tuple(operands))

    def both(self) -> Condition:
        """both = negation ("and" negation)*"""
        operands = [self.negation()]
        while self.take("and"):
            operands.append(self.negation())
        return operands[0] if len(operands) == 1 else Logic("and", tuple(operands))

    def negation(self) -> Condition:
        """negation = "not" negation | "(" condition ")" | comparison"""
        start = self.at
        self.deeper()
        try:
            if self.take("not"):
                return Logic("not", (self.negation(),))
            if self.take("("):
                inside = self.at
                if self.is_condition(inside):
                    self.at = inside
                    condition = self.either()
                    self.close()
                    return condition
                self.at = start
            return self.comparison()
        finally:
            self.depth -= 1

    def is_condition(self, at: int) -> bool:
        """Whether the bracket that was opened here holds a condition and not an expression."""
        depth = 0
        while (match := _TOKEN.match(self.text.value, at)) is not None and depth >= 0:
            token = match.group().strip()
            depth += (token == "(") - (token == ")")
            if depth >= 0 and (token in RELATIONS or token.lower() in ("and", "or", "not")):
                return True
            at = match.end()
        return False

    def comparison(self) -> Condition:
        """comparison = sum (relation sum)+;  a < b < c is a < b and b < c"""
        left = self.sum()
        found: list[Condition] = []
        while relation := self.take(*RELATIONS):
            right = self.sum()
            found.append(Comparison(RELATIONS[relation], left, right))
            left = right
        if not found:
            self.expected(f"a comparison ({', '.join(_PLAIN_RELATIONS)})")
        return found[0] if len(found) == 1 else Logic("and", tuple(found))

    def sum(self) -> Expression:
        """sum = product (("+" | "-") product)*"""
        return self.chain(("+", "-", "−"), self.product)

    def product(self) -> Expression:
        """product = factor (("*" | "/" | "//" | "%") factor)*"""
        return self.chain(("*", "/", "//", "%"), self.factor)

    def chain(self, signs: tuple[str, ...], operand: Callable[[], Expression]) -> Expression:
        start = self.at
        left = operand()
        while sign := self.take(*signs):
            right = operand()
            left = Operation(sign.replace("−", "-"), left, right, self.since(start))
        return left

    def factor(self) -> Expression:
        """factor = ("+" | "-") factor | "(" sum ")" | primary"""
        start = self.at
        self.deeper()
        try:
            sign = self.take("+", "-", "−")
            if sign:
                zero = Literal(0, Fraction(0), self.since(start))
                return Operation("+" if sign == "+" else "-", zero, self.factor(), self.since(start))
            if self.take("("):
                inner = self.sum()
                self.close()
                return inner
            return self.primary()
        finally:
            self.depth -= 1

    def primary(self) -> Expression:
        """primary = NUMBER | SIZE | TARGET | NAME"""
        match = _TOKEN.match(self.text.value, self.at)
        if match is None or match["sign"] or match.group().strip().lower() in ("and", "or", "not"):
            self.expected("a quantity, a variable or a number")
        kind = str(match.lastgroup)
        word = match[kind]
        span = Span(self.text, match.start(kind), match.end(kind))
        self.at = match.end()
        if kind in ("number", "size") and len(word) > LONGEST_NUMBER:
            fail("limit", f"a number of more than {LONGEST_NUMBER} characters", span)
        if kind == "number":
            quantity = self.quantity(word, span)
            return Literal(quantity.value, quantity.tolerance, span)
        if kind == "size":
            return Literal(tuple(map(int, re.split("[x×]", word))), Fraction(0), span)
        if kind == "target":
            place, _, name = word.rpartition(".")
            return Name(place, name, span)
        return Name(None, word, span)

    def quantity(self, word: str, span: Span) -> Quantity:
        """A number with its precision."""
        try:
            return read_number(word)
        except ValueError as error:
            fail("syntax", str(error), span)

    def take(self, *words: str) -> str:
        """Read one of these words or signs if it stands here; nothing otherwise."""
        match = _TOKEN.match(self.text.value, self.at)
        token = match.group().strip() if match else ""
        word = token if token in words else token.lower() if token.lower() in ("and", "or", "not") else ""
        if match is None or word not in words:
            return ""
        self.at = match.end()
        return word

    def close(self) -> None:
        if not self.take(")"):
            self.expected("')'")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            fail("limit", f"nested deeper than {DEEPEST}", self.since(self.at))

    def since(self, start: int) -> Span:
        value = self.text.value
        start += len(value[start : self.at]) - len(value[start : self.at].lstrip())
        return Span(self.text, start, max(self.at, start + 1))

    def expected(self, what: str) -> NoReturn:
        rest = self.text.value[self.at :]
        start = self.at + len(rest) - len(rest.lstrip())
        found = re.match(r"\w+|\S?", self.text.value[start:])
        word = found.group() if found else ""
        span = Span(self.text, start, start + max(1, len(word)))
        if not word:
            fail("syntax", f"expected {what}, but the text ends here", span, HINT)
        fail("syntax", f"expected {what}, found '{word[:30]}'", span, HINT)
