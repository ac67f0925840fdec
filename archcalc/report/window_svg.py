"""The window of one output of a convolution or a pooling as an SVG picture.

For every channel, the input lies on the left with the window in colour, then the weights and the products; the output
is on the right, with its number in colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Literal, TypeAlias

from archcalc.report.svg import COLORS, LETTER, MARGIN, document, label, style
from archcalc.terminal import display_width

Mark: TypeAlias = Literal["padding", "window", "weight", "product", "chosen", "output"]

CELL = 34
"""The height of a cell, and its least width, in pixels."""
GAP = 44
"""The distance between panels, in which the sign between them stands."""
HEADING = 22
MIN_WIDTH = 420
_BLUE, _PURPLE, _ORANGE = ("#{:02x}{:02x}{:02x}".format(*color) for color in COLORS)
COLOR_OF: dict[Mark, str] = {
    "window": _ORANGE,
    "chosen": _ORANGE,
    "weight": _BLUE,
    "product": _PURPLE,
    "output": _PURPLE,
}
WEAK, STRONG = 0.22, 0.5
"""The opacity of the colour on marked cells, and on the one that was chosen or computed."""


@dataclass(frozen=True)
class Panel:
    """A matrix with marked cells."""

    title: str
    rows: Sequence[Sequence[str]]
    marks: dict[tuple[int, int], tuple[Mark, ...]] = field(default_factory=dict)

    @property
    def cell(self) -> float:
        """The width of a cell."""
        longest = max(display_width(text) for row in self.rows for text in row)
        return max(CELL, longest * LETTER * 1.15 + 10)

    @property
    def width(self) -> float:
        return max(self.cell * len(self.rows[0]), display_width(self.title) * LETTER)

    @property
    def height(self) -> float:
        return HEADING + CELL * len(self.rows)


@dataclass(frozen=True)
class WindowPicture:
    """The content of a picture."""

    title: str
    network: str
    lines: Sequence[Sequence[Panel]]
    """For every channel, the panels from left to right."""
    signs: Sequence[str]
    """The signs between the panels of a line."""
    output: Panel
    equations: Sequence[str]


def draw(picture: WindowPicture) -> str:
    """Return the picture as an SVG document."""
    columns = [max(panels[i].width for panels in picture.lines) for i in range(len(picture.lines[0]))]
    lefts, x = [], float(MARGIN)
    for width in columns:
        lefts.append(x)
        x += width + GAP
    total = max(x + picture.output.width + MARGIN, MIN_WIDTH)
    lines = [label(MARGIN, MARGIN + 12, picture.title, "title"), label(MARGIN, MARGIN + 32, picture.network, "faint")]
    y = top = MARGIN + 52.0
    for panels in picture.lines:
        for number, (panel, left) in enumerate(zip(panels, lefts, strict=True)):
            lines += _panel(panel, left, y)
            if number:
                lines.append(_sign(picture.signs[number - 1], left - GAP / 2, y, panel))
        y += max(panel.height for panel in panels) + 16
    lines += [*_panel(picture.output, x, top), _sign("→", x - GAP / 2, top, picture.output)]
    y = max(y, top + picture.output.height + 16)
    room = int((total - 2 * MARGIN) / LETTER)
    for equation in picture.equations:
        for part in wrap(equation, room, subsequent_indent="    ", break_long_words=False):
            y += 18
            lines.append(label(MARGIN, y, part))
    return document(picture.title, round(total), round(y + MARGIN), lines)


def _sign(sign: str, x: float, y: float, panel: Panel) -> str:
    return label(x, y + HEADING + (panel.height - HEADING) / 2 + 5, sign, "title", anchor="middle")


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    """Return the elements of a matrix: its cells, then the marks on them, then the numbers."""
    cells, marks, numbers = list[str](), list[str](), list[str]()
    for y, row in enumerate(panel.rows):
        for x, words in enumerate(row):
            found = panel.marks.get((y, x), ())
            place = f'x="{left + x * panel.cell:.1f}" y="{top + HEADING + y * CELL:.1f}"'
            box = f'{place} width="{panel.cell:.1f}" height="{CELL}"'
            cells.append(f"<rect {style('padding' if 'padding' in found else 'cell')} {box}/>")
            for mark in found:
                if (color := COLOR_OF.get(mark)) is not None:
                    opacity = STRONG if mark in ("chosen", "output") else WEAK
                    paint = f'fill="{color}" fill-opacity="{opacity}" stroke="{color}" stroke-width="2"'
                    marks.append(f"<rect {paint} {box}/>")
            middle = left + (x + 0.5) * panel.cell
            numbers.append(label(middle, top + HEADING + y * CELL + 22, words, anchor="middle"))
    return [label(left, top + 13, panel.title, "faint"), *cells, *marks, *numbers]
