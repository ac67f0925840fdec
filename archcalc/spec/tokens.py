"""Tokens of the expression language, read by name on demand: what a character means depends on where it stands.

``x`` joins the parts of a size and is an ordinary letter in a name. White space matters only between the words of a
layer and before a bracket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple, NoReturn

from archcalc.spec.errors import Span, Text, fail
from archcalc.spec.limits import DEFAULT, Limits

RULES: Mapping[str, re.Pattern[str]] = {
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

TOO_MANY = {")": "there is one closing bracket too many", "]": "there is one closing bracket too many"}
"""What is wrong with a bracket that stands where nothing may."""


class Notation(NamedTuple):
    """How expressions are written in one kind of place: the grammar is the same, some of its tokens differ."""

    rules: Mapping[str, re.Pattern[str]] = RULES
    argument_rules: Mapping[str, re.Pattern[str]] = RULES
    """The rules between the brackets of a function, where a comma separates arguments and never groups digits."""
    operand: str = "a number, a name or (arithmetic)"
    """What may stand as an operand, in the words of an error."""
    hint: str = ""
    """The hint of an error that has none of its own."""
    rounded: Callable[[str], tuple[Fraction, Fraction]] | None = None
    """Reads a number with a precision, raising `ValueError`; without it, numbers are exact decimals."""


SPECS = Notation()


class Reader:
    """A text and a position in it."""

    __slots__ = ("at", "blocks", "depth", "limits", "notation", "rules", "text", "value")

    def __init__(
        self,
        text: Text,
        blocks: frozenset[str] = frozenset(),
        limits: Limits = DEFAULT,
        notation: Notation = SPECS,
    ) -> None:
        self.text = text
        self.value = text.value
        self.at = 0
        self.blocks = blocks
        self.limits = limits
        self.notation = notation
        self.rules = notation.rules
        self.depth = 0

    def check(self, rule: str) -> bool:
        """Whether a token of this rule stands here."""
        return self.rules[rule].match(self.value, self.at) is not None

    def take(self, rule: str) -> str | None:
        """Read a token of this rule if it stands here."""
        match = self.rules[rule].match(self.value, self.at)
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
        hint = hint or self.notation.hint
        if self.at >= len(self.value):
            fail("syntax", f"expected {what}, but the text ends here", Span(self.text, self.at, self.at + 1), hint)
        match = JUNK.match(self.value, self.at)
        found = match.group() if match else self.value[self.at]
        shown = found if len(found) <= 30 else found[:30] + "…"
        fail("syntax", f"expected {what}, found '{shown}'", Span(self.text, self.at, self.at + len(found)), hint)

    def finish(self, what: str, hints: Mapping[str, str] = TOO_MANY) -> None:
        """Nothing but white space may follow; ``hints`` are by the character that stands here instead."""
        self.blanks()
        if self.at < len(self.value):
            self.expected(what, hints.get(self.value[self.at], ""))

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
                "raise the limit with --max-nesting",
            )
