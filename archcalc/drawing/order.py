"""The order of the vertices in the rows of a layered drawing: few crossings.

Sweeps down and up put every vertex at the median of its neighbours; exchanging neighbours then removes further
crossings. Source: E. R. Gansner et al., "A technique for drawing directed graphs", IEEE Transactions on Software
Engineering 19, 1993.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise

SWEEPS = 12
MAX_EXCHANGED = 60
"""The length of a row up to which neighbours are exchanged, which takes the square of it."""

Rows = list[list[int]]
Neighbours = Mapping[int, Sequence[int]]


def order_rows(rows: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]], *, fixed: tuple[bool, bool]) -> Rows:
    """Return the rows with their vertices in an order that has few crossings.

    Args:
        rows: the vertices of every row.
        edges: pairs of vertices in neighbouring rows, the upper one first.
        fixed: whether the order of the first and of the last row is given.
    """
    up: dict[int, list[int]] = {vertex: [] for row in rows for vertex in row}
    down: dict[int, list[int]] = {vertex: [] for row in rows for vertex in row}
    for above, below in edges:
        down[above].append(below)
        up[below].append(above)
    free = range(int(fixed[0]), len(rows) - int(fixed[1]))
    best = current = [[*row] for row in rows]
    fewest = _all_crossings(best, down)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        current = [[*row] for row in current]
        downwards = sweep % 2 == 0
        for index in free if downwards else reversed(free):
            other = index - 1 if downwards else index + 1
            if 0 <= other < len(current):
                current[index] = _by_median(current[index], current[other], up if downwards else down)
        for index in free:
            _exchange(current, index, up, down)
        crossings = _all_crossings(current, down)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def _by_median(row: Sequence[int], other: Sequence[int], neighbours: Neighbours) -> list[int]:
    """Return a row ordered by the medians of its vertices' neighbours; those without neighbours stay in place."""
    place = {vertex: index for index, vertex in enumerate(other)}
    medians: dict[int, float] = {}
    for vertex in row:
        places = sorted(place[neighbour] for neighbour in neighbours[vertex])
        if places:
            middle = len(places) // 2
            medians[vertex] = places[middle] if len(places) % 2 else (places[middle - 1] + places[middle]) / 2
    moved = iter(sorted(medians, key=lambda vertex: medians[vertex]))
    return [next(moved) if vertex in medians else vertex for vertex in row]


def _exchange(rows: Rows, index: int, up: Neighbours, down: Neighbours) -> None:
    """Exchange neighbours in a row as long as that removes crossings."""
    row = rows[index]
    if len(row) > MAX_EXCHANGED:
        return
    places = [
        {vertex: place for place, vertex in enumerate(rows[other])} if 0 <= other < len(rows) else {}
        for other in (index - 1, index + 1)
    ]
    sides = [
        {vertex: sorted(place[one] for one in near[vertex]) for vertex in row}
        for place, near in zip(places, (up, down), strict=True)
        if place
    ]
    improved = True
    while improved:
        improved = False
        for at in range(len(row) - 1):
            left, right = row[at], row[at + 1]
            now = sum(_pair_crossings(side[left], side[right]) for side in sides)
            if now and now > sum(_pair_crossings(side[right], side[left]) for side in sides):
                row[at], row[at + 1] = right, left
                improved = True


def _pair_crossings(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many edges of two neighbouring vertices cross, given the sorted places of their other ends."""
    found = place = 0
    for other in left:
        while place < len(right) and right[place] < other:
            place += 1
        found += place
    return found


def _all_crossings(rows: Rows, down: Neighbours) -> int:
    """Return the number of crossings between all neighbouring rows."""
    found = 0
    for upper, lower in pairwise(rows):
        place = {vertex: index for index, vertex in enumerate(lower)}
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(place[below] for below in down[vertex])
            found += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return found
