"""Ranks: the rows of a layered drawing."""

from __future__ import annotations

from collections.abc import Sequence


def ranks(vertices: int, edges: Sequence[tuple[int, int]], *, first: int = 0, last: int = 0) -> list[int]:
    """Return the rank of every vertex: one more than the largest of those that it follows.

    A vertex that follows none is one rank above the first that follows it.

    Args:
        vertices: their number.
        edges: each from a vertex to one with a larger index.
        first: how many of the first vertices have rank 0; all others are below them.
        last: how many of the last vertices have the last rank; all others are above them.
    """
    followers: list[list[int]] = [[] for _ in range(vertices)]
    before = [0] * vertices
    for source, target in edges:
        followers[source].append(target)
        before[target] += 1
    found = [0 if index < first else min(first, 1) for index in range(vertices)]
    for source in range(vertices):
        for target in followers[source]:
            found[target] = max(found[target], found[source] + 1)
    for index in range(first, vertices - last):
        if not before[index] and followers[index]:
            found[index] = max(found[index], min(found[target] for target in followers[index]) - 1)
    if last:
        bottom = max(found[: vertices - last], default=-1) + 1
        found[vertices - last :] = [bottom] * last
    return found
