"""Horizontal positions in a layered drawing: long edges are straight, and vertices are close to their neighbours.

Source: U. Brandes and B. Köpf, "Fast and simple horizontal coordinate assignment", Graph Drawing 2001.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

Extents = Sequence[tuple[float, float]]


def positions(
    rows: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]], extents: Extents, *, gap: float, real: int
) -> list[float]:
    """Return the horizontal position of every vertex.

    Args:
        rows: the vertices of every row, in order.
        edges: pairs of vertices in neighbouring rows, the upper one first.
        extents: how far every vertex reaches to the left and right of its position.
        gap: the smallest distance between two vertices.
        real: the number of vertices that are no bends of edges; these have the smallest indices.
    """
    found = []
    for downwards in (True, False):
        for rightwards in (True, False):
            turned = [row[:: 1 if rightwards else -1] for row in rows[:: 1 if downwards else -1]]
            pairs = edges if downwards else [(below, above) for above, below in edges]
            wide = extents if rightwards else [(right, left) for left, right in extents]
            roots = _aligned(turned, pairs, real)
            x = _compacted(turned, roots, wide, gap)
            found.append(x if rightwards else [-at for at in x])
    widths = [
        max(x[v] + extents[v][1] for row in rows for v in row) - min(x[v] - extents[v][0] for row in rows for v in row)
        if any(rows)
        else 0.0
        for x in found
    ]
    if not widths:
        return []
    narrowest = found[widths.index(min(widths))]
    low, high = min(narrowest, default=0.0), max(narrowest, default=0.0)
    moved = []
    for index, x in enumerate(found):
        shift = low - min(x, default=0.0) if index % 2 == 0 else high - max(x, default=0.0)
        moved.append([at + shift for at in x])
    return [median(each) for each in zip(*moved, strict=True)]


def _aligned(rows: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]], real: int) -> dict[int, int]:
    """Return the root of every vertex's block: vertices in a block, one per row, are on a line."""
    place = {vertex: index for row in rows for index, vertex in enumerate(row)}
    above: dict[int, list[int]] = {vertex: [] for vertex in place}
    for upper, lower in edges:
        above[lower].append(upper)
    blocked = _crossed_lanes(rows, above, place, real)
    root = {vertex: vertex for vertex in place}
    taken: set[int] = set()
    for row in rows:
        last = -1
        for vertex in row:
            near = sorted(above[vertex], key=lambda upper: place[upper])
            middle = [near[(len(near) - 1) // 2], near[len(near) // 2]] if near else []
            middle.sort(key=lambda upper: upper >= real)  # a line through vertices has priority over edges beside it
            for upper in dict.fromkeys(middle):
                if place[upper] > last and upper not in taken and (upper, vertex) not in blocked:
                    root[vertex] = root[upper]
                    taken.add(upper)
                    last = place[upper]
                    break
    return root


def _crossed_lanes(
    rows: Sequence[Sequence[int]], above: Mapping[int, Sequence[int]], place: Mapping[int, int], real: int
) -> set[tuple[int, int]]:
    """Return the pieces of edges that cross a piece between two bends, which stays straight."""
    found = set()
    for row in rows[1:]:
        lanes = [(place[upper], at) for at, v in enumerate(row) if v >= real for upper in above[v] if upper >= real]
        for at, vertex in enumerate(row):
            for upper in above[vertex]:
                if (vertex < real or upper < real) and any(
                    (start - place[upper]) * (end - at) < 0 for start, end in lanes
                ):
                    found.add((upper, vertex))
    return found


def _compacted(rows: Sequence[Sequence[int]], root: Mapping[int, int], extents: Extents, gap: float) -> list[float]:
    """Return positions as far left as the distances allow, then as far right as they can be without moving others."""
    distances: dict[int, dict[int, float]] = {block: {} for block in root.values()}
    before: dict[int, set[int]] = {block: set() for block in root.values()}
    for row in rows:
        for left, right in pairwise(row):
            a, b = root[left], root[right]
            needed = extents[left][1] + gap + extents[right][0]
            distances[a][b] = max(distances[a].get(b, 0.0), needed)
            before[b].add(a)
    order, waiting = [], {block: len(others) for block, others in before.items()}
    ready = [block for block, count in waiting.items() if not count]
    while ready:
        block = ready.pop()
        order.append(block)
        for other in distances[block]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    x = dict.fromkeys(before, 0.0)
    for block in order:
        for other, distance in distances[block].items():
            x[other] = max(x[other], x[block] + distance)
    for block in reversed(order):
        if distances[block]:
            x[block] = max(x[block], min(x[other] - distance for other, distance in distances[block].items()))
    found = [0.0] * len(extents)
    for vertex, block in root.items():
        found[vertex] = x[block]
    return found
