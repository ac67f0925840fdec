"""Kernels of operators that change the number of positions without weights."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Sizes, Weights, Work, kernel
from archcalc.executor.kernels.counted import add, multiply
from archcalc.ops.resample import Crop, Pad, PaddedIdentity, Upsample


@kernel(Upsample)
def upsample(op: Upsample, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    (x,) = inputs
    if op.mode == "nearest" and op.scale is not None:
        return (_repeated(x, op.scale, work),)
    sizes = op.to or tuple(n * times for n, times in zip(x.shape[2:], op.scale or (), strict=True))
    if op.mode == "bilinear":
        return (_linear(x, sizes, op.align_corners, work),)
    for axis, m in enumerate(sizes, start=2):
        x = np.take(x, np.arange(m) * x.shape[axis] // m, axis)
    return (x,)


def _repeated(x: Array, times: Sizes, work: Work) -> Array:
    """Every position so many times per axis, written at once."""
    examples, channels, *positions = x.shape
    apart = [part for n, f in zip(positions, times, strict=True) for part in (n, f)]
    out: Array = np.empty((examples, channels, *apart), x.dtype)
    out[...] = np.expand_dims(x, tuple(range(3, 3 + 2 * len(times), 2)))
    return out.reshape(examples, channels, *(n * f for n, f in zip(positions, times, strict=True)))


def _linear(x: Array, sizes: Sizes, align_corners: bool, work: Work) -> Array:
    """Axis by axis, a weighted mean of the two positions around each source coordinate."""
    for axis, m in enumerate(sizes, start=2):
        below, above, weight = _sources(x.shape[axis], m, align_corners)
        weight = weight.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1 - axis))
        after = np.take(x, above, axis)
        multiply(work, after, weight, out=after)
        x = np.take(x, below, axis)
        add(work, multiply(work, x, 1 - weight, out=x), after, out=x)
    return x


def _sources(n: int, m: int, align_corners: bool) -> tuple[Array, Array, Array]:
    """For each of m positions: those of n below and above its source coordinate, and the weight of the upper one.

    A coordinate outside of the positions is moved to the nearest. The arithmetic is in whole numbers: a coordinate
    that is a position has no other around it.
    """
    i = np.arange(m)
    if align_corners:
        numerator, denominator = i * (n - 1), max(m - 1, 1)
    else:
        numerator, denominator = (2 * i + 1) * n - m, 2 * m
    numerator = np.clip(numerator, 0, (n - 1) * denominator)
    below = numerator // denominator
    rest = numerator - below * denominator
    return below, below + (rest > 0), rest / denominator


@kernel(Pad)
def pad(op: Pad, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    (x,) = inputs
    sizes = [n + before + after for n, (before, after) in zip(x.shape[2:], op.margin, strict=True)]
    out = work.empty((*x.shape[:2], *sizes), x.dtype)
    out[...] = 0
    inside = [slice(before, before + n) for n, (before, _) in zip(x.shape[2:], op.margin, strict=True)]
    out[:, :, *inside] = x
    return (out,)


@kernel(Crop)
def crop(op: Crop, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    (x,) = inputs
    inside = [slice(before, n - after) for n, (before, after) in zip(x.shape[2:], op.margin, strict=True)]
    return (x[:, :, *inside],)


@kernel(PaddedIdentity)
def padded_identity(op: PaddedIdentity, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    (x,) = inputs
    taken = x[:, :, *(slice(None, None, s) for s in op.stride)]
    out = work.empty((x.shape[0], op.channels, *taken.shape[2:]), x.dtype)
    out[:, : x.shape[1]] = taken
    out[:, x.shape[1] :] = 0
    return (out,)
