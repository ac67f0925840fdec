"""Stored bytes as arrays of NumPy, also in the number formats that NumPy does not have."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.ops.formats import FLOATS, FORMATS
from archcalc.readers.aten.formats import NUMPY_DTYPES

READABLE = (*NUMPY_DTYPES, *(each.name for each in FLOATS if each.bits == 8))
"""The number formats that `decoded` returns arrays for."""


def raw_dtype(dtype: str, order: str = "<") -> np.dtype[Any]:
    """Return the format of NumPy with the bits of a number format of `READABLE`.

    Args:
        dtype: the number format.
        order: the order of the bytes, ``<`` or ``>``.
    """
    return np.dtype(order + NUMPY_DTYPES.get(dtype, "u1"))


def decoded(raw: Array, dtype: str) -> Array:
    """Return stored numbers in the byte order of the machine; those that NumPy does not have become float32.

    Args:
        raw: the numbers in the format that `raw_dtype` returns.
        dtype: their number format.
    """
    if dtype == "bfloat16":  # the upper half of a float32
        return (raw.astype(np.uint32) << 16).view(np.float32)
    if dtype in NUMPY_DTYPES:
        return np.ascontiguousarray(raw).astype(raw.dtype.newbyteorder("="), copy=False)
    found: Array = _table(dtype)[raw]
    return found


@cache
def _table(dtype: str) -> Array:
    """Return the numbers that the 256 codes of a format of eight bits stand for."""
    form, codes = FORMATS[dtype], np.arange(256)
    sizes = codes & (2 ** (form.bits - form.signed) - 1)
    exponents, fractions = sizes >> form.fraction, sizes % 2**form.fraction
    is_normal = (exponents > 0) | (not form.zero)
    distances = np.maximum(exponents - form.zero, 0) + form.finest
    found = np.ldexp(fractions + is_normal * 2.0**form.fraction, distances)
    beyond = found > float(form.largest)
    found[beyond] = np.where(fractions == 0, np.inf, np.nan)[beyond] if form.infinities else np.nan
    if not form.negative_zero:
        found[(sizes == 0) & (codes > 0)] = np.nan
    numbers: Array = np.where(sizes == codes, found, -found).astype(np.float32)
    return numbers
