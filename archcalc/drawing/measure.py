"""The sizes of texts and boxes, in pixels."""

from __future__ import annotations

from archcalc.drawing.diagram import Box
from archcalc.terminal import display_width

TEXT = 13.0
"""The size of the letters of a box's first line."""
SMALL = 11.5
"""The size of all other letters."""
LINE = 16.0
"""The height of a line of text."""
BOX_PADDING = 9.0
TITLE_LEFT = 8.0
"""How far inside a frame its title begins."""
TITLE_HEIGHT = 20.0
"""The height of a frame's title."""
TITLE_BASELINE = 15.0
"""How far below the top of a frame the base line of its title is."""
NARROW = frozenset("iIjl|.,:;'!()[]frt ·-/1")
WIDE = frozenset("mwMW@%→…×—")


def text_width(text: str, size: float) -> float:
    """Return the width of a text in a sans-serif font, rounded up: no common font is wider."""
    widths = (0.46 if each in NARROW else 1.0 if each in WIDE else 0.66 * max(display_width(each), 1) for each in text)
    return size * sum(widths)


def box_size(box: Box) -> tuple[float, float]:
    """Return the width and the height of a box."""
    first, *others = box.lines
    badge = text_width(f" ×{box.times}", TEXT) if box.times > 1 else 0.0
    widths = [text_width(first, TEXT) + badge, *(text_width(line, SMALL) for line in (*others, *box.costs))]
    height = LINE * (len(box.lines) + len(box.costs)) + 8
    return max(max(widths) + 2 * BOX_PADDING, 56.0), height
