"""Tokens of the spec language, read on demand by the name of their rule, because their meaning depends on the context.

For example, ``x`` joins the parts of a size, but is an ordinary letter in a name. White space is significant only
between the arguments of a layer and before a bracket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple, NoReturn

from archcalc.spec.errors import Span, Text, fail
from archcalc.spec.limits import DEFAULT, Limits

_SIZE_NAME = r"(?!\d)[A-WYZa-wyz0-9_]+"
"""A name in a shape without brackets; it has no ``x``, which joins the sizes."""
_IN_BRACKETS = r"\([^()]*\)"

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
        "TIMES": r"[xX×](?=[0-9(.:])",
        "SIZE_NAME": rf"{_SIZE_NAME}",
        "SHAPE_TIMES": r"[xX×]",
        "NAMED_SHAPE": rf"(?=[^\s:]*[xX×]{_SIZE_NAME}|[A-WYZ])(?:[0-9]+|[A-WYZ][0-9]*|{_IN_BRACKETS})"
        rf"(?:[xX×](?:[0-9]+|{_SIZE_NAME}|{_IN_BRACKETS}))+(?![\w(:])",
        "COLON": r":",
        "ADDITIVE": r"[+]|-(?!>)",
        "MULTIPLICATIVE": r"//|[/%]|\*(?!\*)",
        "POWER": r"\*\*",
        "STAR": r"\*(?!\*)",
        "COMMA": r",",
        "COMPARISON": r"[=!<>]=|[<>]",
        "AT": r"@",
        "SLASH": r"/",
        "STRING": r"'[^']*'|\"[^\"]*\"",
        "QUOTE": r"['\"]",
        "(": r"\(",
        ")": r"\)",
        "[": r"\[",
        "]": r"\]",
    }.items()
}

JUNK = re.compile(r"[^\s()\[\],]+")

BRACKET_HINTS = {")": "there is one closing bracket too many", "]": "there is one closing bracket too many"}
"""Hints for closing brackets that are found where the text must end."""


class TokenRules(NamedTuple):
    """The tokens of one kind of text; the grammar is the same for all kinds."""

    rules: Mapping[str, re.Pattern[str]] = RULES
    argument_rules: Mapping[str, re.Pattern[str]] = RULES
    """The rules inside the brackets of a function, where a comma separates arguments and never groups digits."""
    operand: str = "a number, a name or (arithmetic)"
    """What an operand may be, for error messages."""
    hint: str = ""
    """The hint of errors that have no other."""
    rounded: Callable[[str], tuple[Fraction, Fraction]] | None = None
    """Returns the value and tolerance of a number as written, or raises `ValueError`; if ``None``, numbers are exact
    decimals."""


SPECS = TokenRules()


class Reader:
    """A text and the index up to which it has been read."""

    __slots__ = ("at", "blocks", "depth", "limits", "notation", "rules", "text", "value")

    def __init__(
        self,
        text: Text,
        blocks: frozenset[str] = frozenset(),
        limits: Limits = DEFAULT,
        notation: TokenRules = SPECS,
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
        """Return whether a token of this rule follows."""
        return self.rules[rule].match(self.value, self.at) is not None

    def take(self, rule: str) -> str | None:
        """Read a token of this rule if it follows, and return its text; otherwise return ``None``."""
        match = self.rules[rule].match(self.value, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def blanks(self) -> bool:
        """Skip white space, and return whether there was any."""
        return self.take("BLANKS") is not None

    def since(self, start: int) -> Span:
        """Return the span from ``start`` to the current index."""
        return Span(self.text, start, self.at)

    def expected(self, what: str, hint: str = "") -> NoReturn:
        """Raise the error that something else follows than ``what``."""
        hint = hint or self.notation.hint
        if self.at >= len(self.value):
            fail("syntax", f"expected {what}, but the text ends here", Span(self.text, self.at, self.at + 1), hint)
        match = JUNK.match(self.value, self.at)
        found = match.group() if match else self.value[self.at]
        shown = found if len(found) <= 30 else found[:30] + "…"
        fail("syntax", f"expected {what}, found '{shown}'", Span(self.text, self.at, self.at + len(found)), hint)

    def finish(self, what: str, hints: Mapping[str, str] = BRACKET_HINTS) -> None:
        """Check that only white space follows.

        Args:
            what: what was expected, for the error.
            hints: the hint of the error by the character that follows instead.
        """
        self.blanks()
        if self.at < len(self.value):
            self.expected(what, hints.get(self.value[self.at], ""))

    def close(self, bracket: str, opened: int) -> None:
        """Read the bracket that closes the one at index ``opened``."""
        self.blanks()
        if self.take(bracket) is None:
            if self.at >= len(self.value):
                fail("syntax", f"this bracket is never closed by '{bracket}'", Span(self.text, opened, opened + 1))
            self.expected(f"'{bracket}'")
        self.depth -= 1

    def open(self) -> None:
        """Enter a level of nesting, that of the bracket or sign just read."""
        self.depth += 1
        if self.depth > self.limits.nesting:
            fail(
                "limit",
                f"brackets are nested deeper than {self.limits.nesting}",
                Span(self.text, self.at - 1, self.at),
                "raise the limit with --max-nesting",
            )
