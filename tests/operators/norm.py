"""Normalisation."""

from __future__ import annotations

import itertools
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.onnx_parts import Weights, channelwise, part, permuted, reshaped, scaled_and_shifted, whole
from tests.operators.torch_parts import by_rank, functional, layer, nn, padded, torch
from tests.operators.writer import Shape, Writer, joined, plain, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def onnx_batch_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    neutral = {"scale": np.ones(shape[0]), "shift": np.zeros(shape[0])} | dict(weights)
    stored = [model.constant(neutral[key]) for key in ("scale", "shift", "mean", "variance")]
    return model.add("BatchNormalization", name, *stored, epsilon=float(op.eps))


entry(
    "bn",
    draw=plain("bn", "bn noaffine", "bn eps=1e-3", "bn affine=0"),
    onnx=onnx_batch_norm,
    torch=lambda op, s: getattr(nn, f"BatchNorm{max(len(s) - 1, 1)}d")(s[0], float(op.eps), affine=op.affine),
    cases=[({}, (MAP,)), ({"affine": False}, (VECTOR,))],
)


def onnx_layer_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    rank = len(shape)
    together = {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]
    stored = [weights.get("scale", np.ones(together)), weights.get("shift", np.zeros(together))]
    if op.axis == "channels":
        name = permuted(model, name, 0, *range(2, rank + 1), 1)
    axis = 1 if op.axis == "all" else -1
    name = model.add("LayerNormalization", name, *map(model.constant, stored), axis=axis, epsilon=float(op.eps))
    return permuted(model, name, 0, rank, *range(1, rank)) if op.axis == "channels" else name


def torch_along_axis(kind: str, op: Any, shape: Sizes) -> Module:
    cls = getattr(nn, kind)
    if op.axis != "channels":
        return cls(shape if op.axis == "all" else shape[-1:], float(op.eps), op.affine)
    there, back = layer(lambda x: x.movedim(1, -1)), layer(lambda x: x.movedim(-1, 1))
    return nn.Sequential(there, cls(shape[:1], float(op.eps), op.affine), back)


