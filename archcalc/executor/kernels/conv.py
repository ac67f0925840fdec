"""Convolutions as matrix products: kernels as rows, gathered windows as columns.

Windows are gathered block by block of output positions. Where a window is one position, the input is the matrix. The
groups of a convolution, or the channels of a depthwise one, are so many small products; as many are gathered together
as fit the buffer. Lanes divide a convolution by rows of its output, by groups, or by filters, which need all windows.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from archcalc.executor.kernel import (
    Array,
    Arrays,
    Division,
    Lane,
    Sizes,
    Weights,
    Work,
    by_rows,
    contiguous,
    kernel,
    storage,
    view,
)
from archcalc.executor.kernels import winograd
from archcalc.executor.kernels.gather import block_positions, gather, gather_together, maps_together
from archcalc.executor.kernels.stretches import in_rows_of
from archcalc.executor.kernels.windows import Axis, Block, axes_of, blocks, index, padding, positions, taps
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv

STANDARDISATION_EPSILON = 1e-5
"""What weight standardisation adds to variances (Qiao et al. 2019)."""


def _with_bias(bias: bool, channels: int, **arrays: Sizes) -> dict[str, Sizes]:
    return {**arrays, "bias": (channels,)} if bias else arrays


# --- convolution ---


@storage(Conv)
def conv_storage(op: Conv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``weight``: one kernel per filter and input channel of its group; with a connection table, one per connected
    pair of maps, output map by output map."""
    kernels = (op.channels, inputs[0][0] // op.groups) if op.table is None else (sum(map(sum, op.table)),)
    return _with_bias(op.bias, op.channels, weight=(*kernels, *op.kernel))


@kernel(Conv, divided=Division.SHARE, taped=True)
def conv(op: Conv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Every filter's weighted sum over the windows of its group's channels."""
    x, weight = contiguous(inputs[0], work), weights["weight"]
    if op.ws:
        weight = work.once("weight", lambda: standardised(weights["weight"]))
    axes = axes_of(op, x.shape[2:])
    y = work.empty((len(x), op.channels, *positions(axes)), x.dtype)
    if work.minimal and op.table is None and op.groups == 1 and winograd.worthwhile(axes, weight, y):
        winograd.convolve(x, weight, axes, y, work)
    elif op.table is None:
        convolve(x, weight, op.groups, axes, y, work)
    else:
        convolve_tabled(x, weight, op.table, axes, y, work)
    finish(y, weights, op.groups, work)
    return (y,)


def standardised(weight: Array) -> Array:
    """Every filter with mean 0 and variance 1."""
    axes = tuple(range(1, weight.ndim))
    centred = weight - weight.mean(axes, keepdims=True)
    scaled: Array = centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + STANDARDISATION_EPSILON)
    return scaled


class Portion(NamedTuple):
    """What a lane does of a convolution: everything along two axes, a part along the third."""

    groups: slice
    filters: slice
    """Of every group."""
    rows: slice
    """Of the output's first axis."""


def portion(y: Array, groups: int, lane: Lane) -> Portion:
    """As `Lane.share`, but groups stay together where there are several."""
    whole = slice(None)
    if by_rows(y.shape):
        return Portion(whole, whole, lane.part(y.shape[2]))
    if groups > 1:
        return Portion(lane.part(groups), whole, whole)
    return Portion(whole, lane.part(y.shape[1]), whole)


def convolve(x: Array, weight: Array, groups: int, axes: list[Axis], y: Array, work: Work) -> None:
    """Write the convolution of x (N×C×n…) with weight (O×C/groups×k…) to y (N×O×m…): the part of the lane."""
    own = portion(y, groups, work.lane)
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)[own.groups, own.filters]
    maps = x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])[:, own.groups]
    results = y.reshape(len(x), groups, y.shape[1] // groups, -1)[:, own.groups, own.filters]
    if all(axis.kernel == axis.stride == 1 and not (axis.before or axis.after) for axis in axes):
        place = in_a_row(own.rows, y)
        multiply(matrix, view(maps, *maps.shape[:3], prod(x.shape[2:]))[..., place], results[..., place], work)
        return
    for sample, result in zip(maps, results, strict=True):
        if own.filters == slice(None):
            over_own_windows(sample, matrix, axes, own.rows, result, work)
        else:
            over_common_windows(sample[0], matrix[0], axes, result[0], work)


def over_own_windows(sample: Array, matrix: Array, axes: list[Axis], rows: slice, result: Array, work: Work) -> None:
    """Some rows of the convolution of one sample (G×C×n…) with all filters (G×O×taps), as G×O×positions."""
    size = matrix.shape[-1] * sample.itemsize
    together = maps_together(size * result.shape[-1])
    for first in range(0, len(sample), together):
        groups = slice(first, first + together)
        maps, filters, out = sample[groups], matrix[groups], result[groups]
        for block in blocks(positions(axes), block_positions(size * len(maps)), rows):
            columns = gather(view(maps, -1, *sample.shape[2:]), axes, block, work)
            columns = columns.reshape(len(maps), -1, columns.shape[-1])
            multiply(filters, columns, out[..., block.start : block.stop], work)


def over_common_windows(sample: Array, matrix: Array, axes: list[Axis], result: Array, work: Work) -> None:
    """The convolution of one sample (C×n…) with the filters of the lane (O×taps), as O×positions: all lanes gather the
    windows together."""
    for block in blocks(positions(axes), block_positions(matrix.shape[-1] * sample.itemsize)):
        columns = gather_together(sample, axes, block, work)
        multiply(matrix, columns, result[:, block.start : block.stop], work)
        work.do(work.lane.meet)  # before other windows take the place of these


def convolve_tabled(
    x: Array, weight: Array, table: tuple[tuple[bool, ...], ...], axes: list[Axis], y: Array, work: Work
) -> None:
    """As `convolve`, each output map over the input maps that feed it."""
    sources = [np.flatnonzero(column) for column in np.array(table, bool).T]
    ends = np.cumsum([len(feeding) for feeding in sources])
    filters = np.split(weight.reshape(len(weight), -1), ends[:-1])
    results = y.reshape(*y.shape[:2], -1)
    own = portion(y, 1, work.lane)
    for sample, result in zip(x, results, strict=True):
        for block in blocks(y.shape[2:], block_positions(len(sample) * weight[0].size * x.itemsize), own.rows):
            columns = gather(sample, axes, block, work)
            for feeding, kernels, out in [*zip(sources, filters, result, strict=True)][own.filters]:
                part = fed(columns, feeding, work)
                multiply(kernels.reshape(1, 1, -1), part, out[None, None, block.start : block.stop], work)


def fed(columns: Array, feeding: Array, work: Work) -> Array:
    """The windows of some maps, as one matrix taps×positions."""
    some = work.scratch("some columns", (len(feeding), *columns.shape[1:]), columns.dtype)
    return work.call(np.take, columns, feeding, 0, out=some).reshape(1, -1, columns.shape[-1])


def in_a_row(rows: slice, y: Array) -> slice:
    """The positions of some rows, all positions in one row."""
    first, last, _ = rows.indices(y.shape[2])
    return slice(first * prod(y.shape[3:]), last * prod(y.shape[3:]))


def multiply(rows: Array, columns: Array, out: Array, work: Work) -> None:
    """Matrix products, with what they take: as many additions as products, one fewer for every sum."""
    work.call(np.matmul, rows, columns, out=out)
    products = out.size * rows.shape[-1]
    work.count(mul=products, add=products - out.size, macs=products)


def finish(y: Array, weights: Weights, groups: int, work: Work) -> None:
    """Add a bias per channel in place, where there are any: to what the lane has convolved."""
    if "bias" in weights:
        own = portion(y, groups, work.lane)
        apart = view(y, len(y), groups, -1, *y.shape[2:])[:, own.groups, own.filters, own.rows]
        biases = weights["bias"].reshape(groups, -1, *(1,) * (y.ndim - 2))[own.groups, own.filters]
        with in_rows_of(prod(apart.shape[3:]), work):
            work.call(np.add, apart, biases, out=apart)
        work.count(add=apart.size)
    if groups > 1 and groups % work.lane.count and not by_rows(y.shape):
        work.do(work.lane.meet)  # groups that stay together are not the lane's share of the channels


# --- depthwise and separable ---


@storage(DepthwiseConv)
def depthwise_storage(op: DepthwiseConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``weight``: ``multiplier`` filters per channel, those of a channel one after another."""
    maps = inputs[0][0] * op.multiplier
    return _with_bias(op.bias, maps, weight=(maps, 1, *op.kernel))


@kernel(DepthwiseConv, divided=Division.SHARE, taped=True)
def depthwise_conv(op: DepthwiseConv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Every channel with filters of its own."""
    x, weight = contiguous(inputs[0], work), weights["weight"]
    axes = axes_of(op, x.shape[2:])
    y = work.empty((len(x), len(weight), *positions(axes)), x.dtype)
    convolve(x, weight, x.shape[1], axes, y, work)
    finish(y, weights, x.shape[1], work)
    return (y,)


@storage(SeparableConv)
def separable_storage(op: SeparableConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``depthwise`` and ``pointwise`` kernels; the bias follows both."""
    maps = inputs[0][0] * op.multiplier
    kernels = {"depthwise": (maps, 1, *op.kernel), "pointwise": (op.channels, maps, *(1 for _ in op.kernel))}
    return _with_bias(op.bias, op.channels, **kernels)


@kernel(SeparableConv, divided=Division.APART, taped=True)
def separable_conv(op: SeparableConv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """A depthwise convolution, then a 1×1 convolution over its maps."""
    x, filters, mixing = contiguous(inputs[0], work), weights["depthwise"], weights["pointwise"]
    axes = axes_of(op, x.shape[2:])
    between = work.common("depthwise maps", (1, len(filters), *positions(axes)), x.dtype)
    y = work.empty((len(x), len(mixing), *positions(axes)), x.dtype)
    own = portion(y, 1, work.lane)
    mixing, maps = mixing.reshape(len(mixing), -1)[own.filters], between.reshape(len(filters), -1)
    place = in_a_row(own.rows, y)
    for sample, result in zip(x, y.reshape(*y.shape[:2], -1), strict=True):  # the depthwise maps of one at a time
        convolve(sample[None], filters, x.shape[1], axes, between, work)
        work.do(work.lane.meet)
        multiply(mixing, maps[:, place], result[own.filters, place], work)
        work.do(work.lane.meet)
    finish(y, weights, 1, work)
    return (y,)


# --- transposed convolution ---


@storage(TransposedConv)
def transposed_storage(op: TransposedConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``weight``: one kernel per input channel and output channel of its group."""
    return _with_bias(op.bias, op.channels, weight=(inputs[0][0], op.channels // op.groups, *op.kernel))


@kernel(TransposedConv, divided=Division.APART, taped=True)
def transposed_conv(op: TransposedConv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Every input times the whole kernel, laid on the output and added up; what lies in the padding is cut off. Lanes
    divide the filters, whose results are apart."""
    x, weight = contiguous(inputs[0], work), weights["weight"]
    axes = transposed_axes(op, x.shape[2:])
    y = work.empty((len(x), op.channels, *(axis.size for axis in axes)), x.dtype)
    filters, kernels = op.channels // op.groups, weight[0, 0].size
    own = work.lane.part(filters)
    results = y.reshape(len(x), op.groups, filters, *y.shape[2:])[:, :, own]
    work.copy(weights["bias"].reshape(op.groups, filters, *(1,) * len(axes))[:, own] if op.bias else 0, results)
    fan_in = len(weight) // op.groups
    matrix = weight.reshape(op.groups, fan_in, filters, kernels)[:, :, own].reshape(op.groups, fan_in, -1)
    matrix, columns = matrix.transpose(0, 2, 1), x.reshape(len(x), op.groups, fan_in, -1)
    if not matrix.size:
        return (y,)
    for sample, result in zip(columns, results, strict=True):
        for block in blocks(x.shape[2:], block_positions(op.channels * kernels * x.itemsize)):
            shape = (op.groups, matrix.shape[1], block.stop - block.start)
            laid = work.scratch("columns", shape, x.dtype)
            work.call(np.matmul, matrix, sample[..., block.start : block.stop], out=laid)
            work.count(
                **dict.fromkeys(("mul", "add", "macs"), laid.size * fan_in)
            )  # each product is added to the output
            for apart, each in zip(laid, result, strict=True):
                lay(apart.reshape(len(each), kernels, *block.sizes), axes, block, each, work)
    return (y,)


def lay(columns: Array, axes: list[Axis], block: Block, result: Array, work: Work) -> None:
    """Add what a block of inputs contributes, tap by tap (O×taps×positions), to the output it falls on."""
    for number, tap in enumerate(taps(axes)):
        met = [axis.met(place, *bounds) for axis, place, bounds in zip(axes, tap, block.ranges, strict=True)]
        target = result[index(place for _, place in met)]
        work.call(np.add, target, columns[:, number][index(inside for inside, _ in met)], out=target)


def transposed_axes(op: TransposedConv, sizes: Sizes) -> list[Axis]:
    """The axes of the convolution that this one transposes: its windows lie on our output, one per input position."""
    found = []
    pads = (op.pad,) * len(sizes) if isinstance(op.pad, str) else op.pad
    for n, k, s, d, pad, more in zip(sizes, op.kernel, op.stride, op.dilation, pads, op.outpad, strict=True):
        reach = range(0, k * d, d)[-1] + 1
        last = range(0, n * s, s)[-1]
        if pad == "same":  # n·s positions are left of last + reach (or added to them), the odd one comes off the end
            before = max(last + reach - n * s, 0) // 2
            size = n * s
        else:
            before, after = pad if isinstance(pad, tuple) else padding(pad, n, reach, s)
            size = last + reach - before - after + more
        found.append(Axis(size, before, 0, k, s, d, n))
    return found
