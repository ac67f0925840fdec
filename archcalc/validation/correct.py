"""Corrections of one file: what its text becomes, and how that looks as a diff."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from archcalc.lint.fix import fix, quote
from archcalc.spec.errors import Source, SpecError
from archcalc.spec.read import Spec

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Correction(NamedTuple):
    """A file that can be corrected."""

    source: Source
    content: str
    """The whole new file, with the line ends and the byte order mark of the old one."""
    number: int
    """Corrections."""


def correct(source: Source, path: str, ignore: Collection[str], read: Callable[[Source], Spec]) -> Correction | None:
    """The corrected text of a spec; ``None`` where nothing can be corrected."""
    number, corrected = 0, source
    try:
        spec = read(source)
    except SpecError as error:
        quoted = quote(source, error, read)
        if quoted is None:
            return None
        corrected, number = quoted
        spec = read(corrected)
    fixed = fix(spec, ignore, read)
    if fixed is not None:
        corrected, number = fixed.source, number + fixed.number
    content = _with_line_ends(path, source, corrected) if number else None
    return None if content is None else Correction(corrected, content, number)


def diff(before: Source, after: Source) -> str:
    """Two texts of a file as a unified diff."""
    old, new = (source.text.splitlines(keepends=True) for source in (before, after))
    rows = unified_diff(old, new, f"a/{before.name}", f"b/{before.name}")
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def _with_line_ends(path: str, before: Source, after: Source) -> str | None:
    """The new text as the file writes its lines; ``None`` where it mixes line ends."""
    data = Path(path).read_bytes()
    mark = "\ufeff" if data.startswith(BYTE_ORDER_MARK) else ""
    for end in ("\n", "\r\n", "\r"):
        if (mark + before.text.replace("\n", end)).encode() == data:
            return mark + after.text.replace("\n", end)
    return None
