"""Convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.writers.onnx.model import Array, ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import all_pads, bordered, normalised, whole
from archcalc.writers.onnx.registry import writes


@writes("conv")
def write_conv(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    weight = weights["weight"]
    if op.table is not None:  # a dense kernel that is zero where maps are not connected
        connected = np.array(op.table, bool).T
        dense = np.zeros((*connected.shape, *op.kernel), weight.dtype)
        dense[connected] = weight
        weights = {**weights, "weight": dense}
    weight = normalised(op, weights)
    if op.ws:
        axes = tuple(range(1, weight.ndim))
        wide = weight.astype(np.float64)
        weight = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)
    return convolution(model, op, name, shape, weight, weights.get("bias"), op.groups)


def convolution(
    model: ModelBuilder, op: Any, name: str, shape: Sizes, weight: Array, bias: Array | None, groups: int
) -> str:
    weight = np.flip(weight, tuple(range(2, weight.ndim))) if op.flip else weight
    stored = [model.constant(weight)] + ([] if bias is None else [model.constant(bias)])
    sides = op.paddings(shape)
    if op.border != "zeros":
        name, sides = bordered(model, name, op.border, sides), [(0, 0)] * len(sides)
    return model.add(
        "Conv",
        name,
        *stored,
        kernel_shape=list(op.kernel),
        strides=list(op.stride),
        dilations=list(op.dilation),
        pads=all_pads(sides),
        group=groups,
    )


@writes("dwconv")
def write_dwconv(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return convolution(model, op, name, shape, normalised(op, weights), weights.get("bias"), shape[0])


@writes("sepconv")
def write_sepconv(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    between = convolution(model, op, name, shape, weights["depthwise"], None, shape[0])
    stored = [normalised(op, weights, "pointwise"), *([weights["bias"]] if op.bias else [])]
    return model.add("Conv", between, *map(model.constant, stored))


def same_sizes(op: Any, sizes: Sizes, reach: list[int]) -> list[int]:
    """Return the output sizes of Keras for ``same``: n·s, and with output padding those of `deconv_output_length`."""
    if op.outpad is None:
        return [n * s for n, s in zip(sizes, op.stride, strict=True)]
    rows = zip(sizes, op.stride, reach, op.outpad, strict=True)
    return [(n - 1) * s + r - 2 * (r // 2) + more for n, s, r, more in rows]


@writes("upconv")
def write_upconv(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Cut the padding off the full result of ONNX's operator; zeros after the input make it longer where needed."""
    sizes = shape[1:]
    reach = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    full = [(n - 1) * s + r for n, s, r in zip(sizes, op.stride, reach, strict=True)]
    if op.pad == "same":  # Keras: n·s positions, the excess is cut off on both sides, an odd one at the end
        made = same_sizes(op, sizes, reach)
        starts = [max(size - m, 0) // 2 for size, m in zip(full, made, strict=True)]
        ends = [start + m for start, m in zip(starts, made, strict=True)]
    else:
        rows = _cut(op)
        starts = [before for before, _ in rows]
        ends = [
            size - after + more for size, (_, after), more in zip(full, rows, op.outpad or [0] * len(full), strict=True)
        ]
    missing = [max(-((size - end) // s), 0) for size, end, s in zip(full, ends, op.stride, strict=True)]
    if op.weight_norm:
        weight = weights["weight"].reshape(op.groups, -1, *weights["weight"].shape[1:])  # by groups of input channels
        norms = np.sqrt((weight**2).sum((1, *range(3, weight.ndim)), keepdims=True))
        weight = weight * weights["gain"].reshape(op.groups, 1, -1, *(1 for _ in sizes)) / norms
        weights = {**weights, "weight": weight.reshape(weights["weight"].shape)}
    room = whole(model, 0, 0, *(0 for _ in sizes), 0, 0, *missing)
    laid = model.add(
        "ConvTranspose",
        model.add("Pad", name, room),
        *(model.constant(weights[name]) for name in ("weight", "bias") if name in weights),
        kernel_shape=list(op.kernel),
        strides=list(op.stride),
        dilations=list(op.dilation),
        group=op.groups,
    )
    axes = range(2, 2 + len(sizes))
    return model.add("Slice", laid, *(whole(model, *numbers) for numbers in (starts, ends, axes)))


def _cut(op: Any) -> list[tuple[int, int]]:
    """Return the positions that padding cuts off at both ends of the full result of a transposed convolution."""
    if not isinstance(op.pad, str):
        return list(op.pad)
    margins = [d * (k - 1) for k, d in zip(op.kernel, op.dilation, strict=True)]
    return [({"valid": 0, "half": margin // 2, "full": margin}[op.pad],) * 2 for margin in margins]
