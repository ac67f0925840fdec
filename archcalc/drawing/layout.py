"""From the parts of a diagram to places: every frame is laid out on its own, from the inside out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import sqrt

from archcalc.drawing.diagram import OUTSIDE, Box, Frame, Link, Part
from archcalc.drawing.layered import BoxSize, Edge, LayeredDrawing, Path, layered_drawing
from archcalc.drawing.measure import SMALL, TITLE_HEIGHT, box_size, text_width
from archcalc.drawing.places import Curve, Label, Layout, PlacedBox, PlacedFrame, Point

GAP = 16.0
"""The smallest distance between two parts in a row."""
ROW_GAP = 20.0
"""The smallest distance between two rows."""
BORDER_GAP = 10.0
"""The smallest distance between the border of a frame and the first or last row."""
LABELLED_GAP = 32.0
"""The smallest distance between two rows with a shape between them."""
LABEL_BELOW = 14.0
"""How far below a box the base line of its shape is."""
LABEL_BESIDE = 7.0
"""How far beside an edge a shape is."""
STEEPEST = 6.0
"""How far an edge may go to the side per pixel down."""
MAX_ROW_GAP = 64.0
PADDING = 12.0
"""The distance of a frame's border from its content."""
CORNER = 9.0
"""How close to the corner of a box an edge may end."""
GUTTER = 44.0
"""The distance between two columns."""
TURN = 12.0
"""The distance from a box at which an edge to the next column turns."""
PAGE = 1.35
"""The height of a page, relative to its width."""
MAX_COLUMN = 1000.0
"""The height up to which a drawing has one column."""


def lay_out(diagram: Frame) -> Layout:
    """Return the places of everything in a diagram, in columns if it is much higher than a page is."""
    level = _Level(diagram)
    return level.layout(_columns(level))


def lay_out_piece(piece: Frame) -> Layout:
    """Return the places of everything in a piece of a diagram, in one column and without a border."""
    return _Level(piece).layout()


def _inside(part: Part) -> Layout:
    """Return the layout of a part."""
    if isinstance(part, Frame):
        return _framed(part, _Level(part).layout())
    width, height = box_size(part)
    label = text_width(part.shape, SMALL) + LABEL_BESIDE + 3 if part.changes_shape else 0.0
    half = max(width / 2, label)
    return Layout(
        width=2 * half,
        height=height,
        anchor=half,
        entries=(half,) * len(part.entries),
        exits=(half,) * len(part.exits),
        boxes=(PlacedBox(part, half - width / 2, 0, width, height),),
    )


def _framed(frame: Frame, inside: Layout) -> Layout:
    """Return the layout of a frame: its content, its border and its title, which is left of the first edge."""
    title = f"{frame.name} ×{frame.times}".strip() if frame.times > 1 else frame.name
    left = max(PADDING, text_width(title, SMALL) + 2 * CORNER - inside.anchor)
    top = TITLE_HEIGHT if title else PADDING / 2
    width, height = left + inside.width + PADDING, top + inside.height + PADDING / 2
    moved = inside.moved(left, top)
    above = [Curve(((x + left, 0), (x + left, top)), ends=False) for x in inside.entries]
    below = [Curve(((x + left, top + inside.height), (x + left, height)), ends=False) for x in inside.exits]
    return replace(
        moved,
        width=width,
        height=height,
        anchor=inside.anchor + left,
        entries=tuple(x + left for x in inside.entries),
        exits=tuple(x + left for x in inside.exits),
        frames=(PlacedFrame(title, 0, 0, width, height), *moved.frames),
        curves=(*above, *moved.curves, *below),
    )


