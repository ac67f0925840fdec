"""Tensors that a model file has in a narrower number format than float32: a run in float32 has their numbers.

A kernel computes in float32, and what it returns is rounded, as by processors that have such numbers. A run in float64
rounds nothing: it has the numbers that the formulas of the layers give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from archcalc.executor.kernel import Array, Arrays, owner
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.rounding import round_to_format
from archcalc.ops.formats import FORMATS


def in_formats(arrays: Sequence[Array], formats: Sequence[str], shared: Iterable[Array] = ()) -> Arrays:
    """Return arrays rounded to number formats: in their own memory, unless others share it or it is read-only.

    Args:
        arrays: the arrays. Those in float64 stay as they are.
        formats: the format of each, ``""`` for one that stays as it is; none if all of them do.
        shared: the arrays whose numbers must not change.
    """
    if not formats:
        return tuple(arrays)
    kept = {id(owner(array)) for array in shared}
    found = []
    for array, form in zip(arrays, formats, strict=True):
        if not form or array.dtype != np.float32:
            found.append(array)
            continue
        is_free = array.flags.writeable and id(owner(array)) not in kept
        own = array if is_free else array.copy()
        _round(form, own)
        found.append(own)
    return tuple(found)


def rounding_to(form: str) -> Callable[[Array], None] | None:
    """Return a function that rounds an array in float32 to a number format in its memory; ``None`` for ``""``."""
    return partial(_round, form) if form else None


def _round(form: str, array: Array) -> None:
    def write(part: Array) -> None:
        part[...] = round_to_format(part, FORMATS[form], saturate=False)

    if array.dtype == np.float32:
        in_chunks(write, 0, array.reshape(-1) if array.flags.c_contiguous else np.atleast_1d(array))
