"""Operators that rearrange or select numbers."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import axis_after_batch, named, part, permuted, reshaped
from archcalc.writers.onnx.registry import writes


@writes("transpose")
def write_transpose(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return permuted(model, name, 0, *(axis + 1 for axis in op.order))


@writes("shuffle")
def write_shuffle(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    table = reshaped(model, name, op.groups, shape[0] // op.groups, *shape[1:])
    transposed = permuted(model, table, 0, 2, 1, *range(3, len(shape) + 2))
    return reshaped(model, transposed, *shape)


@writes("roll")
def write_roll(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    axis = op.axis % len(shape)
    n = shape[axis]
    cut = -op.shift % n
    if not cut:
        return name
    return model.add("Concat", part(model, name, axis + 1, cut, n), part(model, name, axis + 1, 0, cut), axis=axis + 1)


@writes("split")
def write_split(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    parts = model.add_all("Split", op.parts, name, axis=axis_after_batch(op), num_outputs=op.parts)
    return parts[int(op.part)]


@writes("slice")
def write_slice(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    first, end = op.range
    start, stop = 0 if first is None else first, shape[op.axis] if end is None else end
    return part(model, name, axis_after_batch(op), start, stop, op.step)


writes("identity")(named("Identity"))
writes("flatten")(named("Flatten", axis=lambda op: 1))
writes("reshape")(lambda model, op, name, shape, weights: reshaped(model, name, *op.shape))
