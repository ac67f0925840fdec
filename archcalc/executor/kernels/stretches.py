"""Work on large arrays stretch by stretch, so that all its steps find the numbers in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from archcalc.executor.kernel import Array, Lane, Work

ALONE = Lane()
STRETCH = 1 << 17
"""How many numbers a function is given at a time."""
SHORT = 128
"""Rows of fewer numbers are faster through NumPy's buffers."""
BUFFER = 8192
"""NumPy's own size of these buffers, in numbers."""


def in_stretches(function: Callable[..., None], axis: int, *arrays: Array, lane: Lane = ALONE) -> None:
    """Give a function the same part of every array, some of an axis at a time, until all of it had its turn (of
    several lanes: until the part of this one had)."""
    first, length = arrays[0], arrays[0].shape[axis]
    together = max(1, STRETCH * length // max(first.size, 1))
    own = lane.part(length)
    for start in range(own.start, own.stop, together):
        part = (*(slice(None),) * axis, slice(start, min(start + together, own.stop)))
        function(*[array[part] for array in arrays])


@contextmanager
def in_rows_of(length: int, work: Work) -> Iterator[None]:
    """Within, NumPy reads and writes arrays of rows of such a length where they are.

    Where its operands are not of one shape and in one piece, NumPy first copies them, together as many rows as fit a
    buffer. For one number per row that takes longer than the arithmetic; it is left out where a single row is larger
    than the buffer.
    """
    if length < SHORT:
        yield
        return
    work.do(np.setbufsize, min(length // 16 * 16, BUFFER))  # a multiple of 16, by its definition
    try:
        yield
    finally:
        work.do(np.setbufsize, BUFFER)
