"""Pooling, tap by tap: every place of the window is one pass over all windows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Sizes, Weights, Work, kernel, storage
from archcalc.executor.kernels.windows import Axis, axes_of, index, positions, taps
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
def maxpool(op: MaxPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The maximum of every window; places in the padding never win."""
    y, axes = over_windows(op, inputs[0], np.maximum, -np.inf, work)
    work.count(cmp=y.size * (taps_of(axes) - 1))
    return (y,)


@kernel(AvgPool)
def avgpool(op: AvgPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The sum of every window, by the number of its places that count."""
    y, axes = over_windows(op, inputs[0], np.add, 0, work)
    y /= reduce(np.multiply.outer, [counted(axis, op.count_include_pad) for axis in axes])
    work.count(add=y.size * (taps_of(axes) - 1), div=y.size)
    return (y,)


@storage(Subsample)
def subsample_storage(op: Subsample, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``coefficient`` and ``bias``: one number per map each."""
    return {"coefficient": inputs[0][:1], "bias": inputs[0][:1]}


@kernel(Subsample)
def subsample(op: Subsample, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The sum of every window, times the coefficient of its map, plus its bias."""
    y, axes = over_windows(op, inputs[0], np.add, 0, work)
    each = (-1, *(1,) * len(axes))
    y *= weights["coefficient"].reshape(each)
    y += weights["bias"].reshape(each)
    work.count(add=y.size * taps_of(axes), mul=y.size)
    return (y,)


def taps_of(axes: Sequence[Axis]) -> int:
    """How many numbers a window holds."""
    return prod(axis.kernel for axis in axes)


def over_windows(op: Any, x: Array, join: Callable[..., Array], neutral: float, work: Work) -> tuple[Array, list[Axis]]:
    """Join the numbers of every window; places outside of the input leave the result as it is."""
    axes = axes_of(op, x.shape[2:], ceil=op.ceil)
    sizes = positions(axes)
    y = work.empty((*x.shape[:2], *sizes), x.dtype)
    meetings = [
        [axis.met(place, 0, axis.positions) for axis, place in zip(axes, tap, strict=True)] for tap in taps(axes)
    ]
    whole = [all(inside == slice(0, n) for (inside, _), n in zip(met, sizes, strict=True)) for met in meetings]
    if any(whole):  # a place that all windows have on the input comes first: it is copied, and nothing needs filling in
        meetings.insert(0, meetings.pop(whole.index(True)))
    for maps, results in zip(x, y, strict=True):
        if not any(whole):
            results[...] = neutral
        for number, met in enumerate(meetings):
            there = maps[index(met_there for _, met_there in met)]
            here = results[index(inside for inside, _ in met)]
            if number or not any(whole):
                join(here, there, out=here)
            else:
                here[...] = there
    return y, axes


def counted(axis: Axis, padding: bool) -> Array:
    """How many places of every window along one axis count: those on the input, and those in its padding if it does."""
    first = np.arange(axis.positions) * axis.stride - axis.before
    places = first[:, None] + np.arange(axis.kernel) * axis.dilation
    least, most = (-axis.before, axis.size + axis.after) if padding else (0, axis.size)
    held: Array = np.maximum(((places >= least) & (places < most)).sum(1), 1)
    return held


# --- global ---


@kernel(GlobalAvgPool)
def gap(op: GlobalAvgPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Each map's average."""
    x = inputs[0]
    y = x.reshape(*x.shape[:2], -1).sum(-1)
    y /= x[0, 0].size
    work.count(add=x.size - y.size, div=y.size)
    return (_over_positions(y, x),)


@kernel(GlobalMaxPool)
def gmp(op: GlobalMaxPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Each map's maximum."""
    x = inputs[0]
    y = x.reshape(*x.shape[:2], -1).max(-1)
    work.count(cmp=x.size - y.size)
    return (_over_positions(y, x),)


def _over_positions(y: Array, x: Array) -> Array:
    return y.reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


# --- adaptive ---


@kernel(AdaptiveAvgPool)
def adaptive_avgpool(op: AdaptiveAvgPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The average of every part."""
    y, held = over_parts(op.size, inputs[0], np.mean, work)
    work.count(add=held - y.size, div=y.size)
    return (y,)


@kernel(AdaptiveMaxPool)
def adaptive_maxpool(op: AdaptiveMaxPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The maximum of every part."""
    y, held = over_parts(op.size, inputs[0], np.max, work)
    work.count(cmp=held - y.size)
    return (y,)


def over_parts(sizes: Sequence[int], x: Array, join: Callable[..., Array], work: Work) -> tuple[Array, int]:
    """Join the numbers of every part, and how many numbers all parts hold together.

    The borders of the parts are the input's length divided evenly; positions that a border cuts belong to both sides.
    """
    y = work.empty((*x.shape[:2], *sizes), x.dtype)
    positions_axes = tuple(range(2, x.ndim))
    cuts = [
        [slice(part * n // m, -(-(part + 1) * n // m)) for part in range(m)]
        for n, m in zip(x.shape[2:], sizes, strict=True)
    ]
    held = 0
    for place in product(*map(range, sizes)):
        part = x[index((cut[number] for cut, number in zip(cuts, place, strict=True)), slice(None), slice(None))]
        y[index(place, slice(None), slice(None))] = join(part, axis=positions_axes)
        held += part.size
    return y, held