@dataclass(frozen=True)
class _Level:
    """The layout of the content of one frame: its entries, its parts and its exits are the vertices of a graph."""

    frame: Frame

    @cached_property
    def parts(self) -> tuple[Layout, ...]:
        """The layouts of the parts."""
        return tuple([_inside(part) for part in self.frame.parts])

    @property
    def first(self) -> int:
        """The number of entries: the vertex of the first part."""
        return len(self.frame.entries)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """The edges, one for every link."""
        frame, found = self.frame, []
        for link in frame.links:
            source = frame.entries.index(link.ref) if link.source == OUTSIDE else self.first + link.source
            end = self.first + len(frame.parts)
            target = end + frame.inner_exits.index(link.ref) if link.target == OUTSIDE else self.first + link.target
            found.append(Edge(source, target))
        return tuple(found)

    @cached_property
    def places(self) -> LayeredDrawing:
        """The ranks and the horizontal positions of the vertices."""
        lane, last = BoxSize(GAP / 2, GAP / 2), len(self.frame.inner_exits)
        sizes = (
            [lane] * self.first + [BoxSize(one.anchor, one.width - one.anchor) for one in self.parts] + [lane] * last
        )
        return layered_drawing(sizes, self.edges, first=self.first, last=last, gap=GAP)

    @cached_property
    def ranks(self) -> tuple[int, ...]:
        """The ranks of the parts."""
        return self.places.ranks[self.first : self.first + len(self.parts)]

    @cached_property
    def heights(self) -> tuple[float, ...]:
        """The heights of the rows."""
        found = [0.0] * self.places.rows
        for rank, one in zip(self.ranks, self.parts, strict=True):
            found[rank] = max(found[rank], one.height)
        return tuple(found)

    @cached_property
    def gaps(self) -> tuple[float, ...]:
        """The distances below the rows, as large as shapes and edges need; the last row needs room for shapes only."""
        places, last = self.places, self.places.rows - 1
        found = [ROW_GAP] * places.rows
        if self.first:
            found[0] = BORDER_GAP
        if self.frame.inner_exits:
            found[last - 1] = BORDER_GAP
        for path in places.paths:
            for (rank, x), (_, other) in pairwise(path):
                found[rank] = max(found[rank], min(abs(x - other) / STEEPEST + BORDER_GAP, MAX_ROW_GAP))
        found[last] = 0.0
        for rank, part in zip(self.ranks, self.frame.parts, strict=True):
            if isinstance(part, Box) and part.changes_shape:
                found[rank] = max(found[rank], LABELLED_GAP if rank != last else LABEL_BELOW + 4)
        return tuple(found)

    @cached_property
    def tops(self) -> tuple[float, ...]:
        """The upper ends of the rows."""
        steps = (height + gap for height, gap in zip(self.heights, self.gaps, strict=True))
        return tuple(accumulate(steps, initial=0.0))[: self.places.rows]

    def layout(self, cuts: Sequence[int] = ()) -> Layout:
        """Return the places of everything, with a new column below each of some rows."""
        columns = self.columns(cuts)
        column_of = [column for column in columns for _ in column.rows]
        placed = [
            one.moved(*_sum(self.corner(index), column_of[self.ranks[index]].move))
            for index, one in enumerate(self.parts)
        ]
        links = zip(self.frame.links, self.places.paths, strict=True)
        curves = [self.curve(link, path, column_of[path[0][0]], column_of[path[-1][0]]) for link, path in links]
        labels = [label for index, rank in enumerate(self.ranks) for label in self.label(index, column_of[rank].move)]
        x = self.places.x
        entries, exits = x[: self.first], x[self.first + len(self.parts) :]
        return Layout(
            width=max((column.right for column in columns), default=0.0),
            height=max((column.height for column in columns), default=0.0),
            anchor=(*entries, *exits, *x, 0.0)[0],
            entries=entries,
            exits=exits,
            boxes=tuple([box for one in placed for box in one.boxes]),
            frames=tuple([frame for one in placed for frame in one.frames]),
            curves=(*curves, *(curve for one in placed for curve in one.curves)),
            labels=(*labels, *(label for one in placed for label in one.labels)),
        )

    def columns(self, cuts: Sequence[int]) -> list[_Column]:
        """Return the columns, given the last rows of all but the last one."""
        found: list[_Column] = []
        for start, end in pairwise([0, *(cut + 1 for cut in cuts), self.places.rows]):
            if start == end:
                continue
            left = min(self.places.extents[rank][0] for rank in range(start, end))
            right = max(self.places.extents[rank][1] for rank in range(start, end))
            turn = TURN if cuts else 0.0
            move = (found[-1].right + GUTTER - left if found else -left, turn - self.tops[start])
            height = turn + self.tops[end - 1] + self.heights[end - 1] + self.gaps[end - 1] - self.tops[start]
            found.append(_Column(range(start, end), move, left + move[0], right + move[0], height))
        return found

    def corner(self, part: int) -> Point:
        """Return the upper left corner of a part; the parts of a row have their middle at the same height."""
        rank, one = self.ranks[part], self.parts[part]
        x = self.places.x[self.first + part] - one.anchor
        return x, self.tops[rank] + (self.heights[rank] - one.height) / 2

    def curve(self, link: Link, path: Path, column: _Column, other: _Column) -> Curve:
        """Return the curve of a link: it crosses every row vertically, and turns on its way to another column."""
        (source, x), *bends, (target, end) = path
        points = [(x, self.tops[source])]
        if link.source != OUTSIDE:
            one, corner = self.parts[link.source], self.corner(link.source)
            x = corner[0] + one.exits[self.frame.parts[link.source].exits.index(link.ref)]
            points = [(x, corner[1] + one.height)]
        points.append((x, self.tops[source] + self.heights[source]))
        for rank, bend in bends:
            points += [(bend, self.tops[rank]), (bend, self.tops[rank] + self.heights[rank])]
            x = bend
        ends = False
        last = (end, self.tops[target])
        if link.target != OUTSIDE:
            part, one, corner = self.frame.parts[link.target], self.parts[link.target], self.corner(link.target)
            end = corner[0] + one.entries[part.entries.index(link.ref)]
            if isinstance(part, Box):
                ends, half = True, one.boxes[0].width / 2 - CORNER
                end = min(max(x, end - half), end + half)
            last = (end, corner[1])
        points += [(end, self.tops[target]), last]
        if column is other:
            return Curve(tuple(dict.fromkeys(_sum(point, column.move) for point in points)), ends=ends)
        (x, y), (end, top) = _sum(points[0], column.move), _sum(last, other.move)
        gutter = other.left - GUTTER / 2
        turn = y + max(TURN, self.gaps[source])
        corners = ((x, y), (x, turn), (gutter, turn), (gutter, top - TURN), (end, top - TURN), (end, top))
        return Curve(corners, ends=ends, turns=True)

    def label(self, index: int, move: Point) -> Iterator[Label]:
        """Yield the shape below a box, on the side to which no edge goes."""
        part = self.frame.parts[index]
        if not (isinstance(part, Box) and part.changes_shape):
            return
        own = self.first + index
        ways = [path[1][1] - path[0][1] for path in self.leaving(own)]
        goes_right = max(ways, default=0.0) > 1 and min(ways) > -1
        x, y = self.places.x[own] + move[0], self.corner(index)[1] + self.parts[index].height + LABEL_BELOW + move[1]
        yield Label(part.shape, x - LABEL_BESIDE if goes_right else x + LABEL_BESIDE, y, ends=goes_right)

    def leaving(self, vertex: int) -> Iterator[Path]:
        """Yield the paths of the edges that leave a vertex."""
        return (path for edge, path in zip(self.edges, self.places.paths, strict=True) if edge.source == vertex)


