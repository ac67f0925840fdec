"""Kernels of layers that read their input at positions that other tensors contain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, kernel_of, storage, storage_of
from archcalc.executor.kernels.conv import multiply as multiply_matrices
from archcalc.executor.kernels.conv import weighted_sum_shapes, with_bias
from archcalc.executor.kernels.counted import add, divide, largest, maximum, minimum, multiply, subtract, total
from archcalc.executor.kernels.gather import block_positions, maps_together
from archcalc.executor.kernels.weight_norm import with_weight_norm
from archcalc.executor.kernels.windows import WindowAxis, axes_of, positions
from archcalc.ops.activation import Sigmoid
from archcalc.ops.base import converted_operator
from archcalc.ops.conv import Conv
from archcalc.ops.sampling import DeformableConv, RoiAlign

TEMPORARIES = 16
"""About how many arrays of the size of the values at a block of points exist at the same time."""

SIGMOID = Sigmoid()
"""The activation of the masks that an offset convolution computes."""


class NearestPositions(NamedTuple):
    """The two positions of an axis around each of some coordinates, and their weights.

    A position outside of the axis is that after the last one, which holds zeros.
    """

    positions: tuple[Array, Array]
    weights: tuple[Array, Array]


def nearest(u: Array, size: int, context: Context) -> NearestPositions:
    """Return the positions around coordinates, which need not be finite."""
    below = np.floor(u)
    above_weight = subtract(context, u, below)
    below_weight = subtract(context, 1, above_weight)
    places = [np.where((at >= 0) & (at < size), at, size).astype(np.intp) for at in (below, below + 1)]
    return NearestPositions((places[0], places[1]), (below_weight, above_weight))


def interpolated(x: Array, axes: Sequence[NearestPositions], sizes: Sizes, context: Context) -> Array:
    """Return the channels of x (C×n…) at points, the sums of the nearest positions times their weights."""
    terms = weighted_corners(x, axes, sizes, context)
    result = next(terms)
    for term in terms:
        add(context, result, term, out=result)
    return result


def weighted_corners(x: Array, axes: Sequence[NearestPositions], sizes: Sizes, context: Context) -> Iterator[Array]:
    """Yield the channels of x (C×n…) at each of the nearest positions of points, times the weight of the position.

    Args:
        x: the channels.
        axes: the nearest positions along every axis, in shapes that broadcast to that of the points.
        sizes: the spatial sizes of x.
        context: the context of the run.
    """
    framed = np.zeros((len(x), *(n + 1 for n in sizes)), x.dtype)
    framed[tuple([slice(n) for n in x.shape])] = x
    corners = list(product(*([(at, weight) for at, weight in zip(*each, strict=True)] for each in axes)))
    weights: list[Array] = list(axes[0].weights)
    for each in axes[1:]:
        weights = [multiply(context, before, weight) for before in weights for weight in each.weights]
    for corner, weight in zip(corners, weights, strict=True):
        place: tuple[Any, ...] = (slice(None), *(at for at, _ in corner))
        yield multiply(context, framed[place], weight)


# --- deformable convolution ---


def offset_convolution(op: DeformableConv, rank: int) -> Conv | None:
    """Return the convolution that computes the offsets; ``None`` if they are given."""
    if op.offset:
        return None
    taps = op.offset_groups * int(np.prod(op.kernel))
    return converted_operator(
        Conv, op, channels=taps * (rank + 1 if op.modulated else rank), groups=1, bias=True, weight_norm=False
    )


@storage(DeformableConv)
def deformable_storage(op: DeformableConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight`` and ``bias``, and those of the offset convolution, ``offset_weight`` and ``offset_bias``."""
    own = offset_convolution(op, len(inputs[0]) - 1)
    found = weighted_sum_shapes(op, op.channels, weight=(op.channels, inputs[0][0] // op.groups, *op.kernel))
    return found | ({} if own is None else {f"offset_{k}": v for k, v in storage_of(own, inputs[:1]).items()})


@kernel(DeformableConv)
@with_weight_norm
def deformable_conv(op: DeformableConv, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Gather what the taps read at blocks of positions, and compute the sums of every filter over it."""
    x = inputs[0]
    sizes = x.shape[2:]
    outputs, taps = positions(axes_of(op, sizes)), int(np.prod(op.kernel))
    points, masks = points_and_masks(op, inputs, weights, context)
    matrix = weights["weight"].reshape(op.groups, op.channels // op.groups, -1)
    y = np.empty((len(x), op.channels, *outputs), x.dtype)
    step = block_positions(TEMPORARIES * x.shape[1] * taps * x.itemsize)
    for number, (sample, result) in enumerate(zip(x, y.reshape(len(x), op.groups, matrix.shape[1], -1), strict=True)):
        maps = sample.reshape(op.offset_groups, -1, *sizes)
        for start in range(0, result.shape[-1], step):
            block = slice(start, start + step)
            read = []
            for group, channels in enumerate(maps):
                u = points[number, group, ..., block]
                around = [nearest(u[:, axis], n, context) for axis, n in enumerate(sizes)]
                read.append(interpolated(channels, around, sizes, context))
                if masks is not None:
                    multiply(context, read[-1], masks[number, group, ..., block], out=read[-1])
            columns = np.concatenate(read).reshape(op.groups, matrix.shape[-1], -1)
            multiply_matrices(matrix, columns, result[..., block], context)
    return (with_bias(y, weights, context),)


def points_and_masks(
    op: DeformableConv, inputs: Arrays, weights: Weights, context: Context
) -> tuple[Array, Array | None]:
    """Return the coordinates that every tap reads (examples × offset groups × taps × axes × positions), and the masks.

    The masks have an axis of size 1 in place of the channels of a group: examples × groups × 1 × taps × positions.
    """
    x, given = inputs[0], dict(zip(op.tensor_arguments(), inputs[1:], strict=True))
    rank, taps = x.ndim - 2, int(np.prod(op.kernel))
    own = offset_convolution(op, rank)
    offsets, masks = given.get("offset"), given.get("mask")
    if own is not None:
        arrays = {name: weights[f"offset_{name}"] for name in ("weight", "bias")}
        (made,) = kernel_of(own)(own, (x,), arrays, context)
        offsets = made[:, : op.offset_groups * taps * rank]
        if op.modulated:
            (masks,) = kernel_of(SIGMOID)(SIGMOID, (made[:, op.offset_groups * taps * rank :],), {}, context)
    assert offsets is not None
    grid = _grid(axes_of(op, x.shape[2:]), x.dtype).reshape(taps, rank, -1)
    points = add(context, offsets.reshape(len(x), op.offset_groups, taps, rank, -1), grid)
    return points, None if masks is None else masks.reshape(len(x), op.offset_groups, 1, taps, -1)


def _grid(axes: Sequence[WindowAxis], dtype: DTypeLike) -> Array:
    """Return the coordinates that the taps of every window have without offsets: taps × axes × positions."""
    along = [
        np.arange(axis.kernel)[:, None] * axis.dilation + np.arange(axis.positions) * axis.stride - axis.before
        for axis in axes
    ]
    rank = len(axes)
    shape = tuple(each.shape[0] for each in along) + tuple(each.shape[1] for each in along)
    found = []
    for axis, each in enumerate(along):
        place = [1] * (2 * rank)
        place[axis], place[rank + axis] = each.shape
        found.append(np.broadcast_to(each.reshape(place), shape))
    taps = int(np.prod(shape[:rank]))
    return np.stack([each.reshape(taps, -1) for each in found], 1).astype(dtype)


# --- RoIAlign ---


@kernel(RoiAlign)
def roi_align(op: RoiAlign, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Return the results of the samples in every cell of the grids of the boxes, some boxes at a time."""
    x, boxes = inputs
    y = np.empty((len(x), x.shape[1], boxes.shape[1], *op.size), x.dtype)
    samples = int(np.prod(op.size)) * op.samples ** len(op.size)
    step = maps_together(TEMPORARIES * x.shape[1] * samples * x.itemsize)
    for sample, corners, result in zip(x, boxes, y, strict=True):
        for start in range(0, len(corners), step):
            some = slice(start, start + step)
            _align(op, sample, corners[some], result[:, some], context)
    return (y,)


def _align(op: RoiAlign, x: Array, boxes: Array, out: Array, context: Context) -> None:
    """Write the results for some boxes (boxes×2·axes) of one example (C×n…)."""
    rank = x.ndim - 1
    around = samples_of(op, x.shape[1:], boxes, context)
    apart = (len(x), len(boxes), *[size for cells in op.size for size in (cells, op.samples)])
    along = tuple(range(3, 3 + 2 * rank, 2))
    if op.how == "max":
        products = np.stack(list(weighted_corners(x, around, x.shape[1:], context)))
        found = largest(context, products.reshape(-1, *apart), (0, *(axis + 1 for axis in along)))
        out[...] = found.reshape(out.shape)
        return
    values = interpolated(x, around, x.shape[1:], context).reshape(apart)
    summed = total(context, values, along).reshape(out.shape)
    divide(context, summed, op.samples**rank, out=out)


def samples_of(op: RoiAlign, sizes: Sizes, boxes: Array, context: Context) -> list[NearestPositions]:
    """Return the positions around the samples of some boxes (boxes×2·axes) along every axis, and their weights."""
    rank, count = len(sizes), len(boxes)
    around = []
    for axis, (n, cells) in enumerate(zip(sizes, op.size, strict=True)):
        first, last = (multiply(context, boxes[:, end - 1 - axis], float(op.scale)) for end in (rank, 2 * rank))
        if op.aligned:
            first, last = (subtract(context, edge, 0.5) for edge in (first, last))
        length = subtract(context, last, first)
        length = length if op.aligned else maximum(context, length, 1)
        cell = divide(context, length, cells)
        steps = ((np.arange(cells * op.samples) + 0.5) / op.samples).astype(boxes.dtype)
        u = add(context, first[:, None], multiply(context, cell[:, None], steps))
        outside = (u < -1) | (u > n)
        found = nearest(minimum(context, maximum(context, u, 0), n - 1), n, context)
        shape = (count, *(-1 if other == axis else 1 for other in range(rank)))
        weighted = [np.where(outside, 0, weight).astype(boxes.dtype).reshape(shape) for weight in found.weights]
        places = [place.reshape(shape) for place in found.positions]
        around.append(NearestPositions((places[0], places[1]), (weighted[0], weighted[1])))
    return around
