"""Sets of positions: intervals of one axis, and products of them over several axes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import prod
from typing import NamedTuple, TypeAlias


class Interval(NamedTuple):
    """The positions ``first`` to ``last`` of an axis; empty if last < first."""

    first: int
    last: int

    def __bool__(self) -> bool:
        return self.last >= self.first

    @property
    def size(self) -> int:
        """The number of positions."""
        return max(0, self.last - self.first + 1)


Box: TypeAlias = tuple[Interval, ...]
"""One interval per axis of positions; none for a vector of features."""

Runs: TypeAlias = tuple[Interval, ...]
"""A set of positions of one axis: ascending intervals that do not touch."""

Region: TypeAlias = tuple[Runs, ...]
"""The product of a set per axis."""


def union(pieces: Iterable[Interval]) -> Runs:
    """Return the union of intervals."""
    runs: list[Interval] = []
    for piece in sorted(piece for piece in pieces if piece):
        if runs and piece.first <= runs[-1].last + 1:
            if piece.last > runs[-1].last:
                runs[-1] = Interval(runs[-1].first, piece.last)
        else:
            runs.append(piece)
    return tuple(runs)


def clipped(runs: Runs, first: int | None, last: int | None) -> Runs:
    """Return the part of a set from ``first`` to ``last``; ``None`` means no bound."""
    if not runs or ((first is None or first <= runs[0].first) and (last is None or runs[-1].last <= last)):
        return runs
    cut = (
        Interval(
            run.first if first is None else max(run.first, first), run.last if last is None else min(run.last, last)
        )
        for run in runs
    )
    return tuple([run for run in cut if run])


def bordered(runs: Runs, border: str, size: int) -> Runs:
    """Return the positions of an axis that a set of positions, some of them in the padding, stands for."""
    if not runs or border == "zeros" or (runs[0].first >= 0 and runs[-1].last < size):
        return clipped(runs, 0, size - 1)
    return union(piece for run in runs for piece in _inside(run, border, size))


def _inside(run: Interval, border: str, size: int) -> list[Interval]:
    first, last = run
    if border == "replicate":
        return [Interval(min(max(first, 0), size - 1), min(max(last, 0), size - 1))]
    if border == "circular":
        turns = range(first // size, last // size + 1)
        return [Interval(max(first - n * size, 0), min(last - n * size, size - 1)) for n in turns]
    end = size - 1
    before, after = Interval(max(-last, 1), -first), Interval(2 * end - last, min(2 * end - first, end - 1))
    return [Interval(max(first, 0), min(last, end)), before, after]


def count(regions: Collection[Region]) -> int:
    """Return the number of positions of a union of regions, from the segments of the first axis with equal regions."""
    if len(regions) == 1:
        (only,) = regions
        return prod(sum(run.size for run in runs) for runs in only)
    ends = [
        (end, index, opens)
        for index, region in enumerate(regions)
        for run in region[0]
        for end, opens in ((run.first, True), (run.last + 1, False))
    ]
    lengths: dict[frozenset[int], int] = {}
    here: set[int] = set()
    before = 0
    for end, index, opens in sorted(ends):
        if here and end > before:
            key = frozenset(here)
            lengths[key] = lengths.get(key, 0) + end - before
        before = end
        (here.add if opens else here.remove)(index)
    remaining = [region[1:] for region in regions]
    return sum(length * count({remaining[index] for index in key}) for key, length in lengths.items())


def _covers(region: Region, other: Region) -> bool:
    """Return whether one region contains another one."""
    return all(_contains(runs, others) for runs, others in zip(region, other, strict=True))


def _contains(runs: Runs, others: Runs) -> bool:
    if len(runs) == 1:
        return runs[0].first <= others[0].first and others[-1].last <= runs[0].last
    index = 0
    for run in others:
        while index < len(runs) and runs[index].last < run.first:
            index += 1
        if index == len(runs) or run.first < runs[index].first or run.last > runs[index].last:
            return False
    return True


def added(regions: list[Region], region: Region) -> list[Region]:
    """Return regions with one more: without those contained in others, and merging two that differ along one axis."""
    if any(_covers(other, region) for other in regions):
        return regions
    rest = [other for other in regions if not _covers(region, other)]
    for index, other in enumerate(rest):
        differing = [axis for axis, (runs, others) in enumerate(zip(region, other, strict=True)) if runs != others]
        if len(differing) == 1:
            (axis,) = differing
            together = (*region[:axis], union([*region[axis], *other[axis]]), *region[axis + 1 :])
            return added(rest[:index] + rest[index + 1 :], together)
    return [*rest, region]
