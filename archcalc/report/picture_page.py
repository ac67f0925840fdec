"""The page of a network's picture: title, notes, the picture itself, and the legend of its colours."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from archcalc.drawing.kinds import KINDS
from archcalc.drawing.measure import SMALL, text_width
from archcalc.report.svg import MARGIN, document, label

COLORS = {
    "input": "#8c959f",
    "weights": "#2684c8",
    "dense": "#5a5fc7",
    "norm": "#3a8f7d",
    "activation": "#c98a1b",
    "pool": "#c4473a",
    "attention": "#a050be",
    "recurrent": "#b0508a",
    "join": "#4f7a28",
    "shape": "#7a6a55",
    "source": "#6e7781",
    "group": "#59636e",
    "other": "#59636e",
}
"""The colour of every kind: of the border of its boxes, and, lightly, of their areas."""
SWATCH = 12
LEGEND = 20


def page(
    title: str, notes: tuple[str, ...], width: float, height: float, elements: Iterable[str], kinds: Collection[str]
) -> str:
    """Return a picture as an SVG document.

    Args:
        title: its title.
        notes: what stands below the title.
        width: the width of the picture in pixels.
        height: its height in pixels.
        elements: its elements, with places relative to its upper left corner.
        kinds: the kinds of layers that occur in it.
    """
    legend, legend_width = _legend(kinds)
    texts = [text_width(title, 15), *(text_width(note, 12) for note in notes)]
    content = max(width, legend_width, *texts)
    head = MARGIN + 22 + 18 * len(notes)
    bottom = head + height + MARGIN
    lines = [
        label(MARGIN, MARGIN + 8, title, "title"),
        *(label(MARGIN, MARGIN + 28 + 18 * index, note, "faint") for index, note in enumerate(notes)),
        f'<g transform="translate({MARGIN + (content - width) / 2:.1f} {head})">',
        *elements,
        "</g>",
        f'<g transform="translate({MARGIN} {bottom:.1f})">{legend}</g>',
    ]
    return document(title, round(content + 2 * MARGIN), round(bottom + LEGEND + MARGIN), lines)


def _legend(kinds: Collection[str]) -> tuple[str, float]:
    """Return the legend of the kinds that occur, in one line, and its width."""
    pieces, x = [], 0.0
    for kind, name in KINDS.items():
        if kind not in kinds:
            continue
        pieces.append(
            f'<rect x="{x:.1f}" y="0" width="{SWATCH}" height="{SWATCH}" rx="3" fill="{COLORS[kind]}" '
            f'fill-opacity="0.16" stroke="{COLORS[kind]}" stroke-width="1.3"/>'
        )
        pieces.append(label(x + SWATCH + 6, SWATCH - 2, name, "faint", size=SMALL))
        x += SWATCH + 22 + text_width(name, SMALL)
    return "".join(pieces), x
