"""Repetitions: equal parts of a frame in a row are drawn once, with their number."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from archcalc.drawing.diagram import Frame, Part
from archcalc.graph import Ref

MAX_PERIOD = 4
"""The number of parts up to which an alternating sequence is recognised."""


def combine_repeats(
    parts: Sequence[Part], wrap: Callable[[Sequence[Part]], Frame], readers: Callable[[Ref], frozenset[int]]
) -> list[Part]:
    """Return the parts of a frame with repetitions as one part.

    Args:
        parts: the parts, in topological order.
        wrap: returns the frame around some parts.
        readers: returns the nodes that read a tensor.
    """
    found: list[Part] = []
    at = 0
    while at < len(parts):
        period, copies = _longest(parts, at, wrap, readers)
        found.append(_once(copies) if len(copies) > 1 else parts[at])
        at += period * len(copies)
    return found


def _longest(
    parts: Sequence[Part],
    at: int,
    wrap: Callable[[Sequence[Part]], Frame],
    readers: Callable[[Ref], frozenset[int]],
) -> tuple[int, list[Part]]:
    """Return the period of the repetition that covers most parts from an index on, and its copies; at least one."""
    best: tuple[int, list[Part]] = 1, [parts[at]]
    for period in range(1, MAX_PERIOD + 1):
        copies: list[Part] = []
        for start in range(at, len(parts) - period + 1, period):
            copy = parts[start : start + period]
            if copies and any(a.key != b.key for a, b in zip(parts[at : at + period], copy, strict=True)):
                break
            one = copy[0] if period == 1 else wrap(copy)
            if copies and not (_are_equal(copies[0], one) and _follows(copies[-1], one, readers)):
                break
            copies.append(one)
        if len(copies) > 1 and period * len(copies) > best[0] * len(best[1]):
            best = period, copies
    return best


def _are_equal(first: Part, part: Part) -> bool:
    """Return whether two parts differ only in their names; nothing may read the last one."""
    return first.key == part.key and part.exit_parts in ((), first.exit_parts)


def _follows(before: Part, part: Part, readers: Callable[[Ref], frozenset[int]]) -> bool:
    """Return whether a part reads one before it, which nothing else reads, and otherwise what that one reads."""
    if len(before.exits) != 1 or len(before.entries) != len(part.entries):
        return False
    made = before.exits[0]
    others = all(new in (old, made) for old, new in zip(before.entries, part.entries, strict=True))
    return others and made in part.entries and readers(made) <= part.members


def _once(copies: Sequence[Part]) -> Part:
    first, last = copies[0], copies[-1]
    members = frozenset[int]().union(*[copy.members for copy in copies])
    times = first.times * len(copies)
    return replace(first, name=_common([copy.name for copy in copies]), members=members, exits=last.exits, times=times)


def _common(names: Sequence[str]) -> str:
    """Return what the names of repetitions have in common: ``rest`` of ``rest_1`` and ``rest_2``, else the first."""
    stems = {re.sub(r"[_.]?\d+$", "", name) for name in names}
    return stems.pop() if len(stems) == 1 and "" not in stems else names[0]
