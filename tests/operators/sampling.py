"""Layers that read at positions that other tensors contain."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from tests.operators.entry import Sizes, entry
from tests.operators.torch_parts import by_rank, functional, layer, parameter, torch
from tests.operators.windows import pads
from tests.operators.writer import Shape, Writer, draw_stride, draw_window, joined, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def interpolated(x: Tensor, points: list[Tensor], beyond: float) -> Tensor:
    """Sample channels (N×C×n…) at points (per axis N×p): linear in every axis, 0 outside; with ``beyond``, the
    outermost position up to so far outside."""
    return torch.stack(weighted_corners(x, points, beyond)).sum(0)


def weighted_corners(x: Tensor, points: list[Tensor], beyond: float) -> list[Tensor]:
    """Return the values at each of the nearest positions of points, times the weight of the position."""
    shape, result = x.shape[2:], []
    inside = torch.ones_like(points[0], dtype=torch.bool)
    for axis, n in enumerate(shape):
        if beyond:
            inside = inside & (points[axis] >= -beyond) & (points[axis] <= n - 1 + beyond)
            points[axis] = points[axis].clamp(0, n - 1)
    for corner in product((0, 1), repeat=len(shape)):
        place, weight = torch.zeros_like(points[0], dtype=torch.long), inside.to(x.dtype)
        for u, n, up in zip(points, shape, corner, strict=True):
            at = u.floor() + up
            weight = weight * (1 - (u - at).abs()) * ((at >= 0) & (at < n))
            place = place * n + at.clamp(0, n - 1).long()
        values = x.flatten(2).gather(2, place[:, None].expand(-1, x.shape[1], -1))
        result.append(values * weight[:, None])
    return result


# --- deformable convolution ---


def draw_deform_conv(w: Writer, shape: Shape) -> str:
    taken = w.divisor(shape[0])
    channels = w.whole(1, 6)
    groups = w.divisor(shape[0], channels)
    window = draw_window(w, shape, pool=True)
    step = draw_stride(w, shape)
    words = [f"deform_conv {channels} {window}", step, f"g{groups}" if groups > 1 else ""]
    words += [f"offset_groups={taken}" if taken > 1 else "", w.maybe("nobias")]
    if w.among(True, False):
        return joined([*words, w.maybe("modulated")])
    rank = len(shape) - 1
    taps = taken * prod(taps_of(window, rank))
    made = f"{window} {step}"
    masks = {"m": f"@x -> conv {taps} {made} -> sigmoid"} if w.among(True, False) else {}
    given = ["offset=@o", *(["mask=@m"] if masks else [])]
    return w.with_tensors(joined([*words, *given]), o=f"@x -> conv {taps * rank} {made}", **masks)


def taps_of(window: str, rank: int) -> list[int]:
    """Return the sizes of the kernel that a text draws first."""
    sizes = [int(size) for size in window.split()[0].removeprefix("kernel=").removeprefix("k").split("x")]
    return sizes * rank if len(sizes) == 1 else sizes


def torch_deform_conv(op: Any, shape: Any) -> Module:
    shapes = [shape] if isinstance(shape[0], int) else list(shape)
    x_shape, rank = shapes[0], len(shapes[0]) - 1
    sides, taps = pads(op, x_shape[1:]), list(product(*map(range, op.kernel)))
    count = op.offset_groups * len(taps)
    own = None
    if not op.offset:
        cls = by_rank("Conv", x_shape)
        own = cls(x_shape[0], count * (rank + op.modulated), op.kernel, op.stride, 0, op.dilation)
    stored = {"weight": parameter(op.channels, x_shape[0] // op.groups, *op.kernel)}
    stored |= {"bias": parameter(op.channels)} if op.bias else {}

    def run(x: Tensor, *others: Tensor) -> Tensor:
        given = dict(zip(op.tensor_arguments(), others, strict=True))
        if own is not None:
            each = [side for pair in reversed(sides) for side in pair]
            made = own(functional.pad(x, each))
            given["offset"] = made[:, : count * rank]
            if op.modulated:
                given["mask"] = made[:, count * rank :].sigmoid()
        outputs = given["offset"].shape[2:]
        offset = given["offset"].reshape(len(x), op.offset_groups, len(taps), rank, -1)
        read = []
        for group, maps in enumerate(x.chunk(op.offset_groups, 1)):
            for number, tap in enumerate(taps):
                points = []
                for axis in range(rank):
                    start = torch.arange(outputs[axis]) * op.stride[axis] - sides[axis][0]
                    place = (start + tap[axis] * op.dilation[axis]).to(x)
                    place = place.reshape(-1, *(1,) * (rank - 1 - axis)).expand(outputs).reshape(1, -1)
                    points.append(place + offset[:, group, number, axis])
                values = interpolated(maps, points, 0)
                if "mask" in given:
                    values = values * given["mask"].flatten(2)[:, None, group * len(taps) + number]
                read.append(values)
        columns = torch.stack(read, 1).reshape(len(x), op.offset_groups, len(taps), -1, prod(outputs))
        columns = columns.transpose(2, 3).reshape(len(x), op.groups, -1, prod(outputs))
        weight = module.weight.reshape(op.groups, op.channels // op.groups, -1)
        result = torch.einsum("gok,ngkp->ngop", weight, columns).reshape(len(x), op.channels, *outputs)
        return result + module.bias.reshape(-1, *(1,) * rank) if op.bias else result

    module = layer(run, *([own] if own is not None else []), **stored)
    return module


PLAIN = {"channels": 6, "kernel": (3, 2), "stride": (2, 1), "pad": ((1, 0), (2, 1)), "dilation": (1, 2)}
SMALL, TAKEN = (12, 7, 6), (3, 7)
entry(
    "deform_conv",
    draw=spatially(draw_deform_conv),
    torch=torch_deform_conv,
    cases=[
        (PLAIN, (SMALL,)),
        ({**PLAIN, "modulated": True, "offset_groups": 3, "groups": 2}, (SMALL,)),
        ({**PLAIN, "offset": True, "bias": False, "offset_groups": 4}, (SMALL, (48, *TAKEN))),
        ({**PLAIN, "offset": True, "mask": True, "pad": "same"}, (SMALL, (12, 4, 6), (6, 4, 6))),
    ],
    beyond_onnx_runtime=lambda op: len(op.kernel) != 2,
)

# --- RoIAlign ---


def draw_roi_align(w: Writer, shape: Shape) -> str:
    rank = len(shape) - 1
    boxes = f"{w.among('learned', 'constant')} {w.whole(1, 4)}x{2 * rank} -> scale {w.whole(1, 6)}"
    words = [f"roi_align {w.whole(1, 3)}", w.among("", "scale=1/2", "scale=2"), w.among("", "samples=1", "samples=3")]
    return w.with_tensors(joined([*words, w.maybe("aligned"), w.maybe("max"), "boxes=@b"]), b=boxes)


def torch_roi_align(op: Any, shapes: list[Sizes]) -> Module:
    rank = len(shapes[0]) - 1

    def run(x: Tensor, boxes: Tensor) -> Tensor:
        count = boxes.shape[1]
        along = []
        for axis in range(rank):
            first, last = (
                boxes[..., rank - 1 - axis] * float(op.scale),
                boxes[..., 2 * rank - 1 - axis] * float(op.scale),
            )
            first, last = (edge - 0.5 if op.aligned else edge for edge in (first, last))
            length = last - first if op.aligned else (last - first).clamp(min=1)
            steps = (torch.arange(op.size[axis] * op.samples).to(x) + 0.5) / op.samples
            along.append(first[..., None] + length[..., None] / op.size[axis] * steps)
        sizes = [each.shape[-1] for each in along]
        points = []
        for axis, each in enumerate(along):
            shape = [len(boxes), count, *(n if a == axis else 1 for a, n in enumerate(sizes))]
            points.append(each.reshape(shape).expand(len(x), count, *sizes).reshape(len(x), -1))
        for axis, n in enumerate(x.shape[2:]):  # up to one position outside, but to the size at the end
            points[axis] = torch.where(points[axis] > n, torch.full_like(points[axis], n + 9), points[axis])
        values = torch.stack(weighted_corners(x, points, 1))
        apart = [part for cells in op.size for part in (cells, op.samples)]
        values = values.reshape(2**rank, len(x), x.shape[1], count, *apart)
        samples = tuple(range(5, 5 + 2 * rank, 2))
        return values.amax((0, *samples)) if op.how == "max" else values.sum(0).mean([axis - 1 for axis in samples])

    return layer(run)


entry(
    "roi_align",
    draw=spatially(draw_roi_align),
    torch=torch_roi_align,
    cases=[
        ({"size": (3, 2), "boxes": True, "scale": 4}, (SMALL, (5, 4))),
        ({"size": (3, 2), "boxes": True, "samples": 3, "aligned": True}, (SMALL, (5, 4))),
        ({"size": (3, 2), "boxes": True, "scale": 4, "how": "max"}, (SMALL, (5, 4))),
        ({"size": (3, 2, 4), "boxes": True}, ((12, 7, 6, 5), (5, 6))),
    ],
    beyond_onnx_runtime=lambda op: len(op.size) != 2,
)
