"""Convolutions by their definition: for every position and output channel, a weighted sum over the taps."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from archcalc.executor.loops.numbers import function
from archcalc.executor.loops.scalar import Scalar, Tally, named
from archcalc.executor.loops.sliding import Sliding, axes_of, seen, sides, windows
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, sizes, weighted_sum
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv

STANDARDISATION_EPSILON = Fraction(1, 100_000)
"""The constant that weight standardisation adds to variances (Qiao et al. 2019)."""


def with_gain(row: list[Scalar], weights: dict[str, Tensor], f: int) -> list[Scalar]:
    """Return the weights of an output channel, with weight norm divided by their norm and multiplied by its gain.

    This is done once before any input, so it is not counted.
    """
    if "gain" not in weights:
        return row
    norm = function("sqrt", sum(weight.value * weight.value for weight in row))
    return [Scalar(weight.value * weights["gain"][f,].value / norm, weight.tally) for weight in row]


Kernels = list[dict[int, list[Scalar]]]
"""For each output channel, the weights of its kernels by input channel, in the order of the taps."""


def _bias(weights: dict[str, Tensor], channel: int) -> Scalar | None:
    return weights["bias"][channel,] if "bias" in weights else None


def _kernel(op: Conv | DepthwiseConv | SeparableConv, weight: Tensor, place: Index) -> list[Scalar]:
    """Return the weights of a kernel in the order of the taps: the first one belongs to the first position of the
    window, or with ``flip`` to the last one, (x ∗ w)(t) = Σ x(t − u)·w(u)."""
    taps = [*product(*map(range, op.kernel))]
    return [weight[*place, *tap] for tap in (reversed(taps) if op.flip else taps)]


def _convolve(op: Sliding, x: Tensor, kernels: Kernels, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Return a convolution, given the kernels of every output channel by input channel."""
    channels, *size = sizes(x)
    zero = Scalar(0.0, tally)
    out: Tensor = {}
    for window in windows(axes_of(op, tuple(size))):
        under = [seen(x, channel, window, zero) for channel in range(channels)]
        for f, kernel in enumerate(kernels):
            numbers = [number for channel in kernel for number in under[channel]]
            row = with_gain([weight for channel in kernel.values() for weight in channel], weights, f)
            out[f, *window.output] = weighted_sum(numbers, row, _bias(weights, f))
    return out


@definition(Conv, DepthwiseConv)
def conv(op: Conv | DepthwiseConv, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    return _convolve(op, x, kernels_of(op, sizes(x)[0], weights, tally), weights, tally)


def kernels_of(op: Conv | DepthwiseConv, channels: int, weights: dict[str, Tensor], tally: Tally) -> Kernels:
    """Return the kernels of a convolution of an input with some channels."""
    if isinstance(op, DepthwiseConv):
        maps = range(channels * op.multiplier)
        return [{f // op.multiplier: _kernel(op, weights["weight"], (f, 0))} for f in maps]
    weight = _standardised(weights["weight"], tally) if op.ws else weights["weight"]
    kernels: Kernels
    if op.table is None:
        fan_in, fan_out = channels // op.groups, op.channels // op.groups
        kernels = [
            {f // fan_out * fan_in + c: _kernel(op, weight, (f, c)) for c in range(fan_in)} for f in range(op.channels)
        ]
    else:  # one kernel per connected pair of maps, ordered by output map
        kernels, pair = [], 0
        for f in range(op.channels):
            kernels.append({})
            for c in range(channels):
                if op.table[c][f]:
                    kernels[f][c] = _kernel(op, weight, (pair,))
                    pair += 1
    return kernels


@definition(SeparableConv)
def separable(op: SeparableConv, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    maps = sizes(x)[0] * op.multiplier
    kernels = [{f // op.multiplier: _kernel(op, weights["depthwise"], (f, 0))} for f in range(maps)]
    deep = {index: named("depthwise", number) for index, number in _convolve(op, x, kernels, {}, tally).items()}
    pointwise, ones = weights["pointwise"], (0,) * len(op.kernel)
    out: Tensor = {}
    for f in range(op.channels):
        row = with_gain([pointwise[f, m, *ones] for m in range(maps)], weights, f)
        for place in product(*map(range, sizes(deep)[1:])):
            out[f, *place] = weighted_sum([deep[m, *place] for m in range(maps)], row, _bias(weights, f))
    return out


@definition(TransposedConv)
def transposed(op: TransposedConv, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Add every number times the kernel to the output, which starts with the bias; the padding is cropped."""
    (x,) = inputs
    channels, *size = sizes(x)
    fan_in, fan_out = channels // op.groups, op.channels // op.groups
    begin = [_bias(weights, f) or Scalar(0.0, tally) for f in range(op.channels)]
    stored = dict(weights["weight"])
    for f in range(op.channels):
        own = range(f // fan_out * fan_in, (f // fan_out + 1) * fan_in)
        indices = [(c, f % fan_out, *tap) for c in own for tap in product(*map(range, op.kernel))]
        stored |= zip(indices, with_gain([stored[index] for index in indices], weights, f), strict=True)
    full_output: Tensor = {}
    for c, *at in product(*map(range, sizes(x))):
        for tap in product(*map(range, op.kernel)):
            place = [i * s + t * d for i, t, s, d in zip(at, tap, op.stride, op.dilation, strict=True)]
            for f in range(fan_out):
                filter_ = c // fan_in * fan_out + f
                reached = full_output.get((filter_, *place), begin[filter_])
                full_output[filter_, *place] = reached + x[c, *at] * stored[c, f, *tap]
                tally.macs += 1
    kept = [_kept(op, axis, n, full) for axis, (n, full) in enumerate(zip(size, _ends(full_output), strict=True))]
    out: Tensor = {}
    for f in range(op.channels):
        for moved in product(*map(enumerate, kept)):
            out[f, *(to for to, _ in moved)] = full_output.get((f, *(at for _, at in moved)), begin[f])
    return out


def _ends(x: Tensor) -> Index:
    """Return, per spatial axis, one more than the last position that was written (there may be gaps before it)."""
    return tuple(max(positions) + 1 for positions in zip(*x, strict=True))[1:]


def _kept(op: TransposedConv, axis: int, n: int, full: int) -> range:
    """Return the positions of the full result that the output has; output padding adds further ones."""
    stride, pad = op.stride[axis], op.pad if isinstance(op.pad, str) else op.pad[axis]
    more = 0 if op.outpad is None else op.outpad[axis]
    if pad == "same":  # stride times as many as the input has, or as given; the excess is cropped on both sides
        half = (op.dilation[axis] * (op.kernel[axis] - 1) + 1) // 2
        size = n * stride if op.outpad is None else full - half - half + more
        first = max(full - size, 0) // 2
        return range(first, first + size)
    before, after = sides(pad, op.dilation[axis] * (op.kernel[axis] - 1))
    return range(before, full - after + more)


def _standardised(weight: Tensor, tally: Tally) -> Tensor:
    """Return every filter with mean 0 and variance 1. This is done once before any input, so it is not counted."""
    out: Tensor = {}
    for filter_ in {index[0] for index in weight}:
        own = {index: number.value for index, number in weight.items() if index[0] == filter_}
        mean = sum(own.values()) / len(own)
        variance = sum((value - mean) * (value - mean) for value in own.values()) / len(own)
        deviation = function("sqrt", variance + STANDARDISATION_EPSILON)
        out.update({index: Scalar((value - mean) / deviation, tally) for index, value in own.items()})
    return out
