"""Layers that read at positions that other tensors contain."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import all_pads, as_lists, normalised, part, permuted, whole, whole_number
from archcalc.writers.onnx.registry import writes


@writes("deform_conv")
def write_deform_conv(model: ModelBuilder, op: Any, name: Any, shape: Any, weights: Weights) -> str:
    names, shapes = as_lists(name, shape)
    sides = op.paddings(shapes[0])
    window = {"kernel_shape": list(op.kernel), "strides": list(op.stride), "dilations": list(op.dilation)}
    window["pads"] = all_pads(sides)
    given = dict(zip(op.tensor_arguments(), names[1:], strict=True))
    if not op.offset:
        stored = [model.constant(weights[f"offset_{each}"]) for each in ("weight", "bias")]
        made = model.add("Conv", names[0], *stored, **window)
        taps = op.offset_groups * prod(op.kernel)
        given["offset"] = part(model, made, 1, 0, 2 * taps)
        if op.modulated:
            given["mask"] = model.add("Sigmoid", part(model, made, 1, 2 * taps, 3 * taps))
    bias = model.constant(weights["bias"]) if op.bias else ""
    inputs = [names[0], model.constant(normalised(op, weights)), given["offset"], bias]
    inputs += [given["mask"]] if "mask" in given else []
    return model.add("DeformConv", *inputs, group=op.groups, offset_group=op.offset_groups, **window)


@writes("roi_align")
def write_roi_align(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    x, boxes = names
    count = shapes[1][0]
    batch = model.add("Squeeze", model.add("Shape", x, start=0, end=1))
    examples = model.add("Range", whole_number(model, 0), batch, whole_number(model, 1))
    owners = model.add("Expand", model.add("Unsqueeze", examples, whole(model, 1)), whole(model, 1, count))
    found = model.add(
        "RoiAlign",
        x,
        model.add("Reshape", boxes, whole(model, -1, 4)),
        model.add("Reshape", owners, whole(model, -1)),
        output_height=op.size[0],
        output_width=op.size[1],
        mode="max" if op.how == "max" else "avg",
        sampling_ratio=op.samples,
        spatial_scale=float(op.scale),
        coordinate_transformation_mode="half_pixel" if op.aligned else "output_half_pixel",
    )
    apart = model.add("Reshape", found, whole(model, -1, count, shapes[0][0], *op.size))
    return permuted(model, apart, 0, 2, 1, 3, 4)
