"""Normalisations, activations, resampling, structure and joins in ONNX; see `tests.executor.onnx_models`.

Where ONNX has the operator it is used; where it has not, or ONNX Runtime has it for some shapes only, the layer is put
together from operators that it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from tests.executor.onnx_models import Array, Model, channelwise, counterpart

Sizes = tuple[int, ...]
Single = Callable[[Model, Any, str, Sizes, Mapping[str, Array]], str]


def single(*operators: str) -> Callable[[Single], Single]:
    """Decorator: this function appends these operators, which read one tensor."""

    def register(function: Single) -> Single:
        def append(model: Model, op: Any, inputs: list[str], shapes: list[Sizes], weights: Mapping[str, Array]) -> str:
            return function(model, op, inputs[0], shapes[0], weights)

        counterpart(*operators)(append)
        return function

    return register


def whole(model: Model, *numbers: int) -> str:
    return model.constant(list(numbers), np.int64)


def part(model: Model, name: str, axis: int, start: int, stop: int, step: int = 1) -> str:
    """Positions of one axis of a tensor with the batch in front."""
    return model.add("Slice", name, *(whole(model, number) for number in (start, stop, axis, step)))


def reshaped(model: Model, name: str, *sizes: int) -> str:
    """Another shape for every example; 0 keeps the batch."""
    return model.add("Reshape", name, whole(model, 0, *sizes))


def permuted(model: Model, name: str, *order: int) -> str:
    return model.add("Transpose", name, perm=list(order))


def scaled_and_shifted(model: Model, name: str, rank: int, weights: Mapping[str, Array]) -> str:
    if "scale" not in weights:
        return name
    scaled = model.add("Mul", name, channelwise(model, weights["scale"], rank))
    return model.add("Add", scaled, channelwise(model, weights["shift"], rank))


# --- normalisation ---


@single("bn")
def batch_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    neutral = {"scale": np.ones(shape[0]), "shift": np.zeros(shape[0])} | dict(weights)
    stored = [model.constant(neutral[key]) for key in ("scale", "shift", "mean", "variance")]
    return model.add("BatchNormalization", name, *stored, epsilon=float(op.eps))


@single("ln")
def layer_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    rank = len(shape)
    together = {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]
    stored = [weights.get("scale", np.ones(together)), weights.get("shift", np.zeros(together))]
    if op.axis == "channels":
        name = permuted(model, name, 0, *range(2, rank + 1), 1)
    axis = 1 if op.axis == "all" else -1
    name = model.add("LayerNormalization", name, *map(model.constant, stored), axis=axis, epsilon=float(op.eps))
    return permuted(model, name, 0, rank, *range(1, rank)) if op.axis == "channels" else name


@single("in")
def instance_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    neutral = {"scale": np.ones(shape[0]), "shift": np.zeros(shape[0])} | dict(weights)
    stored = [model.constant(neutral[key]) for key in ("scale", "shift")]
    return model.add("InstanceNormalization", name, *stored, epsilon=float(op.eps))


@single("gn")
def group_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    """ONNX Runtime subtracts the square of the mean from the mean square: of a few close numbers too little is left."""
    rank, together = len(shape) - 1, math.prod(shape) // op.groups
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


@single("lrn")
def local_response_norm(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    """ONNX divides alpha by the size. Its operator is for pictures and sums over the channels on both sides alike."""
    if op.region == "across" and op.size % 2 and len(shape) == 3 and model.dtype == np.float32:
        alpha = float(op.alpha) * op.size
        return model.add("LRN", name, size=op.size, alpha=alpha, beta=float(op.beta), bias=float(op.k))
    axes = [1] if op.region == "across" else list(range(2, len(shape) + 1))
    before, after = op.size // 2, op.size - 1 - op.size // 2
    sides = [[side if axis in axes else 0 for axis in range(len(shape) + 1)] for side in (before, after)]
    squares = model.add("Pad", model.add("Mul", name, name), whole(model, *sides[0], *sides[1]))
    terms = []
    for shift in product(range(op.size), repeat=len(axes)):
        term = squares
        for axis, first in zip(axes, shift, strict=True):
            term = part(model, term, axis, first, first + shape[axis - 1])
        terms.append(term)
    summed = model.add("Mul", model.add("Sum", *terms), model.constant(float(op.alpha)))
    base = model.add("Add", summed, model.constant(float(op.k)))
    return model.add("Div", name, model.add("Pow", base, model.constant(float(op.beta))))


@single("standardize")
def standardize(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    mean, std = (channelwise(model, np.array([float(x) for x in each]), len(shape) - 1) for each in (op.mean, op.std))
    return model.add("Div", model.add("Sub", name, mean), std)


# --- activations ---


def named(kind: str, **attributes: Callable[[Any], Any]) -> Single:
    """The operator of ONNX of this name, with attributes made from ours."""

    def append(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
        return model.add(kind, name, **{key: value(op) for key, value in attributes.items()})

    return append


def axis_of(op: Any) -> int:
    return int(op.axis) + 1 if op.axis >= 0 else int(op.axis)


single("relu")(named("Relu"))
single("leaky_relu")(named("LeakyRelu", alpha=lambda op: float(op.slope)))
single("elu")(named("Elu", alpha=lambda op: float(op.alpha)))
single("selu")(named("Selu"))
single("gelu")(named("Gelu", approximate=lambda op: {"exact": "none", "tanh": "tanh"}[op.form]))
single("mish")(named("Mish"))
single("sigmoid")(named("Sigmoid"))
single("tanh")(named("Tanh"))
single("hardswish")(named("HardSwish"))
single("hardsigmoid")(named("HardSigmoid", alpha=lambda op: 1 / 6, beta=lambda op: 0.5))
single("softplus")(named("Softplus"))
single("softmax")(named("Softmax", axis=axis_of))
single("log_softmax")(named("LogSoftmax", axis=axis_of))
single("dropout", "spatial_dropout")(named("Dropout"))
single("flatten")(named("Flatten", axis=lambda op: 1))
single("identity")(named("Identity"))


@single("relu6")
def relu6(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    return model.add("Clip", name, model.constant(0), model.constant(6))


@single("prelu")
def prelu(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    return model.add("PRelu", name, channelwise(model, weights["slope"], len(shape) - 1))


@single("silu")
def silu(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    return model.add("Mul", name, model.add("Sigmoid", name))


@single("scale")
def scale(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    return model.add("Mul", name, model.constant(float(op.factor)))


@single("maxout")
def maxout(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    pieces = reshaped(model, name, shape[0] // op.pieces, op.pieces, *shape[1:])
    return model.add("ReduceMax", pieces, whole(model, 2), keepdims=0)


# --- structure ---


@single("reshape")
def reshape(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    return reshaped(model, name, *op.shape)


@single("transpose")
def transpose(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    return permuted(model, name, 0, *(axis + 1 for axis in op.order))


@single("shuffle")
def shuffle(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    table = reshaped(model, name, op.groups, shape[0] // op.groups, *shape[1:])
    turned = permuted(model, table, 0, 2, 1, *range(3, len(shape) + 2))
    return reshaped(model, turned, *shape)


@single("split")
def split(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    from onnx import helper

    parts = [f"{name}_part_{i}_of_{len(model.nodes)}" for i in range(op.parts)]
    model.nodes.append(helper.make_node("Split", [name], parts, axis=axis_of(op), num_outputs=op.parts))
    return parts[op.part]


@single("slice")
def cut(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    first, end = op.range
    start, stop = 0 if first is None else first, shape[op.axis] if end is None else end
    return part(model, name, axis_of(op), start, stop, op.step)


# --- resampling ---


@single("upsample")
def upsample(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    """Axis by axis, because ONNX Runtime interpolates over some numbers of axes only.

    It works out nearest positions with a rounded ratio (21 to 3 takes 6, not 7, as the second): it is asked where the
    ratio is whole.
    """
    for axis, n in enumerate(shape[1:], start=2):
        size = n * op.scale[axis - 2] if op.scale is not None else op.to[axis - 2]
        if op.mode == "nearest" and size % n:
            name = model.add("Gather", name, whole(model, *(i * n // size for i in range(size))), axis=axis)
            continue
        if op.mode == "nearest":
            how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        else:
            coordinates = "align_corners" if op.align_corners else "half_pixel"
            how = {"mode": "linear", "coordinate_transformation_mode": coordinates}
        last = [*(other for other in range(len(shape) + 1) if other != axis), axis]
        turned = permuted(model, name, *last)
        flat = model.add("Reshape", turned, whole(model, -1, n))
        rows = model.add("Unsqueeze", flat, whole(model, 0, 1))
        resized = model.add("Resize", rows, "", "", sizes_of(model, rows, size), **how)
        like = model.add("Shape", turned)
        kept = model.add("Slice", like, whole(model, 0), whole(model, len(shape)))
        back = model.add("Reshape", resized, model.add("Concat", kept, whole(model, size), axis=0))
        name = permuted(model, back, *(last.index(place) for place in range(len(shape) + 1)))
    return name


def sizes_of(model: Model, rows: str, size: int) -> str:
    kept = model.add("Slice", model.add("Shape", rows), whole(model, 0), whole(model, 3))
    return model.add("Concat", kept, whole(model, size), axis=0)


@single("pad")
def pad(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    before, after = zip(*op.margin, strict=True)
    return model.add("Pad", name, whole(model, 0, 0, *before, 0, 0, *after))


@single("crop")
def crop(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    before, after = zip(*op.margin, strict=True)
    return model.add("Pad", name, whole(model, 0, 0, *(-side for side in before), 0, 0, *(-side for side in after)))


@single("padded_identity")
def padded_identity(model: Model, op: Any, name: str, shape: Sizes, weights: Mapping[str, Array]) -> str:
    for axis, (n, step) in enumerate(zip(shape[1:], op.stride, strict=True), start=2):
        name = part(model, name, axis, 0, n, step)
    rank = len(shape) - 1
    return model.add("Pad", name, whole(model, *[0] * (rank + 2), 0, op.channels - shape[0], *[0] * rank))


# --- joins ---


def joined(kind: str) -> Callable[..., str]:
    def append(model: Model, op: Any, inputs: list[str], shapes: list[Sizes], weights: Mapping[str, Array]) -> str:
        rank = max(map(len, shapes))
        aligned = [
            name if len(shape) == rank else reshaped(model, name, *shape, *(1,) * (rank - len(shape)))
            for name, shape in zip(inputs, shapes, strict=True)
        ]
        return reduce(lambda one, other: model.add(kind, one, other), aligned)

    return append


counterpart("add")(joined("Add"))
counterpart("sub")(joined("Sub"))
counterpart("mul")(joined("Mul"))
counterpart("max")(joined("Max"))


@counterpart("concat")
def concat(model: Model, op: Any, inputs: list[str], shapes: list[Sizes], weights: Mapping[str, Array]) -> str:
    along = op.axis % len(shapes[0])
    smallest = [min(column) for column in zip(*shapes, strict=True)]
    cropped = []
    for name, shape in zip(inputs, shapes, strict=True):
        for axis, (n, m) in enumerate(zip(shape, smallest, strict=True)):
            if op.crop == "smallest" and axis not in (0, along):
                first = (n - m) // 2
                name = part(model, name, axis + 1, first, first + m)
        cropped.append(name)
    return model.add("Concat", *cropped, axis=along + 1)
