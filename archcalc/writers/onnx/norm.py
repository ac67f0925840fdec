"""Normalisation."""

from __future__ import annotations

import itertools
from math import prod
from typing import Any

import numpy as np

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import channelwise, part, permuted, reshaped, scaled_and_shifted, whole
from archcalc.writers.onnx.registry import writes


def affine(model: ModelBuilder, weights: Weights, shape: Sizes) -> list[str]:
    """Append scale and shift; ones and zeros in place of those that a layer does not have."""
    neutral = {"scale": 1.0, "shift": 0.0}
    return [
        model.constant(weights[name]) if name in weights else model.repeated(number, shape)
        for name, number in neutral.items()
    ]


@writes("bn")
def write_batch_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    stored = [*affine(model, weights, shape[:1]), *(model.constant(weights[key]) for key in ("mean", "variance"))]
    return model.add("BatchNormalization", name, *stored, epsilon=float(op.eps))


@writes("ln")
def write_layer_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    rank = len(shape)
    together = {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]
    stored = affine(model, weights, together)
    if op.axis == "channels":
        name = permuted(model, name, 0, *range(2, rank + 1), 1)
    axis = 1 if op.axis == "all" else -1
    name = model.add("LayerNormalization", name, *stored, axis=axis, epsilon=float(op.eps))
    return permuted(model, name, 0, rank, *range(1, rank)) if op.axis == "channels" else name


def normalised_axes(model: ModelBuilder, op: Any, shape: Sizes) -> str:
    """Append the axes over which a norm is taken."""
    return whole(model, *{"all": range(1, len(shape) + 1), "last": [-1], "channels": [1]}[op.axis])


@writes("l2_norm")
def write_l2_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    length = model.add("ReduceL2", name, normalised_axes(model, op, shape))
    return model.add("Div", name, model.add("Max", length, model.constant(float(op.eps))))


@writes("rms_norm")
def write_rms_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Compose the norm from other operators: ONNX Runtime has RMSNormalization in opset 23 only."""
    square = model.add("ReduceMean", model.add("Mul", name, name), normalised_axes(model, op, shape))
    root = model.add("Sqrt", model.add("Add", square, model.constant(float(op.eps))))
    normalised = model.add("Div", name, root)
    if not op.affine:
        return normalised
    scale = weights["scale"]
    rank = len(shape) - 1
    return model.add(
        "Mul", normalised, channelwise(model, scale, rank) if op.axis == "channels" else model.constant(scale)
    )


@writes("in")
def write_instance_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    stored = affine(model, weights, shape[:1])
    return model.add("InstanceNormalization", name, *stored, epsilon=float(op.eps))


@writes("gn")
def write_group_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Compose the norm of small groups, where ONNX Runtime subtracts the squared mean from the mean square, which
    cancels; and before opset 21, where scale and shift belong to groups."""
    rank, together = len(shape) - 1, prod(shape) // op.groups
    if together >= 8 and model.opset >= 21:
        stored = affine(model, weights, shape[:1])
        return model.add("GroupNormalization", name, *stored, num_groups=op.groups, epsilon=float(op.eps))
    rows = reshaped(model, name, op.groups, together)
    differences = model.add("Sub", rows, model.add("ReduceMean", rows, whole(model, 2)))
    variance = model.add("ReduceMean", model.add("Mul", differences, differences), whole(model, 2))
    deviation = model.add("Sqrt", model.add("Add", variance, model.constant(float(op.eps))))
    normalised = reshaped(model, model.add("Div", differences, deviation), *shape)
    return scaled_and_shifted(model, normalised, rank, weights)


@writes("lrn")
def write_local_response_norm(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Use ONNX's operator, which divides alpha by the size, for odd sizes across the channels of images only."""
    if op.region == "across" and op.size % 2 and len(shape) == 3 and model.dtype == np.float32:
        alpha = float(op.alpha) * op.size
        return model.add("LRN", name, size=op.size, alpha=alpha, beta=float(op.beta), bias=float(op.k))
    axes = [1] if op.region == "across" else list(range(2, len(shape) + 1))
    before, after = op.size // 2, op.size - 1 - op.size // 2
    sides = [[side if axis in axes else 0 for axis in range(len(shape) + 1)] for side in (before, after)]
    squares = model.add("Pad", model.add("Mul", name, name), whole(model, *sides[0], *sides[1]))
    terms = []
    for shift in itertools.product(range(op.size), repeat=len(axes)):
        term = squares
        for axis, first in zip(axes, shift, strict=True):
            term = part(model, term, axis, first, first + shape[axis - 1])
        terms.append(term)
    summed = model.add("Mul", model.add("Sum", *terms), model.constant(float(op.alpha)))
    base = model.add("Add", summed, model.constant(float(op.k)))
    return model.add("Div", name, model.add("Pow", base, model.constant(float(op.beta))))


@writes("standardize")
def write_standardize(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    mean, std = (channelwise(model, np.array([float(x) for x in each]), len(shape) - 1) for each in (op.mean, op.std))
    return model.add("Div", model.add("Sub", name, mean), std)
