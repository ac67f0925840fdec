"""Convolutions as matrix products: kernels as rows, gathered windows as columns.

Windows are gathered block by block of output positions into one reused buffer that stays in cache, so that memory is
bounded whatever the size of the input. Where a window is one position, the input is the matrix. Groups, and the
channels of a depthwise convolution, are so many small products; as many are gathered together as fit the buffer.
"""

from __future__ import annotations

from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Sizes, Weights, Work, kernel, storage
from archcalc.executor.kernels.stretches import in_rows_of
from archcalc.executor.kernels.windows import Axis, Block, axes_of, blocks, index, padding, positions, taps
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv

BLOCK_BYTES = 1 << 22
"""What a block of gathered windows may take: more is a little faster (fewer products, each of more columns), but is
memory that no analysis foresees."""
LEAST_POSITIONS = 128
"""Fewer columns than this make matrix products slow, so a block may be larger than `BLOCK_BYTES` to have them."""
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


@kernel(Conv)
def conv(op: Conv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Every filter's weighted sum over the windows of its group's channels."""
    x, weight = np.ascontiguousarray(inputs[0]), weights["weight"]
    if op.ws:
        weight = standardised(weight)
    axes = axes_of(op, x.shape[2:])
    y = work.empty((len(x), op.channels, *positions(axes)), x.dtype)
    if op.table is None:
        convolve(x, weight, op.groups, axes, y, work)
    else:
        convolve_tabled(x, weight, op.table, axes, y, work)
    add_bias(y, weights, work)
    return (y,)


def standardised(weight: Array) -> Array:
    """Every filter with mean 0 and variance 1."""
    axes = tuple(range(1, weight.ndim))
    centred = weight - weight.mean(axes, keepdims=True)
    scaled: Array = centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + STANDARDISATION_EPSILON)
    return scaled


def convolve(x: Array, weight: Array, groups: int, axes: list[Axis], y: Array, work: Work) -> None:
    """Write the convolution of x (N×C×n…) with weight (O×C/groups×k…) to y (N×O×m…)."""
    channels = x.shape[1]
    matrix = weight.reshape(groups, weight.shape[0] // groups, -1)
    results = y.reshape(len(x), groups, matrix.shape[1], -1)
    if all(axis.kernel == axis.stride == 1 and not (axis.before or axis.after) for axis in axes):
        multiply(matrix, x.reshape(len(x), groups, channels // groups, -1), results, work)
        return
    fan_in = channels // groups
    size = matrix.shape[-1] * x.itemsize
    together = min(max(BLOCK_BYTES // (size * results.shape[-1]), 1), groups)
    for sample, result in zip(x, results, strict=True):
        for first in range(0, groups, together):
            last = min(first + together, groups)
            maps, filters, out = sample[first * fan_in : last * fan_in], matrix[first:last], result[first:last]
            for block in blocks(y.shape[2:], block_positions(size * together)):
                columns = gather(maps, axes, block, work)
                columns = columns.reshape(last - first, -1, columns.shape[-1])
                multiply(filters, columns, out[..., block.start : block.stop], work)


def convolve_tabled(
    x: Array, weight: Array, table: tuple[tuple[bool, ...], ...], axes: list[Axis], y: Array, work: Work
) -> None:
    """As `convolve`, each output map over the input maps that feed it."""
    sources = [np.flatnonzero(column) for column in np.array(table, bool).T]
    ends = np.cumsum([len(feeding) for feeding in sources])
    filters = np.split(weight.reshape(len(weight), -1), ends[:-1])
    results = y.reshape(*y.shape[:2], -1)
    for sample, result in zip(x, results, strict=True):
        for block in blocks(y.shape[2:], block_positions(len(sample) * weight[0].size * x.itemsize)):
            columns = gather(sample, axes, block, work)
            for feeding, kernels, out in zip(sources, filters, result, strict=True):
                part = columns[feeding].reshape(1, -1, columns.shape[-1])
                multiply(kernels.reshape(1, 1, -1), part, out[None, None, block.start : block.stop], work)


def block_positions(bytes_per_position: int) -> int:
    """How many output positions are gathered at once."""
    return max(BLOCK_BYTES // bytes_per_position, LEAST_POSITIONS)


def gather(sample: Array, axes: list[Axis], block: Block, work: Work) -> Array:
    """The windows of a block of positions of one sample (C×n…), as an array C×taps×positions; padding is zeros."""
    framed, first = frame(sample, axes, block, work)
    channels, sizes = len(sample), block.sizes
    columns = work.scratch("columns", (channels, *(axis.kernel for axis in axes), *sizes), sample.dtype)
    steps = framed.strides[1:]
    apart = (axis.dilation * step for axis, step in zip(axes, steps, strict=True))
    onward = (axis.stride * step for axis, step in zip(axes, steps, strict=True))
    strides = (framed.strides[0], *apart, *onward)
    columns[...] = np.ndarray(columns.shape, framed.dtype, framed, first, strides)
    return columns.reshape(channels, -1, prod(sizes))


def frame(sample: Array, axes: list[Axis], block: Block, work: Work) -> tuple[Array, int]:
    """What the windows of a block reach, with its padding: an array, and the offset in it (in bytes) of the first
    place. Without padding this is the sample itself."""
    reached = [axis.reached(*bounds) for axis, bounds in zip(axes, block.ranges, strict=True)]
    inside = [(max(first, 0), min(last, axis.size)) for axis, (first, last) in zip(axes, reached, strict=True)]
    if inside == reached:
        return sample, sum(first * step for (first, _), step in zip(reached, sample.strides[1:], strict=True))
    framed = work.scratch("frame", (len(sample), *(last - first for first, last in reached)), sample.dtype)
    framed[...] = 0
    target = [
        slice(low - first, max(high, low) - first) for (first, _), (low, high) in zip(reached, inside, strict=True)
    ]
    framed[index(target)] = sample[index(slice(low, max(high, low)) for low, high in inside)]
    return framed, 0


def multiply(rows: Array, columns: Array, out: Array, work: Work) -> None:
    """Matrix products, with what they take: as many additions as products, one fewer for every sum."""
    np.matmul(rows, columns, out=out)
    products = out.size * rows.shape[-1]
    work.count(mul=products, add=products - out.size, macs=products)


def add_bias(y: Array, weights: Weights, work: Work) -> None:
    """Add a bias per channel in place, where there are any."""
    if "bias" in weights:
        with in_rows_of(y[0, 0].size):
            y += weights["bias"].reshape(-1, *(1,) * (y.ndim - 2))
        work.count(add=y.size)


# --- depthwise and separable ---


@storage(DepthwiseConv)
def depthwise_storage(op: DepthwiseConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``weight``: ``multiplier`` filters per channel, those of a channel one after another."""
    maps = inputs[0][0] * op.multiplier
    return _with_bias(op.bias, maps, weight=(maps, 1, *op.kernel))


@kernel(DepthwiseConv)
def depthwise_conv(op: DepthwiseConv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Every channel with filters of its own."""
    x, weight = np.ascontiguousarray(inputs[0]), weights["weight"]
    axes = axes_of(op, x.shape[2:])
    y = work.empty((len(x), len(weight), *positions(axes)), x.dtype)
    convolve(x, weight, x.shape[1], axes, y, work)
    add_bias(y, weights, work)
    return (y,)


@storage(SeparableConv)
def separable_storage(op: SeparableConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``depthwise`` and ``pointwise`` kernels; the bias follows both."""
    maps = inputs[0][0] * op.multiplier
    kernels = {"depthwise": (maps, 1, *op.kernel), "pointwise": (op.channels, maps, *(1 for _ in op.kernel))}
    return _with_bias(op.bias, op.channels, **kernels)


@kernel(SeparableConv)
def separable_conv(op: SeparableConv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """A depthwise convolution, then a 1×1 convolution over its maps."""
    x, filters, mixing = np.ascontiguousarray(inputs[0]), weights["depthwise"], weights["pointwise"]
    axes = axes_of(op, x.shape[2:])
    between = work.scratch("depthwise maps", (1, len(filters), *positions(axes)), x.dtype)
    y = work.empty((len(x), len(mixing), *positions(axes)), x.dtype)
    mixing, maps = mixing.reshape(len(mixing), -1), between.reshape(len(filters), -1)
    for sample, result in zip(x, y, strict=True):  # the depthwise maps of one at a time
        convolve(sample[None], filters, x.shape[1], axes, between, work)
        multiply(mixing, maps, result.reshape(len(mixing), -1), work)
    add_bias(y, weights, work)
    return (y,)


# --- transposed convolution ---


@storage(TransposedConv)
def transposed_storage(op: TransposedConv, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``weight``: one kernel per input channel and output channel of its group."""
    return _with_bias(op.bias, op.channels, weight=(inputs[0][0], op.channels // op.groups, *op.kernel))


@kernel(TransposedConv)
def transposed_conv(op: TransposedConv, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Every input times the whole kernel, laid on the output and added up; what lies in the padding is cut off."""
    (x,), weight = inputs, weights["weight"]
    axes = transposed_axes(op, x.shape[2:])
    y = work.empty((len(x), op.channels, *(axis.size for axis in axes)), x.dtype)
    y[...] = weights["bias"].reshape(-1, *(1,) * len(axes)) if op.bias else 0
    fan_in = len(weight) // op.groups
    matrix = weight.reshape(op.groups, fan_in, -1).transpose(0, 2, 1)
    columns = x.reshape(len(x), op.groups, fan_in, -1)
    filters, kernels = y.shape[1], weight[0, 0].size
    for sample, result in zip(columns, y, strict=True):
        for block in blocks(x.shape[2:], block_positions(filters * kernels * x.itemsize)):
            shape = (op.groups, filters // op.groups * kernels, block.stop - block.start)
            laid = work.scratch("columns", shape, x.dtype)
            np.matmul(matrix, sample[..., block.start : block.stop], out=laid)
            work.count(
                **dict.fromkeys(("mul", "add", "macs"), laid.size * fan_in)
            )  # each product is added to the output
            lay(laid.reshape(filters, kernels, *block.sizes), axes, block, result)
    return (y,)


def lay(columns: Array, axes: list[Axis], block: Block, result: Array) -> None:
    """Add what a block of inputs contributes, tap by tap (O×taps×positions), to the output it falls on."""
    for number, tap in enumerate(taps(axes)):
        met = [axis.met(place, *bounds) for axis, place, bounds in zip(axes, tap, block.ranges, strict=True)]
        target = result[index(place for _, place in met)]
        target += columns[:, number][index(inside for inside, _ in met)]


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
