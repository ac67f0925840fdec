"""Text for terminals and files: display widths, and names that are not Unicode text."""

from __future__ import annotations

import codecs
import re

SURROGATES = re.compile("[\ud800-\udfff]+")
"""How Python writes the bytes of file names that it cannot decode; no encoding has these characters."""

JSON_BACKSLASH = "\\\\"
"""How a string of JSON writes one backslash."""


def readable(text: str, backslash: str = "\\") -> str:
    """Return a text in which the bytes of file names are decoded as UTF-8, so that it can be written in UTF-8.

    Python decodes names by the locale, which may know ASCII only. Bytes that are not UTF-8 are written ``\\xff``.

    Args:
        text: the text.
        backslash: how to write the backslash of ``\\xff``: `JSON_BACKSLASH` in a document of JSON.
    """
    return text if text.isascii() else SURROGATES.sub(lambda found: _decoded(found[0], backslash), text)


def _decoded(run: str, backslash: str) -> str:
    try:
        shown = run.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # surrogates that do not represent a byte
        shown = run.encode("ascii", "backslashreplace").decode("ascii")
    return shown.replace("\\", backslash)


def _readable_bytes(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    part = readable(error.object[error.start : error.end])
    return part.encode(error.encoding, "backslashreplace"), error.end


READABLE = "archcalc.readable"
"""The error handler for writing any text in any encoding: names as `readable` writes them, and escape sequences."""
codecs.register_error(READABLE, _readable_bytes)


def display_width(text: str) -> int:
    """Return the number of terminal columns that a text of printable characters occupies.

    Latin letters, punctuation and mathematical signs occupy one column each. The table of widths is loaded only if the
    text contains other characters.
    """
    if text.isascii() or all(character < "\u0300" or "\u2010" <= character <= "\u22ff" for character in text):
        return len(text)
    from wcwidth import wcswidth

    width = wcswidth(text)
    return len(text) if width < 0 else width
