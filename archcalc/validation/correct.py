"""The corrections of one file: its new text, and the diff."""

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
    """The corrected text of a file."""

    source: Source
    content: str
    """The new content of the file, with the line ends and the byte order mark of the old one."""
    number: int
    """The number of corrections."""


def correct(source: Source, path: str, ignore: Collection[str], read: Callable[[Source], Spec]) -> Correction | None:
    """Return the corrected text of a spec; ``None`` if nothing can be corrected."""
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
    """Return the unified diff of two texts of a file."""
    old, new = (source.text.splitlines(keepends=True) for source in (before, after))
    rows = unified_diff(old, new, f"a/{before.name}", f"b/{before.name}")
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def _with_line_ends(path: str, before: Source, after: Source) -> str | None:
    """The new text with the line ends of the file; ``None`` if the file mixes them."""
    data = Path(path).read_bytes()
    mark = "\ufeff" if data.startswith(BYTE_ORDER_MARK) else ""
    for end in ("\n", "\r\n", "\r"):
        if (mark + before.text.replace("\n", end)).encode() == data:
            return mark + after.text.replace("\n", end)
    return None
