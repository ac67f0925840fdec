"""Biases and masks for the scores of attention; PyTorch's versions follow torchvision's Swin and the released T5."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

from archcalc.writers.score_tables import axes_of
from tests.operators.entry import Sizes, entry
from tests.operators.torch_parts import layer, parameter, torch
from tests.operators.writer import Shape, Writer, joined, written

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_relative_bias(w: Writer, shape: Shape) -> str:
    """Draw a bias from a stored or computed table; attention reads it, or it is concatenated."""
    heads = w.whole(1, 3)
    name = f"bias{len(w.blocks)}_"
    tokens = shape[-2] if len(shape) > 1 else 0
    if w.among(True, False) and 0 < tokens <= 8 and tokens * shape[-1] <= 64:
        bias = f"relative_bias n{len(shape) - 2} heads={heads}"
        attend = f"@x -> attention heads={heads} dim={2 * heads} score_bias=@bias"
        w.blocks[name] = [{"x": "identity"}, {"bias": bias}, attend]
        return name
    size = w.among((w.whole(1, 5),), (w.whole(1, 3), w.whole(1, 3)))
    buckets = w.among(4, 8)
    bucketed = len(size) == 1 and w.among(True, False)
    options = f"buckets={buckets} max_distance={w.whole(9, 20)} {w.maybe('causal')}" if bucketed else ""
    bias = joined(["relative_bias", written(size), f"heads={heads}", options])
    if w.among(True, False):
        return f"concat(identity -> flatten, {bias} -> flatten)"
    rows = buckets if bucketed else math.prod(2 * n - 1 for n in size)
    table = w.among(f"flatten -> fc {rows * heads} -> reshape {rows}x{heads}", f"learned {rows}x{heads}")
    w.blocks[name] = [{"x": "flatten"}, {"t": table}, {"b": f"{bias} table=@t"}, "concat(@x, @b -> flatten)"]
    return name


def torch_relative_bias(op: Any, shapes: list[Sizes]) -> Module:
    rows = torch_buckets(op) if op.buckets else torch_positions(op.size)
    count = op.buckets or math.prod(2 * n - 1 for n in op.size)
    if shapes:
        return layer(lambda table: table[:, rows].permute(0, 3, 1, 2))
    module = layer(lambda: module.table[rows].permute(2, 0, 1)[None], table=parameter(count, op.heads))
    return module


def torch_positions(size: Sizes) -> Tensor:
    """Return what torchvision computes, for any number of axes."""
    coordinates = torch.stack(torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")).flatten(1)
    relative = coordinates[:, :, None] - coordinates[:, None, :]
    index = torch.zeros(relative.shape[1:], dtype=torch.int64)
    for axis, n in enumerate(size):
        index = index * (2 * n - 1) + relative[axis] + n - 1
    return index


def torch_buckets(op: Any) -> Tensor:
    """Return buckets as in the released T5: the position of the key minus that of the query, in single precision."""
    places = torch.arange(op.size[0])
    relative, count = places[None, :] - places[:, None], op.buckets
    buckets = torch.zeros_like(relative)
    if op.causal:
        relative = -torch.minimum(relative, torch.zeros_like(relative))
    else:
        count //= 2
        buckets = buckets + (relative > 0) * count
        relative = relative.abs()
    exact = count // 2
    longest = math.log((op.max_distance or 128) / exact)
    large = exact + (torch.log(relative.float() / exact) / longest * (count - exact)).long()
    return buckets + torch.where(relative < exact, relative, large.clamp(max=count - 1))


entry(
    "relative_bias",
    draw=draw_relative_bias,
    torch=torch_relative_bias,
    cases=[
        ({"size": (4, 5), "heads": 6}, ()),
        ({"size": (12,), "heads": 4, "buckets": 8, "causal": True}, ()),
        ({"size": (40,), "heads": 4, "buckets": 32, "max_distance": 30}, ()),
        ({"size": (3, 2), "heads": 4, "table": True}, ((15, 4),)),
        ({"size": (9,), "heads": 4, "table": True, "buckets": 8}, ((8, 4),)),
    ],
)


def draw_shift_mask(w: Writer, shape: Shape) -> str:
    window = [w.whole(1, 3) for _ in range(w.among(1, 2))]
    size = [m * w.whole(1, 3) for m in window]
    shift = [w.whole(0, m - 1) for m in window]
    if w.among(True, False):
        window, shift = [max(window)], [min(shift)]
        size = [window[0] * w.whole(1, 2) for _ in size]
    mask = f"shift_mask {written((*size,))} window={written((*window,))} shift={written((*shift,))}"
    return f"concat(identity -> flatten, {mask} -> flatten)"


def torch_shift_mask(op: Any, shapes: list[Sizes]) -> Module:
    """Return what torchvision computes, for any number of axes."""
    axes = axes_of(op)
    regions = torch.zeros(op.size)
    parts = [((0, -m), (-m, -s), (-s, None)) if s else ((0, None),) for _, m, s in axes]
    for number, part in enumerate(product(*parts)):
        regions[tuple(slice(*each) for each in part)] = number
    split = [size for n, m, _ in axes for size in (n // m, m)]
    order = [*range(0, len(split), 2), *range(1, len(split), 2)]
    tokens = regions.view(split).permute(order).reshape(-1, math.prod(m for _, m, _ in axes))
    mask = tokens.unsqueeze(1) - tokens.unsqueeze(2)
    mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)
    return layer(lambda: mask[None, :, None])


entry(
    "shift_mask",
    draw=draw_shift_mask,
    torch=torch_shift_mask,
    cases=[
        ({"size": (14, 14), "window": (7,), "shift": (3,)}, ()),
        ({"size": (8, 3), "window": (4, 3), "shift": (1, 0)}, ()),
        ({"size": (4, 3), "window": (4, 3), "shift": (1, 1)}, ()),
    ],
)
