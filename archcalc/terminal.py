"""The width of texts on a terminal."""

from __future__ import annotations


def display_width(text: str) -> int:
    """Return how many columns of a terminal a text of printable characters takes.

    Letters of the Latin alphabet, punctuation and the signs of formulas take one column each; only where there are
    others is the table of widths loaded.
    """
    if text.isascii() or all(character < "\u0300" or "\u2010" <= character <= "\u22ff" for character in text):
        return len(text)
    from wcwidth import wcswidth

    width = wcswidth(text)
    return len(text) if width < 0 else width
