"""Calls broken into lines, as Python's formatters do."""

from __future__ import annotations

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
