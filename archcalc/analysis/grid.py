"""The grid of a sweep: what is varied, in which values, and all combinations of them without ever listing them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np

from archcalc.numeric import is_plain, normal
from archcalc.numeric.arrays import Run

Values: TypeAlias = Sequence[Any]
"""Plain numbers, tuples of them (the sizes of a shape), or texts."""

Region: TypeAlias = tuple[Values, ...]
"""Values per axis: all of their combinations."""


class Axis(NamedTuple):
    """What is varied, and its values."""

    name: str
    values: Values


class Steps(Sequence[int | Fraction]):
    """An arithmetic progression, exact: a `range` of rational numbers."""

    def __init__(self, start: int | Fraction, step: int | Fraction, length: int) -> None:
        self.start = start
        self.step = step
        self.length = length

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> int | Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> Steps: ...
    def __getitem__(self, index: int | slice) -> int | Fraction | Steps:
        places = range(self.length)[index]
        if isinstance(places, range):
            return Steps(self.start + self.step * places.start, self.step * places.step, len(places))
        number: int | Fraction = normal(self.start + self.step * places)
        return number


def is_numeric(values: Values) -> bool:
    """Whether these can be an array of numbers: all are plain numbers, or shapes with as many axes."""
    if isinstance(values, range | Steps):
        return True
    if all(isinstance(value, tuple) for value in values):
        return len(set(map(len, values))) == 1
    return all(is_plain(value) for value in values)


def setting(run: Run, values: Values, axis: int) -> Any:
    """What an axis is set to in a region: a plain value where it has one only, else arrays."""
    if len(values) == 1:
        return values[0]
    if isinstance(values, range):
        return run.progression(values.start, values.step, len(values), axis)
    if isinstance(values, Steps):
        return run.progression(values.start, values.step, len(values), axis)
    if isinstance(values[0], tuple):
        sizes = zip(*values, strict=True)
        return tuple(setting(run, size if len(set(size)) > 1 else size[:1], axis) for size in sizes)
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
