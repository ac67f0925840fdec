"""Gated linear units."""

from __future__ import annotations

from functools import partial
from typing import Any

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import axis_after_batch, gelu, part, silu
from archcalc.writers.onnx.registry import writes


def write_gated(kind: str, model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    axis = axis_after_batch(op) % (len(shape) + 1)
    half = shape[axis - 1] // 2
    first, second = (part(model, name, axis, start, start + half) for start in (0, half))
    if kind == "glu":
        return model.add("Mul", first, model.add("Sigmoid", second))
    if kind == "swiglu":
        return model.add("Mul", silu(model, first), second)
    return model.add("Mul", gelu(model, first, op.form), second)


for kind in ("glu", "swiglu", "geglu"):
    writes(kind)(partial(write_gated, kind))
