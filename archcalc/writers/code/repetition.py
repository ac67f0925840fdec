"""Repetitions of several modules in a sequence, such as that of a block and an activation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

MAX_PERIOD = 4
"""The maximum number of modules that are repeated together."""

T = TypeVar("T")


class RepeatedSection(NamedTuple):
    """Consecutive items, repeated or not."""

    start: int
    period: int
    """How many items are repeated together."""
    times: int
    """How often they occur."""


def parts(items: Sequence[T], follows: Callable[[T, T, int], bool]) -> Iterator[RepeatedSection]:
    """Yield a sequence in parts, with repetitions that are as short and as many as possible.

    Args:
        items: the sequence.
        follows: returns whether an item is a repetition of another one, the given number of repetitions before it.
    """
    at = 0
    while at < len(items):
        best = RepeatedSection(at, 1, 1)
        for period in range(1, MAX_PERIOD + 1):
            times = 1
            while _repeats(items, at, period, times, follows):
                times += 1
            if times > 1 and times * period > best.times * best.period:
                best = RepeatedSection(at, period, times)
        yield best
        at += best.period * best.times


def _repeats(items: Sequence[T], start: int, period: int, times: int, follows: Callable[[T, T, int], bool]) -> bool:
    """Return whether items follow again after so many times."""
    first = start + period * times
    if first + period > len(items):
        return False
    return all(follows(items[start + place], items[first + place], times) for place in range(period))


def split_name(name: str) -> tuple[str, int]:
    """Return what precedes the number at the end of a name, and the number; −1 if there is none."""
    found = re.fullmatch(r"(.*?)(0|[1-9]\d*)", name)
    return (found[1], int(found[2])) if found else (name, -1)


def is_numbered_after(first: str, other: str, times: int) -> bool:
    """Return whether a name is another one with a number that is larger by ``times``."""
    prefix, number = split_name(first)
    return number >= 0 and split_name(other) == (prefix, number + times)
