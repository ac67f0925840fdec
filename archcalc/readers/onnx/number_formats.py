"""The number formats of tensors as those of NumPy, and values in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.readers.aten.formats import NUMPY_DTYPES
from archcalc.readers.onnx.sizes import plain

NUMPY_FORMATS: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in NUMPY_DTYPES if name != "bfloat16"}
"""The formats of NumPy by those of tensors."""


def concrete(value: Any, dtype: str) -> Array:
    """Return an array with the values that its numbers have for the file's sizes, in a number format."""
    if value.dtype == object:
        convert = float if dtype.startswith("float") else int
        value = np.array([convert(plain(each)) for each in value.flat], NUMPY_FORMATS[dtype]).reshape(value.shape)
    found: Array = value
    return found
