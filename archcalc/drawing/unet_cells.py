"""The cells of a U, one for each level of resolution on each side, and the tensors that they hand to each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.drawing.diagram import OUTSIDE, Box, Frame, Part
from archcalc.drawing.layout import lay_out_piece
from archcalc.drawing.levels import levels
from archcalc.drawing.outline import Detail, drawn_nodes, outlines
from archcalc.drawing.places import Layout, PlacedBox
from archcalc.graph import Ref

MAX_BOXES = 50
"""The number of boxes up to which a network is drawn in detail unless a depth is given."""

Side: TypeAlias = Literal["left", "right", "bottom"]


@dataclass(frozen=True)
class LevelCell:
    """The layers of one level on one side."""

    side: Side
    row: int
    frame: Frame

    @cached_property
    def layout(self) -> Layout:
        """The places of its layers, relative to its upper left corner."""
        found = lay_out_piece(self.frame)
        return found.upside_down() if self.side == "right" else found

    @property
    def anchor(self) -> float:
        """The horizontal position of its first edge, or of its first box if no edge enters it."""
        first = self.layout.boxes[0]
        return self.layout.anchor if self.layout.entries else first.left + first.width / 2


@dataclass(frozen=True)
class CellEdge:
    """A tensor that one cell hands to another."""

    source: int
    target: int
    ref: Ref
    readers: frozenset[int]
    """The nodes of the target that read it."""


class Cells(NamedTuple):
    """The cells of a network, from its input to its output."""

    cells: Sequence[LevelCell]
    edges: Sequence[CellEdge]
    """The tensors that they hand to each other, without skip connections."""
    skips: Sequence[CellEdge]
    """The skip connections, lines between boxes: the cells have no entries and exits for them."""


def cells_of(analysis: Analysis, detail: Detail, depth: int | None = None) -> Cells:
    """Return the cells of a network.

    Args:
        analysis: the analysis of the network.
        detail: what is drawn of it.
        depth: the depth below which stages and blocks are one box; by default, the largest one that makes at most
            `MAX_BOXES` boxes.

    Raises:
        SpecError: its resolution does not decrease and then increase again.
    """
    found = levels(analysis.graph, drawn_nodes(analysis, detail), analysis.graph.name)
    last = len(found.left)
    keys: list[tuple[Side, int, tuple[int, ...]]] = [("left", row, nodes) for row, nodes in enumerate(found.left)]
    keys.append(("bottom", last, found.bottom))
    keys += [("right", row, found.right[row]) for row in reversed(range(last))]
    keys = [key for key in keys if key[2]]
    frames = outlines(analysis, detail, [nodes for _, _, nodes in keys], depth, max_boxes=MAX_BOXES)
    cells = [LevelCell(side, row, frame) for (side, row, _), frame in zip(keys, frames, strict=True)]
    makers = {index: at for at, cell in enumerate(cells) for index in cell.frame.members}
    edges = [
        CellEdge(makers[ref.node], at, ref, _reading(analysis, cell.frame.members, ref))
        for at, cell in enumerate(cells)
        for ref in cell.frame.entries
    ]
    skips = {edge for edge in edges if _is_skip(cells, edge)}
    while True:
        drawn = _detached(cells, edges, skips)
        blocked = {edge for edge in skips if _is_blocked(drawn[edge.source], drawn[edge.target], edge)}
        if not blocked:
            own = [edge for edge in edges if edge not in skips]
            return Cells(drawn, own, [edge for edge in edges if edge in skips])
        skips -= blocked


def _reading(analysis: Analysis, nodes: Collection[int], ref: Ref) -> frozenset[int]:
    """Return which of some nodes read a tensor."""
    return frozenset([index for index in nodes if ref in analysis.graph.nodes[index].inputs])


def _is_skip(cells: Sequence[LevelCell], edge: CellEdge) -> bool:
    """Return whether an edge can be a line from a box of the encoder to boxes of the decoder in the same row."""
    source, target = cells[edge.source], cells[edge.target]
    if (source.side, target.side) != ("left", "right") or source.row != target.row:
        return False
    return _once(source.frame, edge.ref, made=True) and _once(target.frame, edge.ref, made=False)


def _once(part: Part, ref: Ref, *, made: bool) -> bool:
    """Return whether the boxes that make or read a tensor are outside of repeated frames."""
    if isinstance(part, Box):
        return True
    inside = [each for each in part.parts if ref in (each.exits if made else each.entries)]
    return part.times == 1 and bool(inside) and all(_once(each, ref, made=made) for each in inside)


def _detached(cells: Sequence[LevelCell], edges: Sequence[CellEdge], skips: Collection[CellEdge]) -> list[LevelCell]:
    """Return cells whose content is laid out without the skip connections, which are drawn between them."""
    others = {(edge.source, edge.ref) for edge in edges if edge not in skips}
    found = []
    for at, cell in enumerate(cells):
        entries = {edge.ref for edge in skips if edge.target == at}
        exits = {edge.ref for edge in skips if edge.source == at and (at, edge.ref) not in others}
        frame = _without(cell.frame, entries, exits)
        assert isinstance(frame, Frame)
        found.append(replace(cell, frame=frame))
    return found


def _without(part: Part, entries: Collection[Ref], exits: Collection[Ref]) -> Part:
    """Return a part without some of the tensors that it reads from outside, and hands to outside."""
    kept = replace(
        part,
        entries=tuple([ref for ref in part.entries if ref not in entries]),
        exits=tuple([ref for ref in part.exits if ref not in exits]),
    )
    if isinstance(kept, Box) or isinstance(part, Box) or kept == part:
        return kept
    read_inside = {link.ref for link in part.links if OUTSIDE not in (link.source, link.target)}
    links = [
        link
        for link in part.links
        if not (link.source == OUTSIDE and link.ref in entries) and not (link.target == OUTSIDE and link.ref in exits)
    ]
    parts = [_without(each, entries, {*exits} - read_inside) for each in part.parts]
    return replace(kept, parts=tuple(parts), links=tuple(links))


def _is_blocked(source: LevelCell, target: LevelCell, edge: CellEdge) -> bool:
    """Return whether a box lies in the way of a skip connection."""
    start = maker(source.layout, edge.ref)
    ways = [(one, start) for one in source.layout.boxes if one.left > start.left]
    for end in readers(target.layout, edge):
        ways += [(one, end) for one in target.layout.boxes if one.left < end.left]
    return any(one.top < middle(end) < one.top + one.height for one, end in ways)


def middle(box: PlacedBox) -> float:
    """Return the vertical position of the middle of a box."""
    return box.top + box.height / 2


def maker(layout: Layout, ref: Ref) -> PlacedBox:
    """Return the box that makes a tensor."""
    return next(one for one in layout.boxes if ref.node in one.box.members)


def readers(layout: Layout, edge: CellEdge) -> list[PlacedBox]:
    """Return the boxes that read the tensor of an edge."""
    return [one for one in layout.boxes if one.box.members & edge.readers]
