"""The display width of text on a terminal."""

from __future__ import annotations


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
