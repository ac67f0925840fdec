"""Fully connected layers and their relatives."""

from __future__ import annotations

from math import prod
from typing import Any

from onnx import TensorProto

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import normalised, permuted, reshaped, whole
from archcalc.writers.onnx.registry import writes


@writes("fc")
def write_fc(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    stored = [model.constant(each) for each in (normalised(op, weights), *([weights["bias"]] if op.bias else []))]
    return model.add("Gemm", model.add("Flatten", name) if len(shape) > 1 else name, *stored, transB=1)


@writes("linear")
def write_linear(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    rank = len(shape)
    if op.axis == "channels":
        name = permuted(model, name, 0, *range(2, rank + 1), 1)
    name = model.add("MatMul", name, permuted(model, model.constant(normalised(op, weights)), 1, 0))
    if "bias" in weights:
        name = model.add("Add", name, model.constant(weights["bias"]))
    return permuted(model, name, 0, rank, *range(1, rank)) if op.axis == "channels" else name


@writes("rbf")
def write_rbf(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    flat = reshaped(model, name, 1, prod(shape))
    difference = model.add("Sub", flat, model.constant(weights["centre"]))
    return model.add("ReduceSumSquare", difference, whole(model, 2), keepdims=0)


@writes("embedding")
def write_embedding(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    indices = name if name in model.indices else model.add("Cast", name, to=TensorProto.INT64)
    return model.add("Gather", model.constant(weights["weight"]), indices)
