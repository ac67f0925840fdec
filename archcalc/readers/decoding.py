"""Stored bytes as arrays of NumPy, also in the number formats that NumPy does not have."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.readers.aten.formats import NUMPY_DTYPES


class _Float8(NamedTuple):
    """How the eight bits of a number are read: a sign, an exponent, a mantissa."""

    mantissa: int
    """The number of bits of the mantissa."""
    bias: int
    """What is subtracted from the exponent."""
    finite: bool
    """Whether there are no infinities, so that the largest exponent is that of ordinary numbers."""
    unsigned_zero: bool
    """Whether the only NaN takes the place of a negative zero."""


_FLOAT8 = {
    "float8_e4m3fn": _Float8(3, 7, finite=True, unsigned_zero=False),
    "float8_e5m2": _Float8(2, 15, finite=False, unsigned_zero=False),
    "float8_e4m3fnuz": _Float8(3, 8, finite=True, unsigned_zero=True),
    "float8_e5m2fnuz": _Float8(2, 16, finite=True, unsigned_zero=True),
}
"""Micikevicius et al., "FP8 formats for deep learning", 2022, and, without a negative zero, Noune et al., "8-bit
numerical formats for deep neural networks", 2022."""
POWERS = "float8_e8m0fnu"
"""The format of scales: powers of two only, with the bias 127 (OCP Microscaling Formats, 2023)."""

READABLE = (*NUMPY_DTYPES, *_FLOAT8, POWERS)
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
    codes = np.arange(256)
    if dtype == POWERS:
        powers: Array = np.where(codes == 255, np.nan, np.exp2(codes - 127.0)).astype(np.float32)
        return powers
    form = _FLOAT8[dtype]
    sign = np.where(codes & 128, -1.0, 1.0)
    exponent, mantissa = (codes & 127) >> form.mantissa, codes & ((1 << form.mantissa) - 1)
    fraction = mantissa / (1 << form.mantissa)
    normal = (1 + fraction) * np.exp2(exponent - float(form.bias))
    found = sign * np.where(exponent == 0, fraction * np.exp2(1.0 - form.bias), normal)
    if form.unsigned_zero:
        found[128] = np.nan
    elif form.finite:
        found[codes & 127 == 127] = np.nan
    else:
        largest = exponent == (127 >> form.mantissa)
        found[largest] = np.where(mantissa == 0, sign * np.inf, np.nan)[largest]
    numbers: Array = found.astype(np.float32)
    return numbers
