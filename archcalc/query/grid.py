"""The grid of a sweep: what is varied, in which values, and all combinations of them without ever listing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from archcalc.numeric import is_plain
from archcalc.numeric.arrays import Run
from archcalc.numeric.steps import Steps

Values: TypeAlias = Sequence[Any]
"""Plain numbers, or texts."""

Region: TypeAlias = tuple[Values, ...]
"""Values per axis: all of their combinations."""


class Axis(NamedTuple):
    """What is varied, and its values."""

    name: str
    values: Values


def is_numeric(values: Values) -> bool:
    """Whether these can be an array of numbers."""
    return isinstance(values, range | Steps) or all(is_plain(value) for value in values)


def setting(run: Run, values: Values, axis: int) -> Any:
    """What an axis is set to in a region: a plain value where it has one only, else an array."""
    if len(values) == 1:
        return values[0]
    if isinstance(values, range | Steps):
        return run.progression(values.start, values.step, len(values), axis)
    return run.numbers(values, axis)


def listed(values: Values) -> Any:
    """Values as a NumPy array: of int64 if they are whole numbers that fit, else of objects."""
    if isinstance(values, range):
        return np.arange(values.start, values.stop, values.step)
    if all(type(value) is int and abs(value) < 2**63 for value in values):
        return np.array(values, np.int64)
    array = np.empty(len(values), object)
    array[:] = list(values)
    return array


def parts(grid: Sequence[tuple[Values, int]]) -> Iterator[Region]:
    """A grid in regions: each axis in pieces of so many values, the last axis fastest."""
    if not grid:
        yield ()
        return
    (values, size), *others = grid
    for first in range(0, len(values), size):
        for rest in parts(others):
            yield (values[first : first + size], *rest)


def halves(region: Region) -> Iterator[Region]:
    """A region in two, cut along its longest axis."""
    longest = max(range(len(region)), key=lambda index: len(region[index]))
    middle = len(region[longest]) // 2
    for values in (region[longest][:middle], region[longest][middle:]):
        yield (*region[:longest], values, *region[longest + 1 :])
