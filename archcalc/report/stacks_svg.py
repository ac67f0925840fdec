"""Stacks of feature maps as an SVG picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from archcalc.drawing.measure import LINE, SMALL
from archcalc.drawing.stacks import SHEET, Stack, StackRow
from archcalc.report.picture_page import COLORS, page
from archcalc.report.svg import label, style


def draw(title: str, notes: tuple[str, ...], row: StackRow) -> str:
    """Return the picture of a network as an SVG document."""
    notes = (*notes, *(["the square roots of sizes are drawn"] if row.compressed else []))
    return page(title, notes, row.width, row.height, _elements(row), {stack.kind for stack in row.stacks})


def _elements(row: StackRow) -> Iterator[str]:
    """Yield everything in a picture: stacks in front of the lines between them."""
    for before, stack in pairwise(row.stacks):
        yield from _funnel(before, stack)
    for stack in row.stacks:
        yield from _stack(stack, row)


def _stack(stack: Stack, row: StackRow) -> Iterator[str]:
    """Yield the maps of a stack, the last one in front, and its texts."""
    color = COLORS[stack.kind]
    for sheet in range(stack.sheets):
        place = (
            f'x="{stack.left + SHEET * sheet:.1f}" y="{stack.top + SHEET * sheet:.1f}" '
            f'width="{stack.width:.1f}" height="{stack.height:.1f}"'
        )
        yield f"<rect {style('ground')} {place}/>"
        yield f'<rect {place} fill="{color}" fill-opacity="0.18" stroke="{color}" stroke-width="1.1"/>'
    yield label(stack.middle, stack.top - 8, stack.shape, "faint", "middle", SMALL)
    below = row.height - LINE * max(len(each.lines) for each in row.stacks) + LINE - 4
    for index, line in enumerate(stack.lines):
        yield label(stack.middle, below + LINE * index, line, "faint" if index else "", "middle", SMALL)


def _funnel(before: Stack, stack: Stack) -> Iterator[str]:
    """Yield the lines from one stack to the next."""
    offset = SHEET * (before.sheets - 1)
    start = before.left + before.width + offset
    for y, end in ((before.top + offset, stack.top), (before.top + offset + before.height, stack.top + stack.height)):
        yield f'<path {style("edge")} d="M{start:.1f},{y:.1f} L{stack.left:.1f},{end:.1f}" stroke-dasharray="2 3"/>'
