"""Texts in other notations, rewritten in the notation of specs for hints: ``3,32,32 => Conv2d(3, 6, 5)``.

Each rule rewrites one thing that people write. The caller checks that the result is valid, so a rule need not decide
whether its match is correct: a wrong result is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from archcalc.ops.base import REGISTRY
from archcalc.spec.frameworks import translated

MAX_LENGTH = 2000
"""Longer texts are not rewritten."""

CALL = re.compile(r"(?<![\w.])(?:[A-Za-z_]\w*\.)*(?P<name>[A-Za-z_]\w*)\(")
NAMED_CLASS = re.compile(r"(?<![\w.])(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*(?![\w(.])")
ARROW = re.compile(r"\s*(?:=>|⇒|-->|—>|–>|>>|\|>|\|)\s*")
SHAPE = re.compile(r"\s*[(\[]?\s*(\d+(?:\s*(?:,|\*|[xX×])\s*\d+)*)\s*,?\s*[)\]]?\s*")
INPUT = re.compile(rf"^{SHAPE.pattern}(?=->|→)")
TUPLE = re.compile(r"(?<=[=\s])\(\s*(\d+)\s*((?:,\s*\d+\s*)+)\)")
MULTIPLE = re.compile(r"(?<![\w)])(\d+)\s*[*x×]\s*(?=[(\[])")
TRUTH = re.compile(r"=\s*(True|true|False|false)\b")
EQUALS = re.compile(r"(?<=\w)\s+=\s*(?=\S)|(?<=\w)=\s+(?=\S)")
SIZE = re.compile(r"(?<![\w.(@/])[A-Za-z0-9_]+(?:[xX×][A-Za-z0-9_]+)+(?![\w(/])")
QUOTED_WORD = re.compile(r"=(['\"])(\w+)\1")


def rewritten(text: str, known: Collection[str], *, inline: bool) -> str | None:
    """Return a text in the notation of specs, as far as the rules go; ``None`` if they change nothing.

    Args:
        text: a chain, or an inline expression.
        known: the names of variables, parameters and sizes that may occur in it.
        inline: whether it begins with an input shape.
    """
    if len(text) > MAX_LENGTH:
        return None
    found = ARROW.sub(" -> ", text)
    found = _calls(found, translated)
    found = NAMED_CLASS.sub(lambda match: translated(match.group()) or match.group(), found)
    if inline:
        found = INPUT.sub(lambda match: f"{_sizes(match[1])} ", found)
    found = TUPLE.sub(lambda match: _joined(match[1], match[2]), found)
    found = _repeated(found)
    found = TRUTH.sub(lambda match: f"={'yes' if match[1] in ('True', 'true') else 'no'}", found)
    found = QUOTED_WORD.sub(r"=\2", found)
    found = EQUALS.sub("=", found)
    found = _calls(found, _operator)
    found = SIZE.sub(lambda match: _bracketed(match.group(), known), found)
    return None if found == text else found.strip()


def rewritten_shape(text: str) -> str | None:
    """Return a shape in the notation of specs, ``3x32x32`` for ``(3, 32, 32)``; ``None`` for other texts."""
    match = SHAPE.fullmatch(text)
    return _sizes(match[1]) if match else None


def _sizes(text: str) -> str:
    return "x".join(re.findall("[0-9]+", text))


def _calls(text: str, rewrite: Callable[[str], str | None]) -> str:
    """Return a text with every call rewritten that can be."""
    pieces, at = [], 0
    while match := CALL.search(text, at):
        end = _closing(text, match.end() - 1)
        changed = rewrite(text[match.start() : end]) if end is not None else None
        if changed is None or end is None:
            pieces.append(text[at : match.end()])
            at = match.end()
        else:
            pieces += [text[at : match.start()], changed]
            at = end
    return "".join([*pieces, text[at:]])


def _closing(text: str, opening: int) -> int | None:
    """Return the index after the bracket that closes the one at an index."""
    depth = 0
    for index in range(opening, len(text)):
        depth += (text[index] in "([") - (text[index] in ")]")
        if depth == 0:
            return index + 1
    return None


def _operator(call: str) -> str | None:
    """Return ``conv(64, k=3)`` as ``conv 64 k=3``."""
    name, _, inside = call.partition("(")
    cls = REGISTRY.get(name.lower())
    if cls is None or cls.arity is None or "->" in inside or "→" in inside:
        return None
    return " ".join([name.lower(), *(word.replace(" ", "") for word in _split(inside[:-1]))])


def _split(text: str) -> list[str]:
    """Return the parts of a text between the commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _repeated(text: str) -> str:
    """Return ``2*(chain)`` as ``(chain)*2``."""
    at = 0
    while match := MULTIPLE.search(text, at):
        end = _closing(text, match.end())
        if end is None:
            return text
        text = f"{text[: match.start()]}{text[match.end() : end]}*{match[1]}{text[end:]}"
        at = match.start() + 1
    return text


def _joined(first: str, rest: str) -> str:
    """Return the numbers of a tuple as a size."""
    numbers = [first, *re.findall("[0-9]+", rest)]
    return numbers[0] if len(set(numbers)) == 1 else "x".join(numbers)


def _bracketed(word: str, known: Collection[str]) -> str:
    """Return a size with its names in brackets, if they are known; otherwise the word."""
    parts = re.split("[xX×]", word)
    if all(part.isdecimal() or part in known for part in parts):
        return "x".join(part if part.isdecimal() else f"({part})" for part in parts)
    return word
