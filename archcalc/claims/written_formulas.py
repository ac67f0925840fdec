r"""Formulas as people write them, rewritten in the notation of specs.

Products without a sign (``F(K^2C + 1)``), names with subscripts (``D_F`` for ``DF``), floors in brackets (``⌊H/2⌋``),
LaTeX (``$\frac{H - K}{S} + 1$``), and shapes (``F x (H - 2) x (W - 2)``) are read. Which names there are decides how a
word is read: ``KC`` is a product where K and C are names and KC is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import NamedTuple

from archcalc.spec.expressions import FUNCTIONS
from archcalc.spec.markup import SUPERSCRIPTS, with_usual_digits, without_commands

_OTHER_FUNCTIONS = {"int": "floor", "ceiling": "ceil"}
_FLOORS = {"⌊": "floor(", "⌈": "ceil("}
_OPENING = "(⌊⌈"
_CLOSING = ")⌋⌉"
_SIZE_SEPARATORS = ("x", "×", ",", ";", "@")
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_SUBSCRIPT_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SIGNS = str.maketrans({"·": "*", "⋅": "*", "∗": "*", "−": "-", "–": "-", "÷": "/", "∕": "/", "[": "(", "]": ")"})
_SHAPE_NAME = re.compile(r"\s*(?:torch\.size|tensorshape|shape)\s*(?=[(\[])", re.IGNORECASE)
_LATEX = (
    (re.compile(r"_\s*\{([^{}]*)\}"), lambda match: "_" + match[1].replace(" ", "").replace(",", "_") + " "),
    (re.compile(r"\\lfloor"), "⌊"),
    (re.compile(r"\\rfloor"), "⌋"),
    (re.compile(r"\\lceil"), "⌈"),
    (re.compile(r"\\rceil"), "⌉"),
    (re.compile(r"\\div(?![a-z])"), "/"),
)
_CONDITION = re.compile(r"\s*[,(]\s*(?:if|for|where|when)\b.*", re.DOTALL)
"""A condition after a formula, as archcalc writes it: ``H*W*k**2, if k % 2 == 1``."""
_FRACTION = re.compile(r"\\[dt]?frac\s*")
_TOKEN = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?![\d,])|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?!\w))?)"
    r"|(?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)?)"
    r"|(?P<sign>\*\*|//|<=|>=|==|\S)"
)


class _Token(NamedTuple):
    text: str
    starts: bool = False
    """Whether an operand may begin with it."""
    ends: bool = False
    """Whether an operand may end with it."""


def in_notation(text: str, names: Collection[str]) -> list[str]:
    """Return the possible readings of a formula that people wrote, in the notation of specs, the usual one first.

    ``H/2S`` is H/2·S or H/(2·S).

    Args:
        text: the formula, possibly as an equation.
        names: the names that it may use. Words that are neither names nor products of names are returned as they are.
    """
    tokens = _tokens(_without_markup(text), names, shape=False)
    return list(dict.fromkeys([_written(tokens), _written(_divisors_in_brackets(tokens))]))


def sizes_in_notation(text: str, names: Collection[str]) -> list[str]:
    """Return the formulas of a shape, such as ``2 x (2*H + 1) x (2*W + 1)`` or ``(F, H - 2, W - 2)``, one per axis."""
    tokens = _tokens(_without_markup(_SHAPE_NAME.sub("", text, count=1)), names, shape=True)
    while tokens and tokens[0].text == "(" and _closes(tokens) == len(tokens) - 1:
        tokens = tokens[1:-1]
    sizes: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.text[-1:] in _OPENING
        depth -= token.text[-1:] in _CLOSING
        if depth == 0 and token.text in _SIZE_SEPARATORS:
            sizes.append([])
        else:
            sizes[-1].append(token)
    return [_written(size) for size in sizes if size]


def _divisors_in_brackets(tokens: list[_Token]) -> list[_Token]:
    """Return tokens with brackets around products without a sign that follow a division sign."""
    found: list[_Token] = []
    index = 0
    while index < len(tokens):
        found.append(tokens[index])
        index += 1
        if found[-1].text != "/":
            continue
        end, factors = index, 0
        while end < len(tokens) and tokens[end].starts:
            end, factors = _after_power(tokens, end), factors + 1
        if factors > 1:
            found += [_Token("(", starts=True), *tokens[index:end], _Token(")", ends=True)]
            index = end
    return found


def _after_power(tokens: list[_Token], start: int) -> int:
    """Return the index after an operand and its exponent, if it has one."""
    end = _after_operand(tokens, start)
    return _after_operand(tokens, end + 1) if end + 1 < len(tokens) and tokens[end].text == "**" else end


def _after_operand(tokens: list[_Token], start: int) -> int:
    if tokens[start].text in FUNCTIONS:
        start += 1
    bracketed = start < len(tokens) and tokens[start].text[-1:] == "("
    closing = _closes(tokens[start:]) if bracketed else 0
    return start + closing + 1 if closing >= 0 else len(tokens)


def _closes(tokens: list[_Token]) -> int:
    """Return the index of the bracket that closes the first token; −1 if none does."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.text[-1:] in _OPENING) - (token.text[-1:] in _CLOSING)
        if depth == 0:
            return index
    return -1


