"""The layout of a U: the encoder leads down on the left, the decoder up on the right, skips lie between them.

Every level of resolution is a row. Its layers on one side are a cell, which is laid out like the content of a frame; in
the decoder it is turned upside down, so that its edges lead up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from archcalc.analysis.propagate import Analysis
from archcalc.drawing.diagram import Box, Frame
from archcalc.drawing.layout import LABEL_BELOW, PAGE
from archcalc.drawing.measure import SMALL, box_size, text_width
from archcalc.drawing.outline import Detail
from archcalc.drawing.places import Curve, Label, Layout, PlacedBox, PlacedFrame, Point
from archcalc.drawing.unet_cells import CellEdge, Cells, LevelCell, cells_of, maker, middle, readers

ROW_GAP = 32.0
"""The distance between two rows, without lanes."""
CHANNEL, WIDE_CHANNEL = 90.0, 320.0
"""The bounds of the distance between the two sides, without lanes: it is as wide as the shape of a page allows."""
LANE = 9.0
"""The distance between two edges beside each other."""
BOX_GAP = 36.0
"""The smallest distance between two boxes at the bottom of the U."""
MAX_BOTTOM = 6
"""The number of boxes up to which those at the bottom lie side by side."""


def lay_out_unet(analysis: Analysis, detail: Detail, depth: int | None = None) -> Layout:
    """Return the places of everything in the drawing of a network as a U.

    Args:
        analysis: the analysis of the network.
        detail: what is drawn of it.
        depth: as for `archcalc.drawing.outline.outline`.

    Raises:
        SpecError: its resolution does not decrease and then increase again.
    """
    return _Drawing(cells_of(analysis, detail, depth)).layout()


class _Drawing:
    """The places of cells, and the edges between them.

    Edges between neighbours on one side lead down or up; skip connections cross the channel between the sides. All
    others make a detour: along a lane in the gap between two rows, and perhaps along one in the channel.

    Args:
        found: the cells and what they hand to each other.
    """

    def __init__(self, found: Cells) -> None:
        self.cells, edges, self.skips = found
        self.lowest = max(cell.row for cell in self.cells)
        self.neighbours = [edge for edge in edges if edge.target == edge.source + 1]
        self.chain = self.bottom_chain(edges)
        self.detours = [edge for edge in edges if edge not in self.neighbours or self.leaves_below(edge)]

    def leaves_below(self, edge: CellEdge) -> bool:
        """Return whether an edge leads from the lower end of the bottom to the decoder."""
        return self.chain is None and self.cells[edge.source].side == "bottom"

    def bottom_chain(self, edges: Sequence[CellEdge]) -> list[Box] | None:
        """Return the boxes at the bottom if they lie side by side: a few, each reading only the one before it."""
        at = next(index for index, cell in enumerate(self.cells) if cell.side == "bottom")
        around = [edge for edge in edges if at in (edge.source, edge.target)]
        boxes = _chained(self.cells[at].frame)
        if boxes is None or len(boxes) > MAX_BOTTOM or len(around) != 2:
            return None
        return boxes if all(edge in self.neighbours for edge in around) else None

    @cached_property
    def offsets(self) -> dict[int, float]:
        """How far below the cell of the encoder that of the decoder begins, by row: skips are to be horizontal."""
        found: dict[int, float] = {}
        for edge in self.skips:
            source, target = self.cells[edge.source].layout, self.cells[edge.target].layout
            ends = readers(target, edge)
            found.setdefault(self.cells[edge.source].row, middle(maker(source, edge.ref)) - middle(ends[0]))
        return found

    def gaps(self, edge: CellEdge) -> tuple[int, int]:
        """Return the gaps in which a detour begins and ends: the numbers of the rows above them."""
        source, target = self.cells[edge.source], self.cells[edge.target]
        return source.row - (source.side == "right"), target.row - (target.side != "right")

    @cached_property
    def lanes(self) -> dict[tuple[int, CellEdge], int]:
        """The numbers of the lanes that detours take in gaps."""
        found: dict[tuple[int, CellEdge], int] = {}
        taken: dict[int, int] = {}
        for edge in self.detours:
            for gap in sorted({*self.gaps(edge)}):
                found[gap, edge] = taken.get(gap, 0)
                taken[gap] = found[gap, edge] + 1
        return found

    @cached_property
    def rows(self) -> list[tuple[float, float]]:
        """The upper and the lower ends of the rows."""
        found: list[tuple[float, float]] = []
        for row in range(self.lowest + 1):
            lanes = sum(gap == row - 1 for gap, _ in self.lanes)
            top = (found[-1][1] if found else -ROW_GAP) + ROW_GAP + LANE * lanes
            found.append((top, top + self.height(row)))
        return found

    def height(self, row: int) -> float:
        """Return the height of a row."""
        if row == self.lowest and self.chain is not None:
            return max(box_size(box)[1] for box in self.chain) + LABEL_BELOW + 4
        ends = [self.shift(cell) + cell.layout.height for cell in self.cells if cell.row == row]
        return max(ends, default=0.0)

    def shift(self, cell: LevelCell) -> float:
        """Return how far below the upper end of its row a cell begins."""
        offset = self.offsets.get(cell.row, 0.0)
        return max(offset, 0.0) if cell.side == "right" else max(-offset, 0.0)

    @cached_property
    def crossing(self) -> dict[CellEdge, float]:
        """The lanes in the channel: of detours between different gaps, and of skips that are not horizontal."""
        edges = [edge for edge in self.detours if len({*self.gaps(edge)}) > 1 and edge not in self.neighbours]
        edges += [edge for edge in self.skips if len({y for _, y in self.ends(edge)}) > 1]
        return {edge: self.left_end + CHANNEL / 2 + LANE * number for number, edge in enumerate(edges)}

    @cached_property
    def axis(self) -> float:
        """The horizontal position of the main edges of the encoder."""
        first = [box_size(self.chain[0])[0] / 2] if self.chain else []
        return max([*first, *(cell.anchor for cell in self.cells if self.is_at_left(cell))])

    @cached_property
    def left_end(self) -> float:
        """The right end of the encoder, with the bottom unless its boxes lie side by side."""
        ends = [cell.layout.width - cell.anchor for cell in self.cells if self.is_at_left(cell)]
        return self.axis + max(ends, default=0.0)

    @cached_property
    def right_axis(self) -> float:
        """The horizontal position of the main edges of the decoder."""
        cells = [cell for cell in self.cells if cell.side == "right"]
        left = max(cell.anchor for cell in cells)
        sides = self.left_end + left + max(cell.layout.width - cell.anchor for cell in cells)
        channel = min(max(self.rows[-1][1] / PAGE - sides, CHANNEL), WIDE_CHANNEL) + LANE * len(self.crossing)
        found = self.left_end + channel + left
        return max(found, self.axis + self.chain_width + BOX_GAP * self.chain_gaps)

    @property
    def chain_width(self) -> float:
        """The width of the boxes at the bottom from the main edges of the encoder on, without the gaps around them."""
        widths = [box_size(box)[0] for box in self.chain or ()]
        return sum(widths) - (widths[0] / 2 if len(widths) > 1 else 0.0)

    @property
    def chain_gaps(self) -> int:
        """The number of gaps around the boxes at the bottom: a single one lies between the sides, others below them."""
        boxes = len(self.chain or ())
        return 2 if boxes == 1 else boxes

    def is_at_left(self, cell: LevelCell) -> bool:
        """Return whether a cell is below the others of the encoder."""
        return cell.side == "left" or (cell.side == "bottom" and self.chain is None)

    def y(self, cell: LevelCell) -> float:
        """Return the upper end of a cell."""
        return self.rows[cell.row][0] + self.shift(cell)

    def placed(self, cell: LevelCell) -> Layout:
        """Return the layout of a cell at its place."""
        axis = self.right_axis if cell.side == "right" else self.axis
        return cell.layout.moved(axis - cell.anchor, self.y(cell))

    def ends(self, edge: CellEdge) -> list[tuple[int, float]]:
        """Return the heights at which a skip connection begins and ends, relative to the row."""
        source, target = self.cells[edge.source], self.cells[edge.target]
        boxes = [(0, source, maker(source.layout, edge.ref))]
        boxes += [(1, target, one) for one in readers(target.layout, edge)]
        return [(at, round(self.shift(cell) + middle(box), 2)) for at, cell, box in boxes]

    def layout(self) -> Layout:
        """Return the places of everything, from the upper left corner of the drawing on."""
        pieces = [self.placed(cell) for cell in self.cells if cell.side != "bottom" or self.chain is None]
        pieces += [] if self.chain is None else [self.side_by_side(self.chain)]
        curves = [self.direct(edge) for edge in self.neighbours if edge not in self.detours]
        curves += [curve for edge in self.skips for curve in self.skip(edge)]
        curves += [self.detour(edge) for edge in self.detours]
        found = Layout(
            width=0.0,
            height=0.0,
            anchor=0.0,
            boxes=tuple([box for one in pieces for box in one.boxes]),
            frames=tuple([frame for one in pieces for frame in one.frames]),
            curves=(*curves, *(curve for one in pieces for curve in one.curves)),
            labels=tuple([label for one in pieces for label in one.labels]),
        )
        return _cropped(found)

    def side_by_side(self, boxes: Sequence[Box]) -> Layout:
        """Return the places of the boxes at the bottom, and of the edges between them."""
        top = self.rows[self.lowest][0]
        height = max(box_size(box)[1] for box in boxes)
        gap = (self.right_axis - self.axis - self.chain_width) / self.chain_gaps
        x = self.axis + (gap if len(boxes) == 1 else -box_size(boxes[0])[0] / 2)
        placed: list[PlacedBox] = []
        curves, labels = [], []
        for box in boxes:
            width, own = box_size(box)
            if placed:
                x = placed[-1].left + placed[-1].width + gap
                points = ((x - gap, top + height / 2), (x, top + height / 2))
                curves.append(Curve(points, ends=True, turns=True))
            placed.append(PlacedBox(box, x, top + (height - own) / 2, width, own))
            if box.changes_shape:
                start = x + (width - text_width(box.shape, SMALL)) / 2
                labels.append(Label(box.shape, start, top + (height + own) / 2 + LABEL_BELOW, ends=False))
        return Layout(0.0, 0.0, 0.0, boxes=tuple(placed), curves=tuple(curves), labels=tuple(labels))

    def exit(self, edge: CellEdge) -> Point:
        """Return where an edge leaves a cell."""
        cell = self.cells[edge.source]
        axis = self.right_axis if cell.side == "right" else self.axis
        x = axis - cell.anchor + cell.layout.exits[cell.frame.exits.index(edge.ref)]
        return x, self.y(cell) + (0.0 if cell.side == "right" else cell.layout.height)

    def entry(self, edge: CellEdge) -> Point:
        """Return where an edge enters a cell."""
        cell = self.cells[edge.target]
        axis = self.right_axis if cell.side == "right" else self.axis
        x = axis - cell.anchor + cell.layout.entries[cell.frame.entries.index(edge.ref)]
        return x, self.y(cell) + (cell.layout.height if cell.side == "right" else 0.0)

    def direct(self, edge: CellEdge) -> Curve:
        """Return an edge between neighbours."""
        source, target = self.cells[edge.source], self.cells[edge.target]
        if source.side == "bottom":  # from the last of the boxes side by side
            x, y = self.entry(edge)
            last = self.side_by_side(self.chain or ()).boxes[-1]
            return Curve(((last.left + last.width, middle(last)), (x, middle(last)), (x, y)), ends=False, turns=True)
        start = self.exit(edge)
        if target.side == "bottom" and self.chain is not None:
            first = self.side_by_side(self.chain).boxes[0]
            if len(self.chain) == 1:
                (x, y), turn, end = start, self.rows[source.row][1] + ROW_GAP / 2, middle(first)
                bends = ((x, turn), (self.axis, turn)) if x != self.axis else ()
                points = ((x, y), *bends, (self.axis, end), (first.left, end))
                return Curve(points, ends=True, turns=True)
            return Curve(_passing(start, self.rows[source.row][1], (self.axis, first.top)), ends=True)
        if source.side == "right":
            return Curve(_passing(start, self.rows[source.row][0], self.entry(edge)), ends=False)
        return Curve(_passing(start, self.rows[source.row][1], self.entry(edge)), ends=False)

    def skip(self, edge: CellEdge) -> Iterator[Curve]:
        """Yield the lines of a skip connection, one for each box that reads it."""
        source, target = self.placed(self.cells[edge.source]), self.placed(self.cells[edge.target])
        start = maker(source, edge.ref)
        x, y = start.left + start.width, middle(start)
        for end in readers(target, edge):
            bend = self.crossing.get(edge, x)
            level = abs(middle(end) - y) < 0.1
            bends = () if level else ((bend, y), (bend, middle(end)))
            yield Curve(((x, y), *bends, (end.left, y if level else middle(end))), ends=True, turns=True)

    def detour(self, edge: CellEdge) -> Curve:
        """Return an edge along lanes."""
        (x, y), (end, last) = self.exit(edge), self.entry(edge)
        first, second = (self.lane(gap, edge) for gap in self.gaps(edge))
        if edge in self.neighbours:  # from below the bottom up to the decoder
            return Curve(((x, y), (x, first), (end, first), (end, last)), ends=False, turns=True)
        bend = self.crossing.get(edge)
        bends = () if bend is None else ((bend, first), (bend, second))
        return Curve(((x, y), (x, first), *bends, (end, second), (end, last)), ends=False, turns=True)

    def lane(self, gap: int, edge: CellEdge) -> float:
        """Return the vertical position of a lane in a gap."""
        start = self.rows[gap][1] if gap >= 0 else self.rows[0][0] - ROW_GAP - LANE * len(self.lanes)
        return start + ROW_GAP / 2 + LANE * self.lanes[gap, edge]


def _passing(start: Point, turn: float, end: Point) -> tuple[Point, ...]:
    """Return the points of an edge that leaves its row before it bends."""
    return tuple(dict.fromkeys((start, (start[0], turn), end)))


def _chained(frame: Frame) -> list[Box] | None:
    """Return the boxes of a frame if each reads only the one before it, and only the last one is read from outside."""
    if not frame.is_chain or {*frame.exit_parts} - {len(frame.parts) - 1}:
        return None
    found: list[Box] = []
    for part in frame.parts:
        inside = [part] if isinstance(part, Box) else _chained(part) if part.times == 1 else None
        if inside is None:
            return None
        found += inside
    return found


def _cropped(layout: Layout) -> Layout:
    """Return a layout that begins in the upper left corner, with its size."""
    points = [point for curve in layout.curves for point in curve.points]
    for label in layout.labels:
        width = text_width(label.text, SMALL)
        points += [(label.x, label.baseline), (label.x + (-width if label.ends else width), label.baseline - SMALL)]
    areas: list[PlacedBox | PlacedFrame] = [*layout.boxes, *layout.frames]
    for one in areas:
        points += [(one.left, one.top), (one.left + one.width, one.top + one.height)]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    right, bottom = max(x for x, _ in points), max(y for _, y in points)
    return replace(layout.moved(-left, -top), width=right - left, height=bottom - top)
