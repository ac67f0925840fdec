"""Selections by index and by size: indices are rounded, and limited to the axis."""

from __future__ import annotations

from math import prod
from typing import Any

from onnx import TensorProto

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import axis_after_batch, reshaped, whole
from archcalc.writers.onnx.registry import writes


def along(op: Any, shape: Sizes) -> int:
    return int(op.axis) % len(shape)


def rounded_indices(model: ModelBuilder, name: str, n: int) -> str:
    nearest = model.add("Clip", model.add("Round", name), model.constant(0.0), model.constant(float(n - 1)))
    return model.add("Cast", nearest, to=TensorProto.INT64)


@writes("take")
def write_take(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """Gather along the axis with the indices in a row, which are broadcast along all other axes."""
    (x, indices), (shape, places) = names, shapes
    at = along(op, shape)
    count = prod(places)
    others = [count if axis == at else 1 for axis in range(len(shape))]
    flat = reshaped(model, rounded_indices(model, indices, shape[at]), *others)
    sizes = [count if axis == at else n for axis, n in enumerate(shape)]
    full = model.add("Expand", flat, whole(model, 1, *sizes))
    found = model.add("GatherElements", x, full, axis=at + 1)
    return reshaped(model, found, *shape[:at], *places, *shape[at + 1 :])


@writes("gather")
def write_gather(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    at = along(op, shapes[0])
    return model.add("GatherElements", names[0], rounded_indices(model, names[1], shapes[0][at]), axis=at + 1)


@writes("scatter")
def write_scatter(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """Scatter elements along the axis, with indices for all positions of the other axes."""
    at, (x, indices, values) = along(op, shapes[0]), names
    places = rounded_indices(model, indices, shapes[0][at])
    if shapes[1] != shapes[2]:
        places = model.add("Expand", places, whole(model, 1, *shapes[2]))
    how = {"replace": "none", "sum": "add", "prod": "mul"}.get(op.how, op.how)
    return model.add("ScatterElements", x, places, values, axis=at + 1, reduction=how)


@writes("topk")
def write_topk(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> tuple[str, ...]:
    values, indices = model.add_all(
        "TopK", 2, name, whole(model, int(op.count)), axis=axis_after_batch(op), largest=int(not op.smallest)
    )
    return values, model.add("Cast", indices, to=model.element)
