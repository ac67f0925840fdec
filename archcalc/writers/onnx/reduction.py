"""Means and sums over axes."""

from __future__ import annotations

from functools import partial
from typing import Any

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import axis_after_batch, whole
from archcalc.writers.onnx.registry import writes


def axes_after_batch(op: Any, shape: Sizes) -> list[int]:
    return [axis % len(shape) + 1 for axis in op.axis]


def write_reduction(kind: str, model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return model.add(kind, name, whole(model, *axes_after_batch(op, shape)), keepdims=int(op.keep))


@writes("cumsum")
def write_cumsum(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return model.add("CumSum", name, whole(model, axis_after_batch(op)))


for own, theirs in {"mean": "ReduceMean", "sum": "ReduceSum"}.items():
    writes(own)(partial(write_reduction, theirs))