entry(
    "ln",
    draw=plain("ln", "ln axis=last", "ln axis=channels noaffine", "ln axis=all eps=1e-6"),
    onnx=onnx_layer_norm,
    torch=partial(torch_along_axis, "LayerNorm"),
    cases=[({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
)


def onnx_l2_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    axes = {"all": range(1, len(shape) + 1), "last": [-1], "channels": [1]}[op.axis]
    length = model.add("ReduceL2", name, whole(model, *axes))
    return model.add("Div", name, model.add("Max", length, model.constant(float(op.eps))))


def torch_l2_norm(op: Any, shape: Sizes) -> Module:
    axes = {"all": tuple(range(1, len(shape) + 1)), "last": -1, "channels": 1}[op.axis]
    return layer(lambda x: functional.normalize(x, dim=axes, eps=float(op.eps)))


entry(
    "l2_norm",
    draw=plain("l2_norm", "l2_norm axis=last", "l2_norm axis=all eps=0.5"),
    onnx=onnx_l2_norm,
    torch=torch_l2_norm,
    cases=[({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
)


def onnx_rms_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Compose the norm from other operators: ONNX Runtime has RMSNormalization in opset 23 only."""
    axes = {"all": range(1, len(shape) + 1), "last": [-1], "channels": [1]}[op.axis]
    square = model.add("ReduceMean", model.add("Mul", name, name), whole(model, *axes))
    root = model.add("Sqrt", model.add("Add", square, model.constant(float(op.eps))))
    normalised = model.add("Div", name, root)
    if not op.affine:
        return normalised
    scale = weights["scale"]
    rank = len(shape) - 1
    return model.add(
        "Mul", normalised, channelwise(model, scale, rank) if op.axis == "channels" else model.constant(scale)
    )


entry(
    "rms_norm",
    draw=plain("rms_norm", "rms_norm axis=channels noaffine", "rms_norm axis=channels", "rms_norm axis=all eps=1e-6"),
    onnx=onnx_rms_norm,
    torch=partial(torch_along_axis, "RMSNorm"),
    cases=[({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
)


def onnx_instance_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    neutral = {"scale": np.ones(shape[0]), "shift": np.zeros(shape[0])} | dict(weights)
    stored = [model.constant(neutral[key]) for key in ("scale", "shift")]
    return model.add("InstanceNormalization", name, *stored, epsilon=float(op.eps))


def torch_instance_norm(op: Any, shape: Sizes) -> Module:
    if prod(shape[1:]) == 1:  # PyTorch refuses to normalise a single number: a group norm with one group per map
        return nn.GroupNorm(shape[0], shape[0], float(op.eps), op.affine)
    return by_rank("InstanceNorm", shape)(shape[0], float(op.eps), affine=op.affine)


entry(
    "in",
    draw=spatially(plain("in", "in affine")),
    onnx=onnx_instance_norm,
    torch=torch_instance_norm,
    cases=[({}, (MAP,)), ({"affine": True}, (MAP,))],
)


def onnx_group_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Compose the norm of small groups: ONNX Runtime subtracts the squared mean from the mean square, which cancels."""
    rank, together = len(shape) - 1, prod(shape) // op.groups
    if together >= 8:
        neutral = {"scale": np.ones(shape[0]), "shift": np.zeros(shape[0])} | dict(weights)
        stored = [model.constant(neutral[key]) for key in ("scale", "shift")]
        return model.add("GroupNormalization", name, *stored, num_groups=op.groups, epsilon=float(op.eps))
    rows = reshaped(model, name, op.groups, together)
    differences = model.add("Sub", rows, model.add("ReduceMean", rows, whole(model, 2)))
    variance = model.add("ReduceMean", model.add("Mul", differences, differences), whole(model, 2))
    deviation = model.add("Sqrt", model.add("Add", variance, model.constant(float(op.eps))))
    normalised = reshaped(model, model.add("Div", differences, deviation), *shape)
    return scaled_and_shifted(model, normalised, rank, weights)


entry(
    "gn",
    draw=lambda w, s: joined([f"gn {w.divisor(s[0])}", w.maybe("noaffine")]),
    onnx=onnx_group_norm,
    torch=lambda op, s: nn.GroupNorm(op.groups, s[0], float(op.eps), op.affine),
    cases=[({"groups": 4}, (MAP,)), ({"groups": 4, "affine": False}, (VECTOR,))],
)


def draw_lrn(w: Writer, shape: Shape) -> str:
    words = [w.among("lrn", "lrn 3", "lrn 2", "lrn size=4"), w.among("", "across", *["within"] * (len(shape) > 1))]
    return joined([*words, w.maybe("alpha=1e-3 beta=1/2 k=1")])


def onnx_local_response_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
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


def torch_local_response_norm(op: Any, shape: Sizes) -> Module:
    if op.region == "across":
        norm = nn.LocalResponseNorm(op.size, float(op.alpha * op.size), float(op.beta), float(op.k))  # divides alpha
        return layer(lambda x: norm(x[..., None])[..., 0] if x.dim() == 2 else norm(x))
    before = op.size // 2

    def run(x: Tensor) -> Tensor:
        squares = padded(x**2, [(before, op.size - 1 - before)] * (len(shape) - 1))
        for axis in range(2, x.dim()):
            squares = squares.unfold(axis, op.size, 1).sum(-1)
        return x / (op.k + float(op.alpha) * squares) ** float(op.beta)

    return layer(run)


entry(
    "lrn",
    draw=draw_lrn,
    onnx=onnx_local_response_norm,
    torch=torch_local_response_norm,
    cases=[({}, (MAP,)), ({"size": 4, "region": "within"}, (MAP,))],
)


def draw_standardize(w: Writer, shape: Shape) -> str:
    def each(*values: str) -> str:
        return "x".join(w.among(*values) for _ in range(w.among(1, shape[0])))

    return f"standardize mean={each('0.5', '0', '(1/3)')} std={each('0.25', '1', '2e-1')}"


def onnx_standardize(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    mean, std = (channelwise(model, np.array([float(x) for x in each]), len(shape) - 1) for each in (op.mean, op.std))
    return model.add("Div", model.add("Sub", name, mean), std)


def torch_standardize(op: Any, shape: Sizes) -> Module:
    each = (-1, *(1,) * (len(shape) - 1))
    mean, std = (torch.tensor([float(x) for x in numbers]) for numbers in (op.mean, op.std))
    return layer(lambda x: (x - mean.view(each)) / std.view(each), mean=mean, std=std)


entry(
    "standardize",
    draw=draw_standardize,
    onnx=onnx_standardize,
    torch=torch_standardize,
    cases=[({"mean": (3,), "std": (2,)}, (MAP,)), ({"mean": (3,) * 12, "std": (2,) * 12}, (MAP,))],
)
