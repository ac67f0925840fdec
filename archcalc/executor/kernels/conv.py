"""Convolutions as matrix products: the rows of the left matrix are filters, the columns of the right one windows.

Windows are gathered by blocks of output positions; for a kernel of size 1, the input itself is the matrix. Each group
of a convolution (each channel of a depthwise one) is a matrix product of its own; as many groups are gathered together
as fit into the buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.border import without_padding
from archcalc.executor.kernels.counted import add
from archcalc.executor.kernels.gather import block_positions, gather, maps_together
from archcalc.executor.kernels.weight_norm import with_weight_norm
from archcalc.executor.kernels.windows import WindowAxis, WindowBlock, axes_of, blocks, index, padding, positions, taps
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv

STANDARDISATION_EPSILON = 1e-5
"""The constant that weight standardisation adds to variances (Qiao et al. 2019)."""


def weighted_sum_shapes(op: Any, channels: int, **arrays: Sizes) -> dict[str, Sizes]:
    """Return the arrays of a layer of weighted sums: weights, a gain (with weight norm) and a bias per channel."""
    gain = {"gain": (channels,)} if op.weight_norm else {}
    return {**arrays, **gain, **({"bias": (channels,)} if op.bias else {})}


# --- convolution ---


@storage(Conv)
def conv_storage(op: Conv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight``, with one kernel per filter and input channel of its group, and ``bias``.

    With a connection table, there is one kernel per connected pair of maps, ordered by output map.
    """
    kernels = (op.channels, inputs[0][0] // op.groups) if op.table is None else (sum(map(sum, op.table)),)
    return weighted_sum_shapes(op, op.channels, weight=(*kernels, *op.kernel))


@kernel(Conv)
@with_weight_norm
def conv(op: Conv, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the weighted sum of every filter over the windows of the channels of its group."""
    x, weight = np.ascontiguousarray(inputs[0]), oriented(op, weights["weight"])
    x, axes = without_padding(x, op.border, axes_of(op, x.shape[2:]))
    y = np.empty((len(x), op.channels, *positions(axes)), x.dtype)
    if op.ws:
        weight = standardised(weight)
    if op.table is None:
        convolve(x, weight, op.groups, axes, y, context)
    else:
        convolve_with_table(x, weight, op.table, axes, y, context)
    return (with_bias(y, weights, context),)


def oriented(op: Conv | DepthwiseConv | SeparableConv, weight: Array) -> Array:
    """Return kernels in the order in which they are laid over windows: mirrored along every spatial axis with
    ``flip``."""
    return np.flip(weight, tuple(range(-len(op.kernel), 0))) if op.flip else weight


def standardised(weight: Array) -> Array:
    """Return every filter with mean 0 and variance 1."""
    axes = tuple(range(1, weight.ndim))
    centred = weight - weight.mean(axes, keepdims=True)
    scaled: Array = centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + STANDARDISATION_EPSILON)
    return scaled


def convolve(x: Array, weight: Array, groups: int, axes: list[WindowAxis], y: Array, context: Context) -> None:
    """Write the convolution of x (N×C×n…) with weight (O×C/groups×k…) to y (N×O×m…)."""
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    maps = x.reshape(len(x), groups, -1, *x.shape[2:])
    results = y.reshape(len(x), groups, matrix.shape[1], -1)
    if all(axis.is_pointwise for axis in axes):
        multiply(matrix, maps.reshape(*maps.shape[:3], -1), results, context)
        return
    size = matrix.shape[-1] * x.itemsize
    together = maps_together(size * results.shape[-1])
    for sample, result in zip(maps, results, strict=True):
        for first in range(0, groups, together):
            some = slice(first, first + together)
            channels = sample[some].reshape(-1, *x.shape[2:])
            for block in blocks(positions(axes), block_positions(size * len(sample[some]))):
                columns = gather(channels, axes, block, context)
                columns = columns.reshape(len(sample[some]), matrix.shape[-1], -1)
                multiply(matrix[some], columns, result[some, :, block.start : block.stop], context)


def convolve_with_table(
    x: Array, weight: Array, table: tuple[tuple[bool, ...], ...], axes: list[WindowAxis], y: Array, context: Context
) -> None:
    """Write a convolution as `convolve` does, each output map over the input maps connected to it."""
    sources = [np.flatnonzero(column) for column in np.array(table, bool).T]
    filters = np.split(weight.reshape(len(weight), -1), np.cumsum([len(feeding) for feeding in sources])[:-1])
    for sample, result in zip(x, y.reshape(*y.shape[:2], -1), strict=True):
        for block in blocks(positions(axes), block_positions(len(sample) * weight[0].size * x.itemsize)):
            columns = gather(sample, axes, block, context)
            for feeding, kernels, out in zip(sources, filters, result[:, block.start : block.stop], strict=True):
                some = context.scratch("some columns", (len(feeding), *columns.shape[1:]), x.dtype)
                np.take(columns, feeding, 0, out=some)
                multiply(kernels.reshape(1, -1), some.reshape(kernels.size, -1), out[None], context)


def multiply(rows: Array, columns: Array, out: Array, context: Context) -> None:
    """Compute matrix products and report their operations: one addition fewer than products per sum."""
    np.matmul(rows, columns, out=out)
    products = out.size * rows.shape[-1]
    context.count(mul=products, add=products - out.size, macs=products)


def with_bias(y: Array, weights: Weights, context: Context) -> Array:
    """Add the bias per channel in place, if there is one, and return the result."""
    if "bias" in weights:
        add(context, y, weights["bias"].reshape(-1, *(1,) * (y.ndim - 2)), out=y)
    return y


# --- depthwise and separable ---


@storage(DepthwiseConv)
def depthwise_storage(op: DepthwiseConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight``, with ``multiplier`` filters per channel, ordered by channel, and ``bias``."""
    maps = inputs[0][0] * op.multiplier
    return weighted_sum_shapes(op, maps, weight=(maps, 1, *op.kernel))


@kernel(DepthwiseConv)
@with_weight_norm
def depthwise_conv(op: DepthwiseConv, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Convolve every channel with filters of its own."""
    x, weight = np.ascontiguousarray(inputs[0]), oriented(op, weights["weight"])
    x, axes = without_padding(x, op.border, axes_of(op, x.shape[2:]))
    y = np.empty((len(x), len(weight), *positions(axes)), x.dtype)
    convolve(x, weight, x.shape[1], axes, y, context)
    return (with_bias(y, weights, context),)


@storage(SeparableConv)
def separable_storage(op: SeparableConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``depthwise``, ``pointwise`` and ``bias``, which is added after both convolutions."""
    maps = inputs[0][0] * op.multiplier
    kernels = {"depthwise": (maps, 1, *op.kernel), "pointwise": (op.channels, maps, *(1 for _ in op.kernel))}
    return weighted_sum_shapes(op, op.channels, **kernels)


@kernel(SeparableConv)
@with_weight_norm
def separable_conv(op: SeparableConv, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute a depthwise convolution, then a 1×1 convolution over its maps, one example at a time."""
    x, mixing = np.ascontiguousarray(inputs[0]), weights["pointwise"].reshape(op.channels, -1)
    x, axes = without_padding(x, op.border, axes_of(op, x.shape[2:]))
    y = np.empty((len(x), op.channels, *positions(axes)), x.dtype)
    depthwise = oriented(op, weights["depthwise"])
    maps = context.scratch("depthwise maps", (1, mixing.shape[1], *positions(axes)), x.dtype)
    for sample, result in zip(x, y.reshape(*y.shape[:2], -1), strict=True):
        convolve(sample[None], depthwise, x.shape[1], axes, maps, context)
        multiply(mixing, maps.reshape(mixing.shape[1], -1), result, context)
    return (with_bias(y, weights, context),)


# --- transposed convolution ---


@storage(TransposedConv)
def transposed_storage(op: TransposedConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight``, with one kernel per input channel and output channel of its group, and ``bias``."""
    return weighted_sum_shapes(op, op.channels, weight=(inputs[0][0], op.channels // op.groups, *op.kernel))


@kernel(TransposedConv)
@with_weight_norm
def transposed_conv(op: TransposedConv, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Add every input times the kernel to the output at its window; the part in the padding is discarded."""
    x, weight = np.ascontiguousarray(inputs[0]), weights["weight"]
    axes = transposed_axes(op, x.shape[2:])
    y = np.empty((len(x), op.channels, *(axis.size for axis in axes)), x.dtype)
    y[...] = weights["bias"].reshape(-1, *(1,) * len(axes)) if op.bias else 0
    fan_in, kernels = len(weight) // op.groups, weight[0, 0].size
    matrix = weight.reshape(op.groups, fan_in, -1).transpose(0, 2, 1)
    for sample, result in zip(x.reshape(len(x), op.groups, fan_in, -1), y, strict=True):
        for block in blocks(x.shape[2:], block_positions(op.channels * kernels * x.itemsize)):
            shape = (op.groups, matrix.shape[1], block.stop - block.start)
            columns = context.scratch("columns", shape, x.dtype)
            np.matmul(matrix, sample[..., block.start : block.stop], out=columns)
            products = columns.size * fan_in
            context.count(mul=products, add=products, macs=products)  # each product is added to the output
            scatter(columns.reshape(op.channels, kernels, *block.sizes), axes, block, result)
    return (y,)


def scatter(columns: Array, axes: list[WindowAxis], block: WindowBlock, result: Array) -> None:
    """Add the contributions of a block of inputs (O×taps×positions) to the output, tap by tap."""
    for number, tap in enumerate(taps(axes)):
        overlaps = [axis.overlap(place, *bounds) for axis, place, bounds in zip(axes, tap, block.ranges, strict=True)]
        target = result[index(place for _, place in overlaps)]
        np.add(target, columns[:, number][index(inside for inside, _ in overlaps)], out=target)


def transposed_axes(op: TransposedConv, sizes: Sizes) -> list[WindowAxis]:
    """Return the axes of the transposed operation, whose windows are on the output, one per input position."""
    found = []
    pads = (op.pad,) * len(sizes) if isinstance(op.pad, str) else op.pad
    outpad = op.outpad or (0,) * len(sizes)
    for n, k, s, d, pad, more in zip(sizes, op.kernel, op.stride, op.dilation, pads, outpad, strict=True):
        reach = range(0, k * d, d)[-1] + 1
        last = range(0, n * s, s)[-1]
        if pad == "same":  # of an odd excess, more is cropped at the end
            size = n * s if op.outpad is None else last + reach - 2 * (reach // 2) + more
            before = max(last + reach - size, 0) // 2
        else:
            before, after = pad if isinstance(pad, tuple) else padding(pad, n, reach, s)
            size = last + reach - before - after + more
        found.append(WindowAxis(size, before, 0, k, s, d, n))
    return found