@dataclass(frozen=True)
class _Column:
    """A column of a page: some rows, and how far they are moved."""

    rows: range
    move: Point
    left: float
    right: float
    height: float


def _sum(one: Point, other: Point) -> Point:
    return one[0] + other[0], one[1] + other[1]


def _columns(level: _Level) -> list[int]:
    """Return the rows below which a new column starts, so that the drawing is not much higher than a page.

    A column can only start between two parts that are alone in their rows, with one edge between them.
    """
    rows = level.places.rows
    height = level.tops[-1] + level.heights[-1] if rows else 0.0
    if height <= MAX_COLUMN:
        return []
    number = round(sqrt(height / (PAGE * (level.places.width + GUTTER))))
    crossing, members = [0] * rows, Counter(level.places.ranks)
    for path in level.places.paths:
        for rank in range(path[0][0], path[-1][0]):
            crossing[rank] += 1
    possible = [rank for rank in range(rows - 1) if crossing[rank] == members[rank] == members[rank + 1] == 1]
    cuts = set()
    for column in range(1, number):
        ideal = height * column / number
        best = min(possible, key=lambda rank: abs(level.tops[rank + 1] - ideal), default=None)
        if best is not None and abs(level.tops[best + 1] - ideal) < height / number / 2:
            cuts.add(best)
    return sorted(cuts)
