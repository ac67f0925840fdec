"""Mistakes in writing a correct result down: rows and columns swapped or left out, signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from archcalc.diagnosis.arrays.elements import FlatArray

ResultChange: TypeAlias = Callable[[FlatArray], Iterator[FlatArray]]
"""Yields what a mistake makes of a correct result: nothing, or one array or several."""


def transposed(result: FlatArray) -> Iterator[FlatArray]:
    """Yield the array with rows and columns swapped."""
    if len(result.shape) > 1 and min(result.shape[-2:]) > 1:
        yield result.transposed()


def signs_reversed(result: FlatArray) -> Iterator[FlatArray]:
    """Yield the array with the sign of every number reversed."""
    yield result._replace(numbers=tuple(-number for number in result.numbers))


def row_missing(result: FlatArray) -> Iterator[FlatArray]:
    """Yield the array without its last or its first row."""
    if len(result.shape) > 1 and result.shape[-1] > 1:  # a column is a vector
        yield from _one_less(result, len(result.shape) - 2)


def column_missing(result: FlatArray) -> Iterator[FlatArray]:
    """Yield the array without its last or its first column."""
    if len(result.shape) > 1 and result.shape[-2] > 1:
        yield from _one_less(result, len(result.shape) - 1)


def row_and_column_missing(result: FlatArray) -> Iterator[FlatArray]:
    """Yield the array without its last or its first row and column."""
    for shorter in row_missing(result):
        yield from column_missing(shorter) if shorter.shape[-2] > 1 else ()


def number_missing(result: FlatArray) -> Iterator[FlatArray]:
    """Yield a vector without its last or its first number."""
    long = [axis for axis, size in enumerate(result.shape) if size > 1]
    if len(long) == 1:
        yield from _one_less(result, long[0])


def _one_less(result: FlatArray, axis: int) -> Iterator[FlatArray]:
    size = result.shape[axis]
    if size > 1:
        yield result.taken(axis, range(size - 1))
        yield result.taken(axis, range(1, size))
