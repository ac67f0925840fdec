"""Arrays whose rows stand on lines of their own, in files of text and of YAML."""

from __future__ import annotations

import re

from archcalc.spec.errors import Text

_NUMBERS = re.compile(r"(?:[\d\s.,;+\-−–eE/%\[\](){}|&\\]|nan|inf(?:inity)?|<br\s*/?>)+", re.IGNORECASE)


def is_row(line: str) -> bool:
    """Return whether a line has numbers and their separators only; an item of a list of YAML (``- 1``) is none."""
    return any(map(str.isdigit, line)) and not line.lstrip().startswith("- ") and _NUMBERS.fullmatch(line) is not None


def is_open(text: str) -> bool:
    """Return whether a bracket of a text is not closed yet."""
    return sum(map(text.count, "[(")) > sum(map(text.count, "])"))


def in_one_line(text: str) -> str:
    """Return the rows of an array separated by semicolons; any other text as it is."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if len(lines) < 2 or not all(map(is_row, lines)):
        return text.strip()
    return (" " if is_open(lines[0]) else "; ").join(lines)


def unfolded(text: Text) -> Text:
    """Return a scalar of YAML with its line breaks, which YAML replaces by spaces, if its lines are rows of numbers."""
    if text.end is None or text.style not in ("", ">"):
        return text
    lines = text.source.text[text.start : text.end].splitlines()[text.style == ">" :]
    rows = [line.strip() for line in lines if line.strip()]
    if len(rows) < 2 or not all(map(is_row, rows)):
        return text
    return Text(text.source, "\n".join(rows), text.start, text.end, text.style)
