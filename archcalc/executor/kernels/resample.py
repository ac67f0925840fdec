"""Kernels of operators without weights that change the number of positions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel
from archcalc.executor.kernels.border import extended
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.counted import add, multiply
from archcalc.ops.resample import Crop, Pad, PaddedIdentity, Upsample


@kernel(Upsample)
def upsample(op: Upsample, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    if op.mode == "nearest" and op.scale is not None and all(type(times) is int for times in op.scale):
        return (_repeated(x, op.scale),)
    sizes, steps = _sizes_and_steps(op, x.shape[2:])
    if op.mode == "nearest":
        return (_nearest(x, sizes, steps),)
    found = coordinates(op, x.shape[2:])
    if op.mode == "bicubic":
        return (_cubic(x, found, context),)
    return (_linear(x, sizes, [between(n, *each) for n, each in zip(x.shape[2:], found, strict=True)], context),)


def _sizes_and_steps(op: Upsample, lengths: Sizes) -> tuple[Sizes, list[Fraction]]:
    """Return the sizes of the output, and by how many positions of the input two positions of the output differ."""
    if op.scale is None:
        sizes = op.to or ()
        return sizes, [Fraction(n, m) for n, m in zip(lengths, sizes, strict=True)]
    steps = [1 / Fraction(times) for times in op.scale]
    return tuple([int(n / step) for n, step in zip(lengths, steps, strict=True)]), steps


def coordinates(op: Upsample, lengths: Sizes) -> list[tuple[Array, int]]:
    """Return the source coordinates of the output along every axis."""
    sizes, steps = _sizes_and_steps(op, lengths)
    return [_coordinates(n, m, step, op.align_corners) for n, m, step in zip(lengths, sizes, steps, strict=True)]


def _repeated(x: Array, times: Sizes) -> Array:
    """Return every position repeated ``times`` per axis, in a single assignment."""
    examples, channels, *positions = x.shape
    interleaved = [part for n, f in zip(positions, times, strict=True) for part in (n, f)]
    out: Array = np.empty((examples, channels, *interleaved), x.dtype)
    out[...] = np.expand_dims(x, tuple(range(3, 3 + 2 * len(times), 2)))
    return out.reshape(examples, channels, *(n * f for n, f in zip(positions, times, strict=True)))


def _nearest(x: Array, sizes: Sizes, steps: Sequence[Fraction]) -> Array:
    """Return nearest-neighbour upsampling: output i is input ⌊i·step⌋."""
    out = np.empty((*x.shape[:2], *sizes), x.dtype)

    def take(out: Array, x: Array) -> None:
        for axis, (m, step) in enumerate(zip(sizes, steps, strict=True), start=1):
            x = np.take(x, np.arange(m) * step.numerator // step.denominator, axis)
        out[...] = x

    for example, result in zip(x, out, strict=True):
        in_chunks(take, 0, result, example)
    return out


def _linear(x: Array, sizes: Sizes, sources: list[tuple[Array, Array, Array]], context: Context) -> Array:
    """Return linear interpolation, axis by axis, between the two positions around each source coordinate."""
    out = np.empty((*x.shape[:2], *sizes), x.dtype)
    for example, result in zip(x, out, strict=True):
        in_chunks(partial(_interpolate, sources, context), 0, result, example)
    return out


def _interpolate(sources: list[tuple[Array, Array, Array]], context: Context, out: Array, x: Array) -> None:
    """Interpolate some maps, a chunk of the first output axis at a time."""
    first, *others = sources

    def lines(out: Array, *some: Array) -> None:
        means = x
        for axis, (below, above, weight) in enumerate([[each[0] for each in some], *others], start=1):
            factor = weight.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1 - axis))
            after = np.take(means, above, axis)
            multiply(context, after, factor, out=after)
            means = np.take(means, below, axis)
            add(context, multiply(context, means, 1 - factor, out=means), after, out=means)
        out[...] = means

    in_chunks(lines, 1, out, *[each[None] for each in first])


def _coordinates(n: int, m: int, step: Fraction, align_corners: bool) -> tuple[Array, int]:
    """Return the source coordinates of m outputs, as exact numerators of a common denominator."""
    i = np.arange(m)
    if align_corners:
        return i * (n - 1), max(m - 1, 1)
    return (2 * i + 1) * step.numerator - step.denominator, 2 * step.denominator


def _cubic(x: Array, sources: list[tuple[Array, int]], context: Context) -> Array:
    """Return cubic interpolation, axis by axis, between the four positions around each source coordinate."""
    for axis, (numerator, denominator) in enumerate(sources, start=2):
        below = numerator // denominator
        rest = (numerator - below * denominator) / denominator
        result: Array | None = None
        for tap in (-1, 0, 1, 2):
            weight = keys(np.abs(rest - tap)).astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1 - axis))
            term = multiply(context, np.take(x, np.clip(below + tap, 0, x.shape[axis] - 1), axis), weight)
            result = term if result is None else add(context, result, term, out=result)
        assert result is not None
        x = result
    return x


def keys(distance: Array) -> Array:
    """Return the weights of positions at a distance from a coordinate (Keys 1981, with a = −3/4)."""
    near = (1.25 * distance - 2.25) * distance**2 + 1
    far = -0.75 * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, far)


def between(n: int, numerator: Array, denominator: int) -> tuple[Array, Array, Array]:
    """Return, for each output, the inputs below and above its source coordinate, and the weight of the upper one.

    A coordinate outside of the n inputs is moved to the nearest one. The arithmetic is exact, in integers, so for a
    coordinate that is a position, the inputs below and above are the same.
    """
    numerator = np.clip(numerator, 0, (n - 1) * denominator)
    below = numerator // denominator
    rest = numerator - below * denominator
    return below, below + (rest > 0), rest / denominator


@kernel(Pad)
def pad(op: Pad, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    if op.border != "zeros":
        return (extended(x, op.border, op.margin),)
    sizes = [n + before + after for n, (before, after) in zip(x.shape[2:], op.margin, strict=True)]
    out = np.empty((*x.shape[:2], *sizes), x.dtype)
    out[...] = 0
    inside = [slice(before, before + n) for n, (before, _) in zip(x.shape[2:], op.margin, strict=True)]
    out[:, :, *inside] = x
    return (out,)


@kernel(Crop)
def crop(op: Crop, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    inside = [slice(before, n - after) for n, (before, after) in zip(x.shape[2:], op.margin, strict=True)]
    return (x[:, :, *inside],)


@kernel(PaddedIdentity)
def padded_identity(op: PaddedIdentity, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    taken = x[:, :, *(slice(None, None, s) for s in op.stride)]
    out = np.empty((x.shape[0], op.channels, *taken.shape[2:]), x.dtype)
    out[:, : x.shape[1]] = taken
    out[:, x.shape[1] :] = 0
    return (out,)
