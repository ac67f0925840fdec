"""Kernels of pooling. Sliding windows are evaluated tap by tap, each for all windows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.counted import add, divide, largest, multiply, total
from archcalc.executor.kernels.windows import WindowAxis, axes_of, index, positions, taps
from archcalc.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    Subsample,
)

# --- sliding windows ---


@kernel(MaxPool)
def maxpool(op: MaxPool, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the maximum of every window; padding counts as −∞."""
    y, axes = over_windows(op, inputs[0], np.maximum, -np.inf)
    context.count(cmp=y.size * (taps_of(axes) - 1))
    return (y,)


@kernel(AvgPool)
def avgpool(op: AvgPool, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the sum of every window, divided by the number of its positions that count."""
    y, axes = over_windows(op, inputs[0], np.add, 0)
    context.count(add=y.size * (taps_of(axes) - 1))
    places = reduce(np.multiply.outer, [counted_positions(axis, op.count_include_pad) for axis in axes]).astype(y.dtype)
    return (divide(context, y, places, out=y),)


@storage(Subsample)
def subsample_storage(op: Subsample, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``coefficient`` and ``bias``, with one number per map each."""
    return {"coefficient": inputs[0][:1], "bias": inputs[0][:1]}


@kernel(Subsample)
def subsample(op: Subsample, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the sum of every window, times the coefficient of its map, plus its bias."""
    y, axes = over_windows(op, inputs[0], np.add, 0)
    context.count(add=y.size * (taps_of(axes) - 1))
    coefficient, bias = (weights[name].reshape(-1, *(1,) * len(axes)) for name in ("coefficient", "bias"))
    return (add(context, multiply(context, y, coefficient, out=y), bias, out=y),)


def taps_of(axes: Sequence[WindowAxis]) -> int:
    """Return how many numbers a window has."""
    return prod(axis.kernel for axis in axes)


def over_windows(op: Any, x: Array, join: np.ufunc, neutral: float) -> tuple[Array, list[WindowAxis]]:
    """Combine the numbers of every window by a function, some maps at a time; padding has no effect."""
    axes = axes_of(op, x.shape[2:], ceil=op.ceil)
    y = np.empty((*x.shape[:2], *positions(axes)), x.dtype)
    for maps, results in zip(x, y, strict=True):
        in_chunks(partial(tap_by_tap, axes, join, neutral), 0, maps, results)
    return y, axes


def tap_by_tap(axes: list[WindowAxis], join: np.ufunc, neutral: float, maps: Array, results: Array) -> None:
    """Combine the numbers of windows on maps (C×n…), one tap of all windows at a time."""
    results[...] = neutral
    for tap in taps(axes):
        overlaps = [axis.overlap(place, 0, axis.positions) for axis, place in zip(axes, tap, strict=True)]
        here = results[index(windows for windows, _ in overlaps)]
        join(here, maps[index(places for _, places in overlaps)], out=here)


def counted_positions(axis: WindowAxis, padding: bool) -> Array:
    """Return how many positions of every window along one axis count: those on the input, and perhaps on the
    padding."""
    first = np.arange(axis.positions) * axis.stride - axis.before
    places = first[:, None] + np.arange(axis.kernel) * axis.dilation
    least, most = (-axis.before, axis.size + axis.after) if padding else (0, axis.size)
    held: Array = np.maximum(((places >= least) & (places < most)).sum(1), 1)
    return held


# --- global ---


@kernel(GlobalAvgPool)
def gap(op: GlobalAvgPool, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the average of each map."""
    (x,) = inputs
    sums = total(context, x, tuple(range(2, x.ndim)))
    return (divide(context, sums, x[0, 0].size, out=sums),)


@kernel(GlobalMaxPool)
def gmp(op: GlobalMaxPool, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the maximum of each map."""
    (x,) = inputs
    return (largest(context, x, tuple(range(2, x.ndim))),)


# --- adaptive ---


@kernel(AdaptiveAvgPool)
def adaptive_avgpool(op: AdaptiveAvgPool, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the average of every part."""
    y, held = over_parts(op.size, inputs[0], np.mean)
    context.count(add=held - y.size, div=y.size)
    return (y,)


@kernel(AdaptiveMaxPool)
def adaptive_maxpool(op: AdaptiveMaxPool, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute the maximum of every part."""
    y, held = over_parts(op.size, inputs[0], np.max)
    context.count(cmp=held - y.size)
    return (y,)


def over_parts(sizes: Sequence[int], x: Array, join: Callable[..., Array]) -> tuple[Array, int]:
    """Combine the numbers of every part by a function, and return the total number of elements of all parts."""
    y = np.empty((*x.shape[:2], *sizes), x.dtype)
    positions_axes = tuple(range(2, x.ndim))
    parts, held = cuts(x.shape[2:], sizes), 0
    for place in product(*map(range, sizes)):
        part = x[index((cut[number] for cut, number in zip(parts, place, strict=True)), slice(None), slice(None))]
        y[index(place, slice(None), slice(None))] = join(part, axis=positions_axes)
        held += part.size
    return y, held


def cuts(lengths: Sequence[int], sizes: Sequence[int]) -> list[list[slice]]:
    """Return the parts of every axis, whose length is divided evenly.

    A position that the border of two parts cuts belongs to both.
    """
    return [
        [slice(part * n // m, -(-(part + 1) * n // m)) for part in range(m)]
        for n, m in zip(lengths, sizes, strict=True)
    ]
