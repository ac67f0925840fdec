"""Upsampling, padding, cropping, ResNet's option A."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.entry import MAP, Sizes, entry
from tests.operators.onnx_parts import BORDERS, Weights, bordered, part, permuted, whole
from tests.operators.torch_parts import functional, layer, padded
from tests.operators.writer import Shape, Writer, draw_border, draw_stride, joined, per_axis, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def draw_upsample(w: Writer, shape: Shape) -> str:
    to = w.among("", "to=")
    size = per_axis([w.whole(1, 8 if to else 3) for _ in shape[1:]])
    if not to and w.among(False, True):
        size = "x".join([f"({w.among('3/2', '5/3', *(['2/3'] if n > 1 else []))})" for n in shape[1:]])
    ways = ("nearest", "bilinear", "bilinear align_corners", "bicubic", "bicubic align_corners")
    return joined([f"upsample {to}{size}", w.among("", *ways)])


def onnx_upsample(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
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


def resized_sizes(model: Model, rows: str, size: int) -> str:
    kept = model.add("Slice", model.add("Shape", rows), whole(model, 0), whole(model, 3))
    return model.add("Concat", kept, whole(model, size), axis=0)


def torch_upsample(op: Any, shape: Sizes) -> Module:
    linear = op.mode == "bilinear"
    if op.mode == "bicubic" and len(shape) != 3:
        return torch_bicubic(op, shape)
    mode = ("", "linear", "bilinear", "trilinear")[len(shape) - 1] if linear else op.mode
    how: dict[str, Any] = {"mode": mode}
    how |= {"align_corners": op.align_corners} if op.mode != "nearest" else {}
    how |= {"size": op.to} if op.scale is None else {"scale_factor": tuple(map(float, op.scale))}
    return layer(lambda x: functional.interpolate(x, **how))


def torch_bicubic(op: Any, shape: Sizes) -> Module:
    """Interpolate axis by axis: PyTorch accepts images only, so the other axis has one row."""

    def run(x: Tensor) -> Tensor:
        for axis in range(2, x.dim()):
            lines = x.movedim(axis, -1)
            how: dict[str, Any] = {"mode": "bicubic", "align_corners": op.align_corners}
            if op.scale is None:
                how["size"] = (1, op.to[axis - 2])
            else:
                how["scale_factor"] = (1.0, float(op.scale[axis - 2]))
            found = functional.interpolate(lines.reshape(1, -1, 1, lines.shape[-1]), **how)
            x = found.reshape(*lines.shape[:-1], -1).movedim(-1, axis)
        return x

    return layer(run)


entry(
    "upsample",
    draw=spatially(draw_upsample),
    onnx=onnx_upsample,
    torch=torch_upsample,
    cases=[
        ({"scale": (2, 3)}, (MAP,)),
        ({"scale": (2, 3), "mode": "bilinear"}, (MAP,)),
        ({"to": (7, 31)}, (MAP,)),
        ({"to": (7, 31), "mode": "bilinear"}, (MAP,)),
        ({"to": (7, 31), "mode": "bicubic"}, (MAP,)),
        ({"scale": (2, 3), "mode": "bicubic"}, (MAP,)),
        ({"to": (7, 31), "mode": "bicubic", "align_corners": True}, (MAP,)),
        ({"to": (1, 31), "mode": "bilinear", "align_corners": True}, (MAP,)),
    ],
)


def margin(w: Writer, shape: Shape, name: str) -> str:
    most = min(3, (min(shape[1:]) - 1) // 2) if name == "crop" else 3
    border = draw_border(w, shape[1:], [most] * (len(shape) - 1)) if name == "pad" else ""
    sides = [
        f"{w.whole(0, most)}:{w.whole(0, most)}" if w.among(True, False) else str(w.whole(0, most)) for _ in shape[1:]
    ]
    return joined([name, "x".join(sides[:1] if w.among(True, False) else sides), border])


def onnx_pad(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return bordered(model, name, op.border, op.margin)


def onnx_crop(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    before, after = zip(*op.margin, strict=True)
    return model.add("Pad", name, whole(model, 0, 0, *(-side for side in before), 0, 0, *(-side for side in after)))


entry(
    "pad",
    draw=spatially(lambda w, s: margin(w, s, "pad")),
    onnx=onnx_pad,
    torch=lambda op, s: layer(lambda x: padded(x, list(op.margin), border=op.border)),
    cases=[({"margin": ((1, 2), (0, 3)), "border": word}, (MAP,)) for word in BORDERS],
)
entry(
    "crop",
    draw=spatially(lambda w, s: margin(w, s, "crop")),
    onnx=onnx_crop,
    torch=lambda op, s: layer(lambda x: padded(x, [(-before, -after) for before, after in op.margin])),
    cases=[({"margin": ((1, 2), (0, 3))}, (MAP,))],
)


def onnx_padded_identity(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    for axis, (n, step) in enumerate(zip(shape[1:], op.stride, strict=True), start=2):
        name = part(model, name, axis, 0, n, step)
    rank = len(shape) - 1
    return model.add("Pad", name, whole(model, *[0] * (rank + 2), 0, op.channels - shape[0], *[0] * rank))


def torch_padded_identity(op: Any, shape: Sizes) -> Module:
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in op.stride))
    missing = op.channels - shape[0]
    rank = len(op.stride)
    return layer(lambda x: functional.pad(x[steps], (0, 0) * rank + (0, missing)))


entry(
    "padded_identity",
    draw=spatially(lambda w, s: joined([f"padded_identity {w.whole(s[0], s[0] + 3)}", draw_stride(w, s)])),
    onnx=onnx_padded_identity,
    torch=torch_padded_identity,
    cases=[({"channels": 16, "stride": (2, 3)}, (MAP,))],
)
