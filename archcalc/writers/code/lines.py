"""Calls broken into lines, as Python's formatters do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

WIDTH = 88
"""The length of a line."""


class CallText(NamedTuple):
    """A call whose arguments are written, or a list, a tuple or a comprehension."""

    function: str
    args: tuple[tuple[str, Text], ...]
    """What stands before each argument (``stride=``), and the argument."""
    closing: str = ""
    """What follows the bracket."""
    brackets: tuple[str, str] = ("(", ")")
    comma: str = ","
    """What separates the arguments."""

    @property
    def is_call(self) -> bool:
        return self.function != "" and self.brackets[0] == "("


Text: TypeAlias = "str | CallText"


def in_one_line(text: Text) -> str:
    """Return a call in one line."""
    if isinstance(text, str):
        return text
    args = f"{text.comma} ".join(f"{before}{in_one_line(arg)}" for before, arg in text.args)
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
    if len(further + flat) > WIDTH or not text.is_call:
        for start, arg in text.args:
            lines += in_lines(start, arg, further, text.comma)
    else:
        lines.append(further + flat)
    return [*lines, f"{indent}{closing}{text.closing}{after}"]


def wrapped(line: str) -> Iterator[str]:
    """Yield a statement, in several lines if it is long."""
    line = re.sub(r"(?<![\w.)\]])([A-Za-z_][\w.]*) \*\* ([\w.]+)(?![\w.(\[])", r"\1**\2", line)
    found = re.match(r"(\s*)((?:return |[\w.\[\], ]+ = )?)(.*)$", line)
    if found is None or len(line) <= WIDTH:
        yield line
        return
    indent, before, text = found.groups()
    calls, together, further = methods(text), top_level(text), terms(text)
    if together is not None and len(together) > 1:
        yield from in_lines(before, CallText("", tuple([("", parsed(each)) for each in together])), indent)
    elif len(further) > 2 or not re.search(r"[(\[]", text):
        yield f"{indent}{before}("
        for operator, term in further:
            yield from in_lines(operator, parsed(term), f"{indent}    ")
        yield f"{indent})"
    elif len(calls) > 3 - ("(" in calls[0]):
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


def terms(text: str) -> list[tuple[str, str]]:
    """Return what the operators join that bind least, each with the operator and the space before it."""
    for operators in ("+-", "*/@"):
        found, depth, start, sign = list[tuple[str, str]](), 0, 0, ""
        for place, char in enumerate(text):
            depth += (char in "([{") - (char in ")]}")
            if not depth and char in operators and text[place - 1 : place + 2] == f" {char} ":
                found.append((sign, text[start : place - 1]))
                start, sign = place + 2, f"{char} "
        if found:
            return [*found, (sign, text[start:])]
    return [("", text)]


def parsed(text: str) -> Text:
    """Return an expression, as a call or a list if it is one."""
    *before, last = methods(text)
    found = re.fullmatch(r"([\w.]*)\((.*)\)|\[(.+)\]", last)
    arguments = top_level(found[2] or found[3] or "") if found else None
    if found is None or arguments is None or (found[1] == "" and (before or len(arguments) == 1)):
        return text
    function, brackets = "".join([*before, found[1] or ""]), ("[", "]") if found[1] is None else ("(", ")")
    return CallText(function, tuple([("", parsed(each)) for each in arguments]), brackets=brackets)


def top_level(text: str) -> list[str] | None:
    """Return the arguments of a call; ``None`` if the text is not that between one pair of brackets."""
    found, depth, start, quote = [], 0, 0, ""
    for place, char in enumerate(text):
        if char in "\"'" and quote in ("", char):
            quote = "" if quote else char
        if quote:  # a comma or bracket in a string separates nothing
            continue
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return None
        if char == "," and not depth:
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()]
