"""Upsampling, padding, cropping, ResNet's option A."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import bordered, part, permuted, whole
from archcalc.writers.onnx.registry import writes


@writes("upsample")
def write_upsample(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Resize axis by axis, because ONNX Runtime interpolates over some numbers of axes only.

    It computes nearest positions with a rounded ratio (from 21 to 3 positions, the second is 6, not 7), so its nearest
    mode is used only where the ratio is an integer.
    """
    for axis, n in enumerate(shape[1:], start=2):
        times = Fraction(op.scale[axis - 2]) if op.scale is not None else Fraction(op.to[axis - 2], n)
        size = floor(n * times)
        if op.mode == "nearest" and times.denominator > 1:
            name = model.add("Gather", name, whole(model, *(floor(i / times) for i in range(size))), axis=axis)
            continue
        if op.mode == "nearest":
            how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        else:
            coordinates = "align_corners" if op.align_corners else "half_pixel"
            mode = "linear" if op.mode == "bilinear" else "cubic"
            how = {"mode": mode, "coordinate_transformation_mode": coordinates}
        last = [*(other for other in range(len(shape) + 1) if other != axis), axis]
        turned = permuted(model, name, *last)
        flat = model.add("Reshape", turned, whole(model, -1, n))
        rows = model.add("Unsqueeze", flat, whole(model, 0, 1))
        if op.scale is not None and times.denominator > 1:
            scales = model.constant([1, 1, 1, float(times)], np.float32)
            resized = model.add("Resize", rows, "", scales, **how)
        else:
            resized = model.add("Resize", rows, "", "", resized_sizes(model, rows, size), **how)
        like = model.add("Shape", turned)
        kept = model.add("Slice", like, whole(model, 0), whole(model, len(shape)))
        back = model.add("Reshape", resized, model.add("Concat", kept, whole(model, size), axis=0))
        name = permuted(model, back, *(last.index(place) for place in range(len(shape) + 1)))
    return name


def resized_sizes(model: ModelBuilder, rows: str, size: int) -> str:
    kept = model.add("Slice", model.add("Shape", rows), whole(model, 0), whole(model, 3))
    return model.add("Concat", kept, whole(model, size), axis=0)


@writes("pad")
def write_pad(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return bordered(model, name, op.border, op.margin)


@writes("crop")
def write_crop(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    before, after = zip(*op.margin, strict=True)
    return model.add("Pad", name, whole(model, 0, 0, *(-side for side in before), 0, 0, *(-side for side in after)))


@writes("padded_identity")
def write_padded_identity(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    for axis, (n, step) in enumerate(zip(shape[1:], op.stride, strict=True), start=2):
        name = part(model, name, axis, 0, n, step)
    rank = len(shape) - 1
    return model.add("Pad", name, whole(model, *[0] * (rank + 2), 0, op.channels - shape[0], *[0] * rank))
