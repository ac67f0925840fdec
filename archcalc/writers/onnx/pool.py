"""Pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import all_pads, channelwise, named, part, whole
from archcalc.writers.onnx.registry import writes


def pooled(model: ModelBuilder, op: Any, kind: str, name: str, shape: Sizes, **more: Any) -> str:
    return model.add(
        kind,
        name,
        kernel_shape=list(op.kernel),
        strides=list(op.stride or op.kernel),
        dilations=list(op.dilation),
        pads=all_pads(op.paddings(shape)),
        ceil_mode=int(op.ceil),
        **more,
    )


@writes("avgpool")
def write_avgpool(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return pooled(model, op, "AveragePool", name, shape, count_include_pad=int(op.count_include_pad))


@writes("subsample")
def write_subsample(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Sum the windows with a depthwise convolution with ones; with ``ceil``, the missing positions are zeros."""
    channels, *sizes = shape
    stride = op.stride or op.kernel
    rows = []
    for n, k, s, d, (before, after) in zip(sizes, op.kernel, stride, op.dilation, op.paddings(shape), strict=True):
        starts = [i for i in range(0, n + before, s) if i + d * (k - 1) < n + before + after + (s - 1) * op.ceil]
        rows.append((before, starts[-1] + d * (k - 1) + 1 - n - before))
    # positions that no window reaches are cut off, so the padding after an axis may be negative, which Conv refuses
    padded = model.add("Pad", name, whole(model, *all_pads([(0, 0), (0, 0), *rows])))
    ones = model.constant(np.ones((channels, 1, *op.kernel)))
    summed = model.add(
        "Conv",
        padded,
        ones,
        kernel_shape=list(op.kernel),
        strides=list(stride),
        dilations=list(op.dilation),
        group=channels,
    )
    scaled = model.add("Mul", summed, channelwise(model, weights["coefficient"], len(sizes)))
    return model.add("Add", scaled, channelwise(model, weights["bias"], len(sizes)))


@writes("adaptive_avgpool", "adaptive_maxpool")
def write_adaptive(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Cut out the parts of each axis in turn, reduce and join them. Averages of averages are averages here, because all
    windows along one axis are reduced before the next axis is cut."""
    kind = "ReduceMean" if op.name == "adaptive_avgpool" else "ReduceMax"
    for axis, (n, m) in enumerate(zip(shape[1:], op.size, strict=True), start=2):
        parts = []
        for i in range(m):
            cut = part(model, name, axis, i * n // m, -(-(i + 1) * n // m))
            parts.append(model.add(kind, cut, whole(model, axis), keepdims=1))
        name = model.add("Concat", *parts, axis=axis)
    return name


writes("maxpool")(lambda model, op, name, shape, weights: pooled(model, op, "MaxPool", name, shape))
writes("gap")(named("GlobalAveragePool"))
writes("gmp")(named("GlobalMaxPool"))
