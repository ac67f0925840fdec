"""Upsampling, padding, cropping, ResNet's option A."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.writers.onnx.parts import BORDERS
from tests.operators.entry import MAP, Sizes, entry
from tests.operators.torch_parts import functional, layer, padded
from tests.operators.writer import Shape, Writer, draw_border, draw_stride, joined, per_axis, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_upsample(w: Writer, shape: Shape) -> str:
    to = w.among("", "to=")
    size = per_axis([w.whole(1, 8 if to else 3) for _ in shape[1:]])
    if not to and w.among(False, True):
        size = "x".join([f"({w.among('3/2', '5/3', *(['2/3'] if n > 1 else []))})" for n in shape[1:]])
    ways = ("nearest", "bilinear", "bilinear align_corners", "bicubic", "bicubic align_corners")
    return joined([f"upsample {to}{size}", w.among("", *ways)])


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


entry(
    "pad",
    draw=spatially(lambda w, s: margin(w, s, "pad")),
    torch=lambda op, s: layer(lambda x: padded(x, list(op.margin), border=op.border)),
    cases=[({"margin": ((1, 2), (0, 3)), "border": word}, (MAP,)) for word in BORDERS],
)
entry(
    "crop",
    draw=spatially(lambda w, s: margin(w, s, "crop")),
    torch=lambda op, s: layer(lambda x: padded(x, [(-before, -after) for before, after in op.margin])),
    cases=[({"margin": ((1, 2), (0, 3))}, (MAP,))],
)


def torch_padded_identity(op: Any, shape: Sizes) -> Module:
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in op.stride))
    missing = op.channels - shape[0]
    rank = len(op.stride)
    return layer(lambda x: functional.pad(x[steps], (0, 0) * rank + (0, missing)))


entry(
    "padded_identity",
    draw=spatially(lambda w, s: joined([f"padded_identity {w.whole(s[0], s[0] + 3)}", draw_stride(w, s)])),
    torch=torch_padded_identity,
    cases=[({"channels": 16, "stride": (2, 3)}, (MAP,))],
)
