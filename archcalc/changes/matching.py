"""Matching two lists: the equal items that they have in common in the same order, in nearly linear time."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]

MAX_EDITS = 500
"""The maximum number of items left out of a longest common subsequence; the search takes the square of their number."""


def matches(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[Pair]:
    """Return the indices of equal items, increasing in both lists; as many as possible unless the lists differ a lot.

    Of equal solutions, the one whose matches are earliest is returned, so that what was inserted into a repetition
    stands at its end. Items equal to ``None`` match nothing.
    """
    start = 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] is not None and old[start] == new[start]:
        start += 1
    end = 0
    while end < shorter - start and old[-1 - end] is not None and old[-1 - end] == new[-1 - end]:
        end += 1
    found = [(index, index) for index in range(start)]
    found += _inside(old, new, start, len(old) - end, len(new) - end)
    found += [(len(old) - index, len(new) - index) for index in range(end, 0, -1)]
    return found


def gaps(pairs: Sequence[Pair], old: int, new: int) -> Iterator[tuple[slice, slice]]:
    """Yield what lies between pairs, before the first and behind the last one, in lists of the given lengths."""
    i = j = 0
    for a, b in [*pairs, (old, new)]:
        if a > i or b > j:
            yield slice(i, a), slice(j, b)
        i, j = a + 1, b + 1


def _inside(old: Sequence[Hashable], new: Sequence[Hashable], start: int, old_end: int, new_end: int) -> list[Pair]:
    """Return the matches within a part of both lists. Items that only one part has are left out of the search."""
    common = ({*old[start:old_end]} & {*new[start:new_end]}) - {None}
    before = [index for index in range(start, old_end) if old[index] in common]
    after = [index for index in range(start, new_end) if new[index] in common]
    numbers = {item: number for number, item in enumerate(common)}
    a, b = [numbers[old[index]] for index in before], [numbers[new[index]] for index in after]
    found = _longest(a, b)
    return [(before[i], after[j]) for i, j in (_by_unique(a, b) if found is None else found)]


def _longest(a: list[int], b: list[int]) -> list[Pair] | None:
    """Return a longest common subsequence; ``None`` if more than `MAX_EDITS` items are not in it.

    Source: E. W. Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1, 1986.
    """
    furthest = {1: 0}
    steps = []
    for edits in range(min(len(a) + len(b), MAX_EDITS) + 1):
        steps.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            x = _reached(furthest, diagonal, edits)
            while x < len(a) and x - diagonal < len(b) and a[x] == b[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            if x >= len(a) and x - diagonal >= len(b):
                return _traced(steps, len(a), len(b))
    return None


def _reached(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    """Return where the path with a number of edits enters a diagonal: from above, or from the left."""
    from_above = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
    return furthest[diagonal + 1] if from_above else furthest[diagonal - 1] + 1


def _traced(steps: list[dict[int, int]], x: int, y: int) -> list[Pair]:
    """Return the matches on the path to ``(x, y)``."""
    found = []
    for edits in range(len(steps) - 1, -1, -1):
        furthest, diagonal = steps[edits], x - y
        entered = _reached(furthest, diagonal, edits)
        while x > max(entered, 0) and y > max(entered - diagonal, 0):
            x, y = x - 1, y - 1
            found.append((x, y))
        if edits:
            from_above = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
            x, y = (x, y - 1) if from_above else (x - 1, y)
    return found[::-1]


def _by_unique(a: list[int], b: list[int]) -> list[Pair]:
    """Return matches around the items that are unique in both lists; not the most, if there are many repetitions."""
    once = {item for item, count in Counter(a).items() if count == 1}
    once &= {item for item, count in Counter(b).items() if count == 1}
    if not once:
        return []
    places = {item: index for index, item in enumerate(b) if item in once}
    anchors = _increasing([(index, places[item]) for index, item in enumerate(a) if item in once])
    found = [*anchors]
    for before, after in gaps(anchors, len(a), len(b)):
        inner = matches(a[before], b[after])
        found += [(before.start + i, after.start + j) for i, j in inner]
    return sorted(found)


def _increasing(pairs: list[Pair]) -> list[Pair]:
    """Return a longest part of pairs, which increase in the first number, that increases in the second as well."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        before.append(last[at - 1] if at else -1)
        ends[at : at + 1] = [place]
        last[at : at + 1] = [index]
    found = []
    index = last[-1] if last else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]
