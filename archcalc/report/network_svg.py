"""A diagram of a network as an SVG picture.

Colours are attributes, which every program understands; browsers replace them in dark mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from archcalc.drawing.diagram import Box
from archcalc.drawing.measure import LINE, SMALL, TEXT, TITLE_LEFT
from archcalc.drawing.places import Curve, Label, Layout, PlacedBox, Point
from archcalc.report.picture_page import COLORS, page
from archcalc.report.svg import escaped_text, label, style

ROUNDING = 7
ARROW = 7


class Caption(NamedTuple):
    """What programs that show a picture learn about a box."""

    text: str
    """What appears when the pointer is over the box."""
    node: int | None = None
    """The layer that it stands for, by its index in the graph, for the page that contains the picture."""


def by_name(box: Box) -> Caption:
    """Return the name of a box as its caption."""
    return Caption(box.name)


def draw(title: str, notes: tuple[str, ...], layout: Layout, caption: Callable[[Box], Caption] = by_name) -> str:
    """Return the picture of a network as an SVG document.

    Args:
        title: its title.
        notes: what stands below the title.
        layout: the places of its boxes, frames and edges.
        caption: gives the captions of the boxes.
    """
    kinds = {one.box.kind for one in layout.boxes}
    return page(title, notes, layout.width, layout.height, _elements(layout, caption), kinds)


def _elements(layout: Layout, caption: Callable[[Box], Caption]) -> Iterator[str]:
    """Yield everything in a picture: frames at the back, boxes above edges, and shapes in front."""
    for frame in layout.frames:
        yield (
            f'<rect {style("frame")} x="{frame.left:.1f}" y="{frame.top:.1f}" width="{frame.width:.1f}" '
            f'height="{frame.height:.1f}" rx="8"/>'
        )
        yield label(frame.left + TITLE_LEFT, frame.baseline, frame.title, "faint", size=SMALL)
    yield from map(_curve, layout.curves)
    for box in layout.boxes:
        yield from _box(box, caption(box.box))
    yield from map(_label, layout.labels)


def _label(one: Label) -> str:
    """Return a shape beside an edge, above a halo."""
    anchor = "end" if one.ends else "start"
    return "".join(label(one.x, one.baseline, one.text, kind, anchor, SMALL) for kind in ("halo", "faint"))


def _curve(curve: Curve) -> str:
    """Return an edge."""
    path = _turning(curve.points) if curve.turns else _passing(curve.points)
    drawn = f'<path {style("link")} d="{" ".join(path)}"/>'
    if not curve.ends:
        return drawn
    (before, above), (x, y) = curve.points[-2:]
    half = ARROW / 2
    if curve.turns and y == above:
        back = -ARROW if x > before else ARROW
        return f'{drawn}<path {style("head")} d="M{x:.1f},{y:.1f} l{back},{-half} v{ARROW} z"/>'
    back = -ARROW if y > above else ARROW
    return f'{drawn}<path {style("head")} d="M{x:.1f},{y:.1f} l{-half},{back} h{ARROW} z"/>'


def _passing(points: Sequence[Point]) -> Iterator[str]:
    """Yield a path that passes points vertically."""
    (x, y), *others = points
    yield f"M{x:.1f},{y:.1f}"
    for new_x, new_y in others:
        middle = (y + new_y) / 2
        bend = f"C{x:.1f},{middle:.1f} {new_x:.1f},{middle:.1f} " if abs(new_x - x) > 0.5 else "L"
        yield f"{bend}{new_x:.1f},{new_y:.1f}"
        x, y = new_x, new_y


def _turning(points: Sequence[Point]) -> Iterator[str]:
    """Yield a path of straight lines with rounded corners."""
    yield f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        (a, b), (c, d) = _towards((x, y), before), _towards((x, y), after)
        yield f"L{a:.1f},{b:.1f} Q{x:.1f},{y:.1f} {c:.1f},{d:.1f}"
    yield f"L{points[-1][0]:.1f},{points[-1][1]:.1f}"


def _towards(start: Point, end: Point) -> Point:
    """Return the point at which a rounded corner begins or ends."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])  # along one axis only
    share = min(ROUNDING / length, 0.5) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _box(placed: PlacedBox, caption: Caption) -> Iterator[str]:
    """Yield the elements of a box: its area, its lines, and a stack of areas behind it if it is repeated."""
    box, color = placed.box, COLORS[placed.box.kind]
    area = f'width="{placed.width:.1f}" height="{placed.height:.1f}" rx="5"'
    node = "" if caption.node is None else f' data-node="{caption.node}"'
    yield (
        f"<g{node}><title>{escaped_text(caption.text)}</title>"
        f'<rect {style("ground")} x="{placed.left:.1f}" y="{placed.top:.1f}" {area}/>'
        f'<rect x="{placed.left:.1f}" y="{placed.top:.1f}" {area} fill="{color}" fill-opacity="0.16" '
        f'stroke="{color}" stroke-width="1.3"/>'
    )
    x, y = placed.left + placed.width / 2, placed.top + LINE
    for index, line in enumerate((*box.lines, *box.costs)):
        shown = f"{line} ×{box.times}" if index == 0 and box.times > 1 else line
        is_cost = index >= len(box.lines)
        yield label(x, y + LINE * index, shown, "faint" if is_cost else "", "middle", SMALL if index else TEXT)
    yield "</g>"