def _without_markup(text: str) -> str:
    """Return the text without LaTeX, and with the digits 0–9 only."""
    text = without_commands(_CONDITION.sub("", text.replace("\\_", "_")))
    for pattern, instead in _LATEX:
        text = pattern.sub(instead, text)
    while (match := _FRACTION.search(text)) is not None:
        above, rest = _group(text[match.end() :])
        below, rest = _group(rest)
        text = f"{text[: match.start()]} (({above})/({below})) {rest}"
    text = text.replace("{", "(").replace("}", ")").replace("\\", " ")
    text = _SUPERSCRIPTS.sub(lambda match: "**" + match[0].translate(SUPERSCRIPTS), text)
    text = with_usual_digits(text.translate(_SUBSCRIPT_DIGITS))
    return text.translate(_SIGNS).replace("^", "**")


def _group(text: str) -> tuple[str, str]:
    """Return the argument of a LaTeX command, in braces or one character, and the text after it."""
    text = text.lstrip()
    if not text.startswith("{"):
        return text[:1], text[1:]
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[1:index], text[index + 1 :]
    return text[1:], ""


def _tokens(text: str, names: Collection[str], *, shape: bool) -> list[_Token]:
    words = _Words(names)
    found: list[_Token] = []
    functions: list[bool] = []
    for match in _TOKEN.finditer(text):
        written = match[0]
        if match["number"] is not None:
            separate = shape or any(functions)  # between sizes and arguments, commas group no digits
            parts = written.split(",") if separate else [written.replace(",", "")]
            for index, part in enumerate(parts):
                found += [_Token(",")] if index else []
                found.append(_Token(part, starts=True, ends=True))
        elif match["word"] is not None:
            called = text[match.end() :].lstrip().startswith("(")
            found += words.read(written, called=called, shape=shape)
        elif written in _FLOORS or written == "(":
            functions.append(written == "(" and bool(found) and found[-1].text in FUNCTIONS)
            found.append(_Token(_FLOORS.get(written, written), starts=True))
        elif written in _CLOSING:
            functions = functions[:-1]
            found.append(_Token(")", ends=True))
        else:
            found.append(_Token("*" if written == "×" and not shape else written))
    return found


def _written(tokens: list[_Token]) -> str:
    """Return tokens as text, with a multiplication sign between adjacent operands."""
    text = ""
    before = _Token("")
    for token in tokens:
        numbers = before.text[-1:].isdigit() and token.text[:1].isdigit()
        if before.ends and token.starts and not numbers:
            text += "*"
        elif before.text not in FUNCTIONS:
            text += " "
        text += token.text
        before = token
    return text.strip()


class _Words:
    """Reads words by the names that there are."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = {*names}
        self.folded = _unique((name.replace("_", ""), name) for name in names)
        self.caseless = _unique((name.replace("_", "").casefold(), name) for name in names)

    def read(self, word: str, *, called: bool, shape: bool) -> list[_Token]:
        """Return the tokens of a word: a function, a name, or names (and signs ``x``) that are written together."""
        last = word.rpartition(".")[2].lower()
        function = _OTHER_FUNCTIONS.get(last, last)
        if called and word not in self.names and function in FUNCTIONS:
            return [_Token(function, starts=True)]
        if word in ("and", "or", "not"):
            return [_Token(word)]
        name = self._name(word)
        if name is not None:
            return [_Token(name, starts=True, ends=True)]
        times = "x" if shape else "*"
        if word in ("x", "X"):
            return [_Token(times)]
        parts = self._split(word.replace("_", ""))
        if parts is None:
            return [_Token(word, starts=True, ends=True)]
        return [_Token(times) if part == "x" else _Token(part, starts=True, ends=True) for part in parts]

    def _name(self, word: str) -> str | None:
        if word in self.names:
            return word
        if len(word) == 1 and not word.isascii():
            word = unicodedata.name(word, word).rpartition(" ")[2].lower()  # α is alpha
        plain = word.replace("_", "")
        return self.folded.get(plain) or self.caseless.get(plain.casefold())

    def _split(self, word: str) -> list[str] | None:
        """Return the names, signs ``x`` and numbers after a sign whose text together is the word."""
        if not word:
            return []
        for length in range(len(word), 0, -1):
            name = self.folded.get(word[:length])
            if name is not None:
                rest = self._split(word[length:])
                if rest is not None:
                    return [name, *rest]
        sign = re.match(r"x(\d*)", word)
        if sign is not None:
            rest = self._split(word[sign.end() :])
            if rest is not None:
                return ["x", *([sign[1]] if sign[1] else []), *rest]
        return None


def _unique(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Return a mapping of the keys that belong to one name only."""
    found: dict[str, str | None] = {}
    for key, name in pairs:
        found[key] = name if found.get(key, name) == name else None
    return {key: name for key, name in found.items() if name is not None}
