"""The numbers of stored tensors, which stay in the file until they are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.readers.aten.formats import NUMPY_DTYPES
from archcalc.readers.decoding import decoded, raw_dtype
from archcalc.readers.onnx.weights import Arrays
from archcalc.readers.tflite.schema import Data, TfliteTensor
from archcalc.spec.errors import fail_to_read


class TfliteArrays(Arrays):
    """The stored arrays of a file; those that are computed from others are computed by nodes of ONNX."""

    tensors: dict[str, TfliteTensor]
    """The tensors of the file by the names of the initializers that stand for them."""

    def read(self, name: str) -> Array:
        tensor = self.tensors.get(name)
        if tensor is None:  # a number that the conversion added
            found: Array = super().read(name)
            return found
        return numbers(self.path, tensor, self.name)


def numbers(path: Path, tensor: TfliteTensor, name: str) -> Array:
    """Return the numbers of a stored tensor.

    Args:
        path: the file.
        tensor: the tensor.
        name: the name of the file in messages.
    """
    place = tensor.data or Data(0, 0)
    try:
        with open(path, "rb") as file:
            file.seek(place.offset)
            raw = np.frombuffer(file.read(place.length), np.uint8)
    except OSError as error:
        fail_to_read(error, name)
    if tensor.dtype == "int4":  # two in a byte, the first one in the lower half
        halves = np.stack([raw << 4, raw & 0xF0], axis=-1).view(np.int8).reshape(-1) >> 4
        return halves[: int(np.prod(tensor.sizes))].reshape(tensor.sizes)
    return decoded(raw.view(raw_dtype(tensor.dtype)), tensor.dtype).reshape(tensor.sizes)


def has_numbers(tensor: TfliteTensor) -> bool:
    """Return whether the numbers of a stored tensor can be read."""
    return not tensor.is_sparse and (tensor.dtype in NUMPY_DTYPES or tensor.dtype == "int4")
