"""Arrays of NumPy from arrays as people write them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from archcalc.arrays.texts import shape_text
from archcalc.arrays.written_arrays import Fill, Number, Shape, WrittenArray, WrittenArrayError
from archcalc.executor.kernel import Array


def array_in_shape(found: WrittenArray[Number] | Fill, shape: Shape, batch: int | None = None) -> Array:
    """Return a written array in the shape wanted, or in a batch of it.

    Args:
        found: the array.
        shape: the shape wanted.
        batch: the number of examples of an array that is given by a word, if the array may have a batch axis in front.

    Returns:
        an array of objects: fractions, and floats that are not finite.

    Raises:
        WrittenArrayError: the array has another shape.
    """
    if batch is None:
        return _objects(found.fitted(shape), shape)
    if isinstance(found, Fill):
        shape = (batch, *shape)
    elif len(found.numbers) > prod(shape):
        count, rest = divmod(len(found.numbers), prod(shape))
        if rest or len(found.shape) < 2:
            wanted = shape_text(shape)
            raise WrittenArrayError(f"must have shape {wanted} or Nx{wanted}, got {found.description()}")
        shape = (count, *shape)
    return _objects(found.fitted(shape), shape)


def _objects(numbers: Sequence[Number], shape: Shape) -> Array:
    array = np.empty(len(numbers), object)
    array[:] = numbers
    return array.reshape(shape)


def float_arrays(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays with the nearest floats in place of fractions."""
    return {
        name: np.array([_float(each) for each in array.flat]).reshape(array.shape) if array.dtype == object else array
        for name, array in arrays.items()
    }


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
