"""Pooling."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.conv import TWO
from tests.operators.entry import MAP, Draw, Sizes, entry
from tests.operators.onnx_parts import Weights, channelwise, named, onnx_pads
from tests.operators.torch_parts import by_rank, even, layer, padded, parameter, torch
from tests.operators.windows import Sides, pads
from tests.operators.writer import Shape, Writer, draw_stride, draw_window, joined, per_axis, plain, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def pooling(name: str, flags: str = "") -> Draw:
    def write(w: Writer, shape: Shape) -> str:
        step = w.among("", draw_stride(w, shape) or "s1")
        words = [name, draw_window(w, shape, pool=True), step, w.maybe("ceil")]
        return joined([*words, w.maybe(flags)])

    return spatially(write)


def pooled(model: Model, op: Any, kind: str, name: str, shape: Sizes, **more: Any) -> str:
    return model.add(
        kind,
        name,
        kernel_shape=list(op.kernel),
        strides=list(op.stride or op.kernel),
        dilations=list(op.dilation),
        pads=onnx_pads(pads(op, shape[1:])),
        ceil_mode=int(op.ceil),
        **more,
    )


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
    onnx=lambda model, op, name, shape, weights: pooled(model, op, "MaxPool", name, shape),
    beyond_onnx_runtime=beyond_onnx_runtime,
    torch=torch_maxpool,
    cases=[
        ({"kernel": (3, 4), **TWO}, (MAP,)),
        ({"kernel": (3, 4), **TWO, "stride": None, "ceil": True}, (MAP,)),
        ({"kernel": (3, 4), **TWO, "pad": "same"}, (MAP,)),
    ],
)


def onnx_avgpool(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return pooled(model, op, "AveragePool", name, shape, count_include_pad=int(op.count_include_pad))


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
    onnx=onnx_avgpool,
    beyond_onnx_runtime=beyond_onnx_runtime,
    torch=torch_avgpool,
    cases=[({"kernel": (3, 4), **TWO, "ceil": True, "count_include_pad": False}, (MAP,))],
)


def onnx_subsample(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Sum the windows with a depthwise convolution with ones; with ``ceil``, the missing positions are zeros."""
    channels, *sizes = shape
    stride = op.stride or op.kernel
    rows = []
    for n, k, s, d, (before, after) in zip(sizes, op.kernel, stride, op.dilation, pads(op, tuple(sizes)), strict=True):
        starts = [i for i in range(0, n + before, s) if i + d * (k - 1) < n + before + after + (s - 1) * op.ceil]
        rows.append((before, starts[-1] + d * (k - 1) + 1 - n - before))
    # positions that no window reaches are cut off, so the padding after an axis may be negative, which Conv refuses
    padded = model.add(
        "Pad", name, model.constant([0, 0, *(b for b, _ in rows), 0, 0, *(a for _, a in rows)], np.int64)
    )
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
    onnx=onnx_subsample,
    torch=torch_subsample,
    cases=[({"kernel": (2, 2), "pad": ((0, 0),) * 2, "dilation": (1, 1)}, (MAP,))],
)
entry(
    "gap",
    draw=spatially(plain("gap")),
    onnx=named("GlobalAveragePool"),
    torch=lambda op, s: by_rank("AdaptiveAvgPool", s)(1),
)
entry(
    "gmp",
    draw=spatially(plain("gmp")),
    onnx=named("GlobalMaxPool"),
    torch=lambda op, s: by_rank("AdaptiveMaxPool", s)(1),
)

# --- to a given size ---


def adaptive(name: str) -> Draw:
    return spatially(lambda w, s: f"{name} {per_axis([w.whole(1, 6) for _ in s[1:]])}")


def onnx_adaptive(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Cut out the parts of each axis in turn, reduce and join them. Averages of averages are averages here, because all
    windows along one axis are reduced before the next axis is cut."""
    kind = "ReduceMean" if op.name == "adaptive_avgpool" else "ReduceMax"
    name = name
    for axis, (n, m) in enumerate(zip(shape[1:], op.size, strict=True), start=2):
        parts = []
        for i in range(m):
            bounds = ([i * n // m], [-(-(i + 1) * n // m)], [axis])
            part = model.add("Slice", name, *(model.constant(numbers, np.int64) for numbers in bounds))
            parts.append(model.add(kind, part, model.constant([axis], np.int64), keepdims=1))
        name = model.add("Concat", *parts, axis=axis)
    return name


def torch_adaptive(kind: str, op: Any, shape: Sizes) -> Module:
    return by_rank(kind, shape)(op.size if len(op.size) > 1 else op.size[0])


entry(
    "adaptive_avgpool",
    draw=adaptive("adaptive_avgpool"),
    onnx=onnx_adaptive,
    torch=partial(torch_adaptive, "AdaptiveAvgPool"),
    cases=[({"size": (7, 6)}, (MAP,))],
)
entry(
    "adaptive_maxpool",
    draw=adaptive("adaptive_maxpool"),
    onnx=onnx_adaptive,
    torch=partial(torch_adaptive, "AdaptiveMaxPool"),
    cases=[({"size": (30, 4)}, (MAP,))],
)
