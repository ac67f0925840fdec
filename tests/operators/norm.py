"""Normalisation."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.torch_parts import by_rank, functional, layer, nn, padded, torch
from tests.operators.writer import Shape, Writer, joined, plain, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


entry(
    "bn",
    draw=plain("bn", "bn noaffine", "bn eps=1e-3", "bn affine=0"),
    torch=lambda op, s: getattr(nn, f"BatchNorm{max(len(s) - 1, 1)}d")(s[0], float(op.eps), affine=op.affine),
    cases=[({}, (MAP,)), ({"affine": False}, (VECTOR,))],
)


def torch_along_axis(kind: str, op: Any, shape: Sizes) -> Module:
    cls = getattr(nn, kind)
    if op.axis != "channels":
        return cls(shape if op.axis == "all" else shape[-1:], float(op.eps), op.affine)
    there, back = layer(lambda x: x.movedim(1, -1)), layer(lambda x: x.movedim(-1, 1))
    return nn.Sequential(there, cls(shape[:1], float(op.eps), op.affine), back)


entry(
    "ln",
    draw=plain("ln", "ln axis=last", "ln axis=channels noaffine", "ln axis=all eps=1e-6"),
    torch=partial(torch_along_axis, "LayerNorm"),
    cases=[({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
)


def torch_l2_norm(op: Any, shape: Sizes) -> Module:
    axes = {"all": tuple(range(1, len(shape) + 1)), "last": -1, "channels": 1}[op.axis]
    return layer(lambda x: functional.normalize(x, dim=axes, eps=float(op.eps)))


entry(
    "l2_norm",
    draw=plain("l2_norm", "l2_norm axis=last", "l2_norm axis=all eps=0.5"),
    torch=torch_l2_norm,
    cases=[({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
)


entry(
    "rms_norm",
    draw=plain("rms_norm", "rms_norm axis=channels noaffine", "rms_norm axis=channels", "rms_norm axis=all eps=1e-6"),
    torch=partial(torch_along_axis, "RMSNorm"),
    cases=[({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
)


def torch_instance_norm(op: Any, shape: Sizes) -> Module:
    if prod(shape[1:]) == 1:  # PyTorch refuses to normalise a single number: a group norm with one group per map
        return nn.GroupNorm(shape[0], shape[0], float(op.eps), op.affine)
    return by_rank("InstanceNorm", shape)(shape[0], float(op.eps), affine=op.affine)


entry(
    "in",
    draw=spatially(plain("in", "in affine")),
    torch=torch_instance_norm,
    cases=[({}, (MAP,)), ({"affine": True}, (MAP,))],
)


entry(
    "gn",
    draw=lambda w, s: joined([f"gn {w.divisor(s[0])}", w.maybe("noaffine")]),
    torch=lambda op, s: nn.GroupNorm(op.groups, s[0], float(op.eps), op.affine),
    cases=[({"groups": 4}, (MAP,)), ({"groups": 4, "affine": False}, (VECTOR,))],
)


def draw_lrn(w: Writer, shape: Shape) -> str:
    words = [w.among("lrn", "lrn 3", "lrn 2", "lrn size=4"), w.among("", "across", *["within"] * (len(shape) > 1))]
    return joined([*words, w.maybe("alpha=1e-3 beta=1/2 k=1")])


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
    torch=torch_local_response_norm,
    cases=[({}, (MAP,)), ({"size": 4, "region": "within"}, (MAP,))],
)


def draw_standardize(w: Writer, shape: Shape) -> str:
    def each(*values: str) -> str:
        return "x".join(w.among(*values) for _ in range(w.among(1, shape[0])))

    return f"standardize mean={each('0.5', '0', '(1/3)')} std={each('0.25', '1', '2e-1')}"


def torch_standardize(op: Any, shape: Sizes) -> Module:
    each = (-1, *(1,) * (len(shape) - 1))
    mean, std = (torch.tensor([float(x) for x in numbers]) for numbers in (op.mean, op.std))
    return layer(lambda x: (x - mean.view(each)) / std.view(each), mean=mean, std=std)


entry(
    "standardize",
    draw=draw_standardize,
    torch=torch_standardize,
    cases=[({"mean": (3,), "std": (2,)}, (MAP,)), ({"mean": (3,) * 12, "std": (2,) * 12}, (MAP,))],
)
