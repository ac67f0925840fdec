"""Layers that read their input at positions that other tensors contain, by their definition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from math import floor, prod

from archcalc.executor.loops.conv import conv, with_gain
from archcalc.executor.loops.scalar import Scalar, Tally, exp, maximum, minimum
from archcalc.executor.loops.sliding import axes_of
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, sizes, total, weighted_sum
from archcalc.ops.base import converted_operator
from archcalc.ops.conv import Conv
from archcalc.ops.sampling import DeformableConv, RoiAlign

Corner = tuple[Index, Scalar]
"""A position and its weight."""


def _around(u: Scalar) -> list[tuple[int, Scalar]]:
    """Return the two positions around a coordinate, with their weights."""
    below = floor(u.value)
    weight = u - below
    return [(below, 1 - weight), (below + 1, weight)]


def _corners(axes: Sequence[list[tuple[int, Scalar]]]) -> list[Corner]:
    """Return the positions around a point, with the products of their weights along the axes."""
    corners: list[Corner] = [((at,), weight) for at, weight in axes[0]]
    for axis in axes[1:]:
        corners = [((*place, at), before * weight) for place, before in corners for at, weight in axis]
    return corners


def _products(x: Tensor, channel: int, corners: list[Corner], tally: Tally) -> list[Scalar]:
    """Return the numbers of a channel around a point times their weights; outside are zeros."""
    return [x.get((channel, *place), Scalar(0.0, tally)) * weight for place, weight in corners]


@definition(DeformableConv)
def deformable(op: DeformableConv, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    x, given = inputs[0], dict(zip(op.tensor_arguments(), inputs[1:], strict=True))
    channels, *size = sizes(x)
    rank, taps = len(size), list(product(*map(range, op.kernel)))
    offsets, masks = given.get("offset"), given.get("mask")
    if offsets is None:
        count = op.offset_groups * len(taps)
        own = converted_operator(
            Conv, op, channels=count * (rank + op.modulated), groups=1, bias=True, weight_norm=False
        )
        offsets = conv(own, (x,), {name: weights[f"offset_{name}"] for name in ("weight", "bias")}, tally)
        if op.modulated:
            masks = {
                (c - count * rank, *at): 1 / (1 + exp(-number))
                for (c, *at), number in offsets.items()
                if c >= count * rank
            }
    per_offset_group, fan_in = channels // op.offset_groups, channels // op.groups
    axes = axes_of(op, tuple(size))
    out: Tensor = {}
    for at in product(*(range(len(axis.starts)) for axis in axes)):
        read: dict[tuple[int, int], Scalar] = {}
        for group, (number, tap) in product(range(op.offset_groups), enumerate(taps)):
            place = group * len(taps) + number
            around = []
            for axis, own_axis in enumerate(axes):
                start = own_axis.starts[at[axis]] + own_axis.taps[tap[axis]]
                around.append(_around(offsets[place * rank + axis, *at] + start))
            corners = _corners(around)
            for channel in range(group * per_offset_group, (group + 1) * per_offset_group):
                value = total(_products(x, channel, corners, tally))
                read[channel, number] = value if masks is None else value * masks[place, *at]
        for f in range(op.channels):
            first = f // (op.channels // op.groups) * fan_in
            pairs = list(product(range(fan_in), enumerate(taps)))
            numbers = [read[first + c, number] for c, (number, _) in pairs]
            row = with_gain([weights["weight"][f, c, *tap] for c, (_, tap) in pairs], weights, f)
            out[f, *at] = weighted_sum(numbers, row, weights["bias"][f,] if op.bias else None)
    return out


@definition(RoiAlign)
def roi_align(op: RoiAlign, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    x, boxes = inputs
    channels, *size = sizes(x)
    rank = len(size)
    out: Tensor = {}
    for box in range(sizes(boxes)[0]):
        along: list[list[list[tuple[int, Scalar]]]] = []
        for axis, n in enumerate(size):
            first, last = (boxes[box, rank - 1 - axis + end * rank] * float(op.scale) for end in (0, 1))
            if op.aligned:
                first, last = first - 0.5, last - 0.5
            length = last - first if op.aligned else maximum(last - first, 1.0)
            cell = length / op.size[axis]
            samples = [first + cell * ((k + 0.5) / op.samples) for k in range(op.size[axis] * op.samples)]
            found = []
            for u in samples:
                inside = -1 <= u.value <= n
                around = _around(minimum(maximum(u, 0.0), float(n - 1)))
                found.append(around if inside else [(at, Scalar(0.0, tally)) for at, _ in around])
            along.append(found)
        values: dict[Index, list[Scalar]] = {}
        points: dict[Index, list[Corner]] = {(k,): _corners([each]) for k, each in enumerate(along[0])}
        for found in along[1:]:  # products of weights are shared by the points that differ along later axes
            points = {
                (*point, k): [((*place, at), before * weight) for place, before in corners for at, weight in each]
                for point, corners in points.items()
                for k, each in enumerate(found)
            }
        for point, corners in points.items():
            cell_of = tuple(k // op.samples for k in point)
            for c in range(channels):
                read = _products(x, c, corners, tally)
                values.setdefault((c, box, *cell_of), []).extend(read if op.how == "max" else [total(read)])
        if op.how == "max":
            out |= {index: reduce(maximum, numbers) for index, numbers in values.items()}
        else:
            out |= {index: total(numbers) / op.samples**rank for index, numbers in values.items()}
    assert len(out) == channels * sizes(boxes)[0] * prod(op.size)
    return out
