"""SVG pictures: the document, its classes of elements, and texts.

Colours are attributes, which every program understands; browsers replace them in dark mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

MARGIN = 24
LETTER = 7.2
"""The approximate width of a character in pixels, which limits the length of texts."""
COLORS = ((38, 132, 200), (160, 80, 190), (218, 88, 20))
"""Colours that contrast with white and black."""

LIGHT = {
    "ground": 'fill="#ffffff"',
    "input": 'fill="#e9edf2" stroke="#8c959f"',
    "edge": 'fill="none" stroke="#8c959f"',
    "beyond": 'stroke="#8c959f" stroke-width="1.2"',
    "window": 'fill="none"',
    "seen": 'fill-opacity="0.22" stroke="none"',
    "cell": 'fill="#ffffff" stroke="#8c959f"',
    "padding": 'fill="#e9edf2" stroke="#8c959f" stroke-dasharray="3 3"',
    "frame": 'fill="none" stroke="#b6bec7"',
    "link": 'fill="none" stroke="#59636e" stroke-width="1.3"',
    "head": 'fill="#59636e"',
    "": 'fill="#1b1f24"',
    "title": 'fill="#1b1f24" font-size="15px" font-weight="600"',
    "faint": 'fill="#59636e" font-size="12px"',
    "halo": 'fill="none" font-size="12px" stroke="#ffffff" stroke-width="3px" stroke-linejoin="round"',
}
"""The attributes of the elements of each class, the empty one for texts: every program that draws SVG knows them."""
DARK = """
  @media (prefers-color-scheme: dark) {
    .ground { fill: #14181d } .input { fill: #2a323c; stroke: #7d8894 } .edge, .beyond { stroke: #7d8894 }
    .cell { fill: #1d232a; stroke: #7d8894 } .padding { fill: #2a323c; stroke: #7d8894 }
    .frame { stroke: #4a545f } .link { stroke: #a3acb7 } .head { fill: #a3acb7 }
    text { fill: #e6e9ed } .faint { fill: #a3acb7 } .halo { fill: none; stroke: #14181d }
  }
"""
"""The colours of the dark mode. Style sheets have priority over attributes; programs without modes ignore them."""


def document(title: str, width: int, height: int, lines: Sequence[str], *, definitions: str = "") -> str:
    """Return an SVG document.

    Args:
        title: its title.
        width: its width in pixels.
        height: its height in pixels.
        lines: its elements.
        definitions: the elements that others refer to.
    """
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" font-family="system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif" font-size="13px">',
            f"<title>{escaped_text(title)}</title>",
            f"<style>{DARK}</style>",
            f"<defs>{definitions}</defs>",
            f'<rect {style("ground")} width="{width}" height="{height}"/>',
            *lines,
            "</svg>",
            "",
        ]
    )


def style(kind: str) -> str:
    """Return the attributes of an element of a class."""
    return f'class="{kind}" {LIGHT[kind]}' if kind else LIGHT[kind]


def label(x: float, y: float, words: str, kind: str = "", anchor: str = "start", size: float | None = None) -> str:
    """Return a text at a place, in the size of its class unless another one is given."""
    place = f'x="{x:.1f}" y="{y:.1f}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    place += "" if size is None else f' style="font-size:{size:g}px"'  # has priority over the attribute of the class
    return f"<text {place} {style(kind)}>{escaped_text(words)}</text>"


def label_with_halo(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Return a label above a halo in the background colour; as a second text, because not all programs draw strokes
    first."""
    return label(x, y, words, "halo", anchor) + label(x, y, words, "faint", anchor)


def short(text: str, max_length: int) -> str:
    """Return a text of at most ``max_length`` characters: its end, because the names of layers differ at the end."""
    max_length = max(max_length, 6)
    return text if len(text) <= max_length else "…" + text[1 - max_length :]


def escaped_text(text: str) -> str:
    """Return a text escaped for XML, without the characters that XML does not allow."""
    return escape("".join(character if character.isprintable() else "�" for character in text), quote=False)
