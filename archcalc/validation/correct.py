"""The corrections of one file: its new text, and the patch that leads there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import NamedTuple

from archcalc.lint.fix import fix, quote
from archcalc.spec.errors import Source, SpecError
from archcalc.spec.records import Spec

LINE_ENDING = re.compile("\r\n|\r|\n")
MAX_ALIGNED = 2_000
"""The number of lines up to which the lines of a file that mixes line endings are matched exactly."""


class Correction(NamedTuple):
    """The corrected text of a spec."""

    source: Source
    before: str
    """The content of the file, with its line endings and its byte order mark."""
    content: str
    """The new content of the file."""
    number: int
    """The number of corrections."""


def correct(
    source: Source, path: str | None, ignore: Collection[str], read: Callable[[Source], Spec]
) -> Correction | None:
    """Return the corrected text of a spec; ``None`` if nothing can be corrected.

    Args:
        source: the text of the spec, with normalised line endings.
        path: the file that contains it; ``None`` for standard input.
        ignore: the codes of warnings to ignore.
        read: reads a changed text.
    """
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
    if not number:
        return None
    before = source.text if path is None else Path(path).read_bytes().decode("utf-8", "replace")
    content = with_line_endings(before, corrected.text)
    unchanged = with_line_endings(before, source.text) == before  # false if the file has changed meanwhile
    return Correction(corrected, before, content, number) if unchanged else None


def with_line_endings(before: str, text: str) -> str:
    """Return a text with the line endings, and the byte order mark, of the content of a file that it was made from.

    Unchanged lines keep their endings, even in a file that mixes them; a changed line ends like the one that it
    replaces.
    """
    mark = "\ufeff" if before.startswith("\ufeff") else ""
    ends = LINE_ENDING.findall(before)
    if len(set(ends)) <= 1:
        return mark + text.replace("\n", ends[0] if ends else "\n")
    old, new = LINE_ENDING.split(before.removeprefix("\ufeff")), text.split("\n")
    pieces = [mark]
    matched = SequenceMatcher(None, old, new, autojunk=len(old) > MAX_ALIGNED)
    for _, i, i_end, j, j_end in [("equal", 0, len(old), 0, len(new))] if old == new else matched.get_opcodes():
        for line in range(j, j_end):
            replaced = min(i + line - j, max(i_end - 1, i - 1, 0), len(ends) - 1)
            pieces += [new[line], ends[replaced] if line + 1 < len(new) else ""]
    return "".join(pieces)


def patch(name: str, before: str, after: str) -> str:
    """Return the patch between two contents of a file in Git's form, which keeps line endings.

    ``git apply`` and ``patch -p1`` accept it.

    Args:
        name: the name of the file in patches; see `patch_name`.
        before: the content of the file.
        after: the new content of the file.
    """
    old, new = _quoted(f"a/{name}"), _quoted(f"b/{name}")
    ends = ("\t" if " " in name else "") + "\n"  # a name with a space ends at a tab
    rows = list(unified_diff(_lines(before), _lines(after), n=3))[2:]
    body = "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)
    return f"diff --git {old} {new}\n--- {old}{ends}+++ {new}{ends}{body}"


def _lines(content: str) -> list[str]:
    """Return the lines as Git counts them: only a line feed ends one."""
    return re.findall("[^\n]*\n|[^\n]+", content)


def _quoted(name: str) -> str:
    """Return a name as Git writes it: quoted, with octal escapes, if it has characters that a line cannot contain."""
    if name.isprintable() and not set(name) & {'"', "\\"}:
        return name
    octal = (
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in name.encode("utf-8", "surrogateescape")
    )
    return f'"{"".join(octal)}"'


def patch_name(path: str) -> str:
    """Return the name of a file in patches, with which ``git apply`` finds it from the current folder.

    It is relative to the top of the repository that contains the current folder, or else to this folder itself; the
    name of a file outside both is relative to the root of the file system.
    """
    place, here = Path(os.path.realpath(path)), Path(os.path.realpath(os.curdir))
    top = next((folder for folder in (here, *here.parents) if Path(folder, ".git").exists()), here)
    return (place.relative_to(top) if place.is_relative_to(top) else place.relative_to(place.anchor)).as_posix()
