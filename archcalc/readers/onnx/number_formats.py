"""The number formats of tensors as those of NumPy, and values in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.kernels.rounding import round_to_format
from archcalc.ops.formats import FORMATS, NumberFormat
from archcalc.readers.aten.formats import NUMPY_DTYPES, is_integer
from archcalc.readers.onnx.sizes import plain

NUMPY_FORMATS: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in NUMPY_DTYPES if name != "bfloat16"}
"""The formats of NumPy by those of tensors."""


def concrete(value: Any, dtype: str) -> Array:
    """Return an array with the values that its numbers have for the file's sizes, in a number format."""
    if value.dtype != object:
        found: Array = value
        return found
    convert: Any = int if is_integer(dtype) else float
    return convert_numbers(np.array([convert(plain(each)) for each in value.flat]).reshape(value.shape), dtype)


def convert_numbers(value: Array, dtype: str, *, saturate: bool = False, rounding: str = "nearest") -> Array:
    """Return numbers converted to a format, as ONNX's Cast does it.

    Args:
        value: the numbers.
        dtype: the format. Numbers of one that NumPy does not have are returned in a format that has them.
        saturate: see `round_to_format`.
        rounding: see `round_to_format`.
    """
    if dtype in NUMPY_FORMATS:
        return value.astype(NUMPY_FORMATS[dtype])
    form = FORMATS[dtype]
    if not form.is_integer:
        return round_to_format(value.astype(np.float32), form, saturate=saturate, rounding=rounding)
    low = int(form.smallest)
    wrapped: Array = (value.astype(np.int64) - low) % 2**form.bits + low
    return wrapped.astype(np.int8 if form.signed else np.uint8)


def decimal(value: float) -> float:
    """Return the shortest decimal number that rounds to a float32 of the file."""
    return float(str(np.float32(value)))


def narrows(form: NumberFormat, before: str) -> bool:
    """Return whether a format lacks numbers of another one, of which only the name is known."""
    return before in FORMATS and not form.contains(FORMATS[before])
