"""Stacks of feature maps as an SVG picture."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.drawing.measure import SMALL, text_width
from archcalc.drawing.stacks import LINE, SHEET, Row, Stack
from archcalc.report.network_svg import COLORS, legend, sized
from archcalc.report.svg import MARGIN, document, label, style


def draw(title: str, notes: tuple[str, ...], row: Row) -> str:
    """Return the picture of a network as an SVG document."""
    notes = (*notes, *(["the square roots of sizes are drawn"] if row.compressed else []))
    head = MARGIN + 22 + 18 * len(notes)
    key, key_width = legend([stack.kind for stack in row.stacks])
    width = max(row.width, key_width, text_width(title, 15), *(text_width(note, 12) for note in notes)) + 2 * MARGIN
    lines = [label(MARGIN, MARGIN + 8, title, "title")]
    lines += [label(MARGIN, MARGIN + 28 + 18 * index, note, "faint") for index, note in enumerate(notes)]
    lines.append(f'<g transform="translate({MARGIN} {head})">')
    for before, stack in zip(row.stacks, row.stacks[1:], strict=False):
        lines += _funnel(before, stack)
    for stack in row.stacks:
        lines += _stack(stack, row)
    lines.append("</g>")
    bottom = head + row.height + MARGIN
    lines.append(f'<g transform="translate({MARGIN} {bottom:.1f})">{key}</g>')
    return document(title, round(width), round(bottom + 20 + MARGIN), lines)


def _stack(stack: Stack, row: Row) -> Iterator[str]:
    """Yield the maps of a stack, the last one in front, and its texts."""
    color = COLORS[stack.kind]
    for sheet in range(stack.sheets):
        place = (
            f'x="{stack.left + SHEET * sheet:.1f}" y="{stack.top + SHEET * sheet:.1f}" '
            f'width="{stack.width:.1f}" height="{stack.height:.1f}"'
        )
        yield f"<rect {style('ground')} {place}/>"
        yield f'<rect {place} fill="{color}" fill-opacity="0.18" stroke="{color}" stroke-width="1.1"/>'
    yield sized(stack.middle, stack.top - 8, stack.shape, SMALL, "faint", "middle")
    below = row.height - LINE * max(len(each.lines) for each in row.stacks) + LINE - 4
    for index, line in enumerate(stack.lines):
        yield sized(stack.middle, below + LINE * index, line, SMALL, "faint" if index else "", "middle")


def _funnel(before: Stack, stack: Stack) -> Iterator[str]:
    """Yield the lines from one stack to the next."""
    start = before.left + before.width + SHEET * (before.sheets - 1)
    offset = SHEET * (before.sheets - 1)
    for y, end in ((before.top + offset, stack.top), (before.top + offset + before.height, stack.top + stack.height)):
        yield f'<path {style("edge")} d="M{start:.1f},{y:.1f} L{stack.left:.1f},{end:.1f}" stroke-dasharray="2 3"/>'
