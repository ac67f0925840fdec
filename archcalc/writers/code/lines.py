"""Calls broken into lines, as Python's formatters do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

WIDTH = 88
"""The length of a line."""


class Written(NamedTuple):
    """A call whose arguments are written."""

    function: str
    args: tuple[tuple[str, Text], ...]
    """What stands before each argument (``stride=``), and the argument."""
    closing: str = ""
    """What follows the bracket."""
    brackets: tuple[str, str] = ("(", ")")


Text: TypeAlias = "str | Written"


def in_one_line(text: Text) -> str:
    """Return a call in one line."""
    if isinstance(text, str):
        return text
    args = ", ".join(f"{before}{in_one_line(arg)}" for before, arg in text.args)
    opening, closing = text.brackets
    return f"{text.function}{opening}{args}{closing}{text.closing}"


def in_lines(before: str, text: Text, indent: str, after: str = "") -> list[str]:
    """Return the lines of a call.

    Args:
        before: what stands before it in its first line.
        text: the call.
        indent: the indentation of the line.
        after: what follows it in its last line.
    """
    line = f"{indent}{before}{in_one_line(text)}{after}"
    if isinstance(text, str) or not text.args or len(line) <= WIDTH:
        return [line]
    opening, closing = text.brackets
    lines = [f"{indent}{before}{text.function}{opening}"]
    further = indent + "    "
    flat = ", ".join(f"{start}{in_one_line(arg)}" for start, arg in text.args)
    if len(further + flat) > WIDTH:
        for start, arg in text.args:
            lines += in_lines(start, arg, further, ",")
    else:
        lines.append(further + flat)
    return [*lines, f"{indent}{closing}{text.closing}{after}"]


def wrapped(line: str) -> Iterator[str]:
    """Yield a statement, in several lines if it is long and ends with a call."""
    found = re.match(r"(\s*)((?:return |[\w, ]+ = )?)(.*)$", line)
    if found is None or len(line) <= WIDTH:
        yield line
        return
    indent, before, text = found.groups()
    calls = methods(text)
    if len(calls) > 2:
        yield f"{indent}{before}("
        yield (
            f"{indent}    {calls[0]}{calls[1]}"
            if calls[1].startswith(".") and calls[0].isidentifier()
            else (f"{indent}    {calls[0]}")
        )
        rest = calls[2:] if calls[0].isidentifier() else calls[1:]
        yield from (f"{indent}    {each}" for each in rest)
        yield f"{indent})"
    else:
        yield from in_lines(before, parsed(text), indent)


def methods(text: str) -> list[str]:
    """Return an expression and the calls of methods on it: ``x``, ``.flatten(1)``, ``.transpose(1, 2)``."""
    found, depth, start = [], 0, 0
    for place, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if not depth and char == " ":
            return [text]
        if not depth and char == "." and re.match(r"\.\w+\(", text[place:]):
            found.append(text[start:place])
            start = place
    return [*found, text[start:]]


def parsed(text: str) -> Text:
    """Return an expression, as a call if it is one."""
    found = re.fullmatch(r"([\w.]+)\((.*)\)", text)
    arguments = top_level(found[2]) if found else None
    if found is None or arguments is None:
        return text
    return Written(found[1], tuple([("", parsed(each)) for each in arguments]))


def top_level(text: str) -> list[str] | None:
    """Return the arguments of a call; ``None`` if the text is not that between one pair of brackets."""
    found, depth, start = [], 0, 0
    for place, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return None
        if char == "," and not depth:
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()]
