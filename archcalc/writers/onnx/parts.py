"""Parts that several layers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from archcalc.writers.onnx.model import Array, ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.registry import LayerWriter

Sides: TypeAlias = Sequence[tuple[int, int]]
"""What is added before and after each axis."""


def all_pads(rows: Sides) -> list[int]:
    """Return padding in the order of ONNX: all begins, then all ends."""
    return [before for before, _ in rows] + [after for _, after in rows]


def normalised(op: Any, weights: Weights, name: str = "weight", axes: tuple[int, ...] | None = None) -> Array:
    """Return a stored weight; with weight norm, divided by its norm over ``axes`` (by default all but the first), times
    the gain."""
    weight: Array = weights[name]
    if not op.weight_norm:
        return weight
    over = tuple(range(1, weight.ndim)) if axes is None else axes
    gain = weights["gain"].reshape([1 if axis in over else -1 for axis in range(weight.ndim)])
    found: Array = weight * gain / np.sqrt((weight**2).sum(over, keepdims=True))
    return found


BORDERS = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def bordered(model: ModelBuilder, name: str, border: str, sides: Sides) -> str:
    """Append padding of the spatial axes, with the values of ``border``."""
    before, after = zip(*sides, strict=True)
    return model.add("Pad", name, whole(model, 0, 0, *before, 0, 0, *after), mode=BORDERS[border])


def channelwise(model: ModelBuilder, array: Array, rank: int) -> str:
    """Append one number per channel, shaped to broadcast over ``rank`` axes after the channels."""
    return model.constant(array.reshape(-1, *(1,) * rank))


def whole(model: ModelBuilder, *numbers: int) -> str:
    """Append a vector of integers."""
    return model.constant(list(numbers), np.int64)


def whole_number(model: ModelBuilder, number: int) -> str:
    """Append an integer without axes."""
    return model.constant(np.int64(number), np.int64)


def as_lists(names: Any, shapes: Any) -> tuple[list[str], list[Sizes]]:
    """Return the names and shapes of the inputs of an operator that may have one or several."""
    return ([names], [shapes]) if isinstance(names, str) else (names, shapes)


def filled_up(
    model: ModelBuilder, names: Sequence[str], shapes: Sequence[Sizes], rank: int | None = None, *, before: bool = False
) -> list[str]:
    """Append reshapes of tensors to one rank, by default the largest: with axes of size 1 after or before their own."""
    rank = max(map(len, shapes)) if rank is None else rank
    found = []
    for name, shape in zip(names, shapes, strict=True):
        ones = (1,) * (rank - len(shape))
        found.append(reshaped(model, name, *(*ones, *shape) if before else (*shape, *ones)) if ones else name)
    return found


def for_one_example(model: ModelBuilder, array: Array) -> str:
    """Append a stored array with a batch of one in front."""
    return model.add("Unsqueeze", model.constant(array), whole(model, 0))


def part(model: ModelBuilder, name: str, axis: int, start: int, stop: int, step: int = 1) -> str:
    """Append a slice of one axis of a tensor with the batch in front."""
    return model.add("Slice", name, *(whole(model, number) for number in (start, stop, axis, step)))


def reshaped(model: ModelBuilder, name: str, *sizes: int) -> str:
    """Append a reshape of every example; 0 keeps the batch."""
    return model.add("Reshape", name, whole(model, 0, *sizes))


def permuted(model: ModelBuilder, name: str, *order: int) -> str:
    """Append a transposition."""
    return model.add("Transpose", name, perm=list(order))


def axis_after_batch(op: Any) -> int:
    """Return the number of an operator's axis in a tensor with the batch in front."""
    return int(op.axis) + 1 if op.axis >= 0 else int(op.axis)


def scaled_and_shifted(model: ModelBuilder, name: str, rank: int, weights: Weights) -> str:
    """Append the product with the scale and the sum with the shift of a layer, if it has them."""
    if "scale" not in weights:
        return name
    scaled = model.add("Mul", name, channelwise(model, weights["scale"], rank))
    return model.add("Add", scaled, channelwise(model, weights["shift"], rank))


def named(kind: str, **attributes: Callable[[Any], Any]) -> LayerWriter:
    """Return a counterpart that appends ONNX's operator of this name, with attributes from those of archcalc's."""

    def append(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
        return model.add(kind, name, **{key: value(op) for key, value in attributes.items()})

    return append


def silu(model: ModelBuilder, name: str) -> str:
    """Append x·σ(x)."""
    return model.add("Mul", name, model.add("Sigmoid", name))


def gelu(model: ModelBuilder, name: str, form: str) -> str:
    """Append a GELU; before ONNX had the operator (opset 20), its formula."""
    if model.opset >= 20:
        return model.add("Gelu", name, approximate="tanh" if form == "tanh" else "none")
    if form == "tanh":
        cube = model.add("Mul", model.add("Mul", model.add("Mul", name, name), name), model.constant(0.044715))
        inner = model.add("Mul", model.add("Add", name, cube), model.constant(math.sqrt(2 / math.pi)))
        tail = model.add("Tanh", inner)
    else:
        tail = model.add("Erf", model.add("Mul", name, model.constant(math.sqrt(0.5))))
    half = model.add("Mul", name, model.constant(0.5))
    return model.add("Mul", half, model.add("Add", tail, model.constant(1.0)))
