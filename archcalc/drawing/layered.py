"""A layered drawing of a directed acyclic graph: every vertex has a rank and a place in it; edges point down.

The pipeline is that of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures",
IEEE Transactions on Systems, Man, and Cybernetics 11, 1981: ranks, order within ranks, positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from archcalc.drawing.order import order_rows
from archcalc.drawing.positions import positions
from archcalc.drawing.ranks import ranks


@dataclass(frozen=True)
class BoxSize:
    """The extent of a vertex around its anchor, the line on which its main edge should enter and leave."""

    left: float
    right: float


class Edge(NamedTuple):
    """An edge between two vertices."""

    source: int
    target: int


Path: TypeAlias = tuple[tuple[int, float], ...]
"""The ranks that an edge passes, with its horizontal position there: from its source to its target."""


@dataclass(frozen=True)
class LayeredDrawing:
    """A layered drawing."""

    x: tuple[float, ...]
    """The anchors of the vertices."""
    ranks: tuple[int, ...]
    """The ranks of the vertices."""
    paths: tuple[Path, ...]
    """The paths of the edges."""
    extents: tuple[tuple[float, float], ...]
    """The left and the right end of every rank."""

    @property
    def rows(self) -> int:
        """The number of ranks."""
        return len(self.extents)

    @property
    def width(self) -> float:
        """The width of the drawing, which starts at 0."""
        return max((right for _, right in self.extents), default=0.0)


LANE = BoxSize(7, 7)
"""The extent of an edge where it crosses a rank."""


def layered_drawing(
    sizes: Sequence[BoxSize], edges: Sequence[Edge], *, first: int = 0, last: int = 0, gap: float
) -> LayeredDrawing:
    """Return a layered drawing.

    Args:
        sizes: the vertices.
        edges: the edges, each from a vertex to one with a larger index.
        first: how many of the first vertices are on a rank of their own, at the top.
        last: how many of the last vertices are on a rank of their own, at the bottom.
        gap: the smallest horizontal distance between vertices.
    """
    found = ranks(len(sizes), edges, first=first, last=last)
    rows: list[list[int]] = [[] for _ in range(max(found, default=-1) + 1)]
    extents = [*sizes]
    for vertex, rank in enumerate(found):
        rows[rank].append(vertex)
    chains = []
    neighbours: list[tuple[int, int]] = []  # pairs of vertices or bends in neighbouring rows
    for edge in edges:
        chain = [edge.source]
        for rank in range(found[edge.source] + 1, found[edge.target]):
            chain.append(len(extents))
            extents.append(LANE)
            rows[rank].append(chain[-1])
        chain.append(edge.target)
        chains.append(chain)
        neighbours += pairwise(chain)
    rows = order_rows(rows, neighbours, fixed=(first > 0, last > 0))
    x = positions(rows, neighbours, [(one.left, one.right) for one in extents], gap=gap, real=len(sizes))
    start = min((at - size.left for at, size in zip(x, extents, strict=True)), default=0.0)
    x = [at - start for at in x]
    ends = tuple((min(x[v] - extents[v].left for v in row), max(x[v] + extents[v].right for v in row)) for row in rows)
    paths = tuple(
        tuple((found[edge.source] + step, x[vertex]) for step, vertex in enumerate(chain))
        for edge, chain in zip(edges, chains, strict=True)
    )
    return LayeredDrawing(tuple(x[: len(sizes)]), tuple(found), paths, ends)
