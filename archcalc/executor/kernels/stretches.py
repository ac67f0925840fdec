"""Work on large arrays part by part, so that all its steps find the numbers in the cache and temporaries are small."""

from __future__ import annotations

from collections.abc import Callable

from archcalc.executor.kernel import Array

STRETCH = 1 << 17
"""How many numbers a function is given at a time."""


def in_stretches(function: Callable[..., None], axis: int, *arrays: Array) -> None:
    """Give a function the same part of every array, some of an axis at a time, until all of it had its turn."""
    first, length = arrays[0], arrays[0].shape[axis]
    together = max(1, STRETCH * length // max(first.size, 1))
    for start in range(0, length, together):
        part = (*(slice(None),) * axis, slice(start, start + together))
        function(*[array[part] for array in arrays])
