"""Pooling."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.operators.conv import TWO
from tests.operators.entry import MAP, Draw, Sizes, entry
from tests.operators.torch_parts import by_rank, even, layer, padded, parameter, torch
from tests.operators.windows import Sides, pads
from tests.operators.writer import Shape, Writer, draw_stride, draw_window, joined, per_axis, plain, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def pooling(name: str, flags: str = "") -> Draw:
    def write(w: Writer, shape: Shape) -> str:
        step = w.among("", draw_stride(w, shape) or "s1")
        words = [name, draw_window(w, shape, pool=True), step, w.maybe("ceil")]
        return joined([*words, w.maybe(flags)])

    return spatially(write)


def beyond_onnx_runtime(op: Any) -> bool:
    """Return whether padding is as wide as the undilated window, which ONNX Runtime's pooling refuses."""
    if isinstance(op.pad, str):
        return op.pad in ("full", "same", "half") and any(d > 1 for d in op.dilation)
    return any(max(sides) >= k for sides, k in zip(op.pad, op.kernel, strict=True))


def windows(x: Tensor, op: Any, sides: Sides, value: float, *, beyond: float | None = None) -> Tensor:
    """Return the windows of a pooling along a new last axis, with `Tensor.unfold`.

    With ``ceil``, positions (of the value ``beyond``, if that is another one) are added until every window that starts
    is complete; windows that start in the padding after the input are dropped, as PyTorch defines it.
    """
    starts = [n + before for n, (before, _) in zip(x.shape[2:], sides, strict=True)]
    stride = op.stride or op.kernel
    x = padded(x, sides, value)
    x = padded(x, [(0, (s - 1) * op.ceil) for s in stride], value if beyond is None else beyond)
    rank = len(starts)
    for axis, (k, s, d, end) in enumerate(zip(op.kernel, stride, op.dilation, starts, strict=True), start=2):
        x = x.unfold(axis, d * (k - 1) + 1, s)[..., ::d]
        if op.ceil:
            x = x.narrow(axis, 0, min(x.shape[axis], len(range(0, end, s))))
    return x.flatten(2 + rank)


def torch_maxpool(op: Any, shape: Sizes) -> Module:
    sides, stride = pads(op, shape[1:]), op.stride or op.kernel
    if even(sides) and all(2 * before <= k for (before, _), k in zip(sides, op.kernel, strict=True)):
        cls = by_rank("MaxPool", shape)
        return cls(op.kernel, stride, [before for before, _ in sides], op.dilation, ceil_mode=op.ceil)
    return layer(lambda x: windows(x, op, sides, -torch.inf).amax(-1))


entry(
    "maxpool",
    draw=pooling("maxpool"),
    beyond_onnx_runtime=beyond_onnx_runtime,
    torch=torch_maxpool,
    cases=[
        ({"kernel": (3, 4), **TWO}, (MAP,)),
        ({"kernel": (3, 4), **TWO, "stride": None, "ceil": True}, (MAP,)),
        ({"kernel": (3, 4), **TWO, "pad": "same"}, (MAP,)),
    ],
)


def torch_avgpool(op: Any, shape: Sizes) -> Module:
    sides, stride = pads(op, shape[1:]), op.stride or op.kernel
    fits = all(2 * before <= k for (before, _), k in zip(sides, op.kernel, strict=True))
    if even(sides) and fits and set(op.dilation) == {1}:
        cls = by_rank("AvgPool", shape)
        return cls(op.kernel, stride, [before for before, _ in sides], op.ceil, op.count_include_pad)
    inside = float(op.count_include_pad)

    def run(x: Tensor) -> Tensor:
        counted = windows(torch.ones_like(x), op, sides, inside, beyond=0.0).sum(-1)
        return windows(x, op, sides, 0.0).sum(-1) / counted

    return layer(run)


entry(
    "avgpool",
    draw=pooling("avgpool", "exclude_pad"),
    beyond_onnx_runtime=beyond_onnx_runtime,
    torch=torch_avgpool,
    cases=[({"kernel": (3, 4), **TWO, "ceil": True, "count_include_pad": False}, (MAP,))],
)


def torch_subsample(op: Any, shape: Sizes) -> Module:
    sides = pads(op, shape[1:])
    coefficient, bias = parameter(shape[0]), parameter(shape[0])
    each = (-1, *(1,) * (len(shape) - 1))

    def run(x: Tensor) -> Tensor:
        return windows(x, op, sides, 0.0).sum(-1) * coefficient.view(each) + bias.view(each)

    return layer(run, coefficient=coefficient, bias=bias)


entry(
    "subsample",
    draw=pooling("subsample"),
    torch=torch_subsample,
    cases=[({"kernel": (2, 2), "pad": ((0, 0),) * 2, "dilation": (1, 1)}, (MAP,))],
)
entry(
    "gap",
    draw=spatially(plain("gap")),
    torch=lambda op, s: by_rank("AdaptiveAvgPool", s)(1),
)
entry(
    "gmp",
    draw=spatially(plain("gmp")),
    torch=lambda op, s: by_rank("AdaptiveMaxPool", s)(1),
)

# --- to a given size ---


def adaptive(name: str) -> Draw:
    return spatially(lambda w, s: f"{name} {per_axis([w.whole(1, 6) for _ in s[1:]])}")


def torch_adaptive(kind: str, op: Any, shape: Sizes) -> Module:
    return by_rank(kind, shape)(op.size if len(op.size) > 1 else op.size[0])


entry(
    "adaptive_avgpool",
    draw=adaptive("adaptive_avgpool"),
    torch=partial(torch_adaptive, "AdaptiveAvgPool"),
    cases=[({"size": (7, 6)}, (MAP,))],
)
entry(
    "adaptive_maxpool",
    draw=adaptive("adaptive_maxpool"),
    torch=partial(torch_adaptive, "AdaptiveMaxPool"),
    cases=[({"size": (30, 4)}, (MAP,))],
)
