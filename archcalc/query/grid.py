"""The grid of a sweep: the settings with their values, and the combinations of these without listing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from archcalc.numeric import is_plain
from archcalc.numeric.arrays import GridEvaluation
from archcalc.numeric.progressions import Progression

Values: TypeAlias = Sequence[Any]
"""The values of one setting: plain numbers, or texts."""

GridRegion: TypeAlias = tuple[Values, ...]
"""A part of the grid: the values per axis, in all combinations."""


class GridAxis(NamedTuple):
    """An axis of the grid: a setting and its values."""

    name: str
    values: Values


def is_numeric(values: Values) -> bool:
    """Return whether values can form an array of numbers."""
    return isinstance(values, range | Progression) or all(is_plain(value) for value in values)


def axis_value(run: GridEvaluation, values: Values, axis: int) -> Any:
    """Return the value of an axis in a region: a plain value if there is only one, else an array."""
    if len(values) == 1:
        return values[0]
    if isinstance(values, range | Progression):
        return run.progression(values.start, values.step, len(values), axis)
    return run.numbers(values, axis)


def value_array(values: Values) -> Any:
    """Return values as a NumPy array, of int64 if they are integers that fit, else of objects."""
    if isinstance(values, range):
        return np.arange(values.start, values.stop, values.step)
    if all(type(value) is int and abs(value) < 2**63 for value in values):
        return np.array(values, np.int64)
    array = np.empty(len(values), object)
    array[:] = list(values)
    return array


def regions_of(grid: Sequence[tuple[Values, int]]) -> Iterator[GridRegion]:
    """Yield a grid in regions, each axis cut into pieces of the given size, the last axis fastest."""
    if not grid:
        yield ()
        return
    (values, size), *others = grid
    for first in range(0, len(values), size):
        for rest in regions_of(others):
            yield (values[first : first + size], *rest)


def halves(region: GridRegion) -> Iterator[GridRegion]:
    """Yield the two halves of a region, cut along its longest axis."""
    longest = max(range(len(region)), key=lambda index: len(region[index]))
    middle = len(region[longest]) // 2
    for values in (region[longest][:middle], region[longest][middle:]):
        yield (*region[:longest], values, *region[longest + 1 :])
