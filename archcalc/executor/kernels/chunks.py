"""Processing of large arrays in chunks, so that all steps find their numbers in the cache and temporaries are small."""

from __future__ import annotations

from collections.abc import Callable

from archcalc.executor.kernel import Array

CHUNK = 1 << 17
"""How many numbers of the first array a function is given at a time."""


def in_chunks(function: Callable[..., None], axis: int, *arrays: Array) -> None:
    """Call a function with the same chunk of every array, cut along an axis, until all of the axis is processed."""
    first, length = arrays[0], arrays[0].shape[axis]
    together = max(1, CHUNK * length // max(first.size, 1))
    for start in range(0, length, together):
        part = (*(slice(None),) * axis, slice(start, start + together))
        function(*[array[part] for array in arrays])
