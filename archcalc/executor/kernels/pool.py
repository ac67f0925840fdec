"""Pooling, tap by tap: every place of the window is one pass over all windows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Division, Sizes, Weights, Work, contiguous, kernel, storage
from archcalc.executor.kernels.stretches import in_stretches
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

Join = Callable[..., Array]
"""A function of two arrays, with ``out`` as NumPy has it."""

LONGEST_ROW = 1 << 19
"""Numbers of a framed map that is shifted as one row: two copies of a larger one are much memory for little gain."""

# --- sliding windows ---


@kernel(MaxPool, divided=Division.APART, taped=True)
def maxpool(op: MaxPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The maximum of every window; places in the padding never win."""
    y, axes = over_windows(op, inputs[0], np.maximum, -np.inf, work)
    work.count(cmp=y.size * (taps_of(axes) - 1))
    return (y,)


@kernel(AvgPool, divided=Division.APART, taped=True)
def avgpool(op: AvgPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The sum of every window, by the number of its places that count."""
    y, axes = over_windows(op, inputs[0], np.add, 0, work)
    own = y[:, work.lane.part(y.shape[1])]
    places = reduce(np.multiply.outer, [counted(axis, op.count_include_pad) for axis in axes]).astype(y.dtype)
    work.call(np.divide, own, places, out=own)
    work.count(add=y.size * (taps_of(axes) - 1), div=y.size)
    return (y,)


@storage(Subsample)
def subsample_storage(op: Subsample, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """``coefficient`` and ``bias``: one number per map each."""
    return {"coefficient": inputs[0][:1], "bias": inputs[0][:1]}


@kernel(Subsample, divided=Division.APART, taped=True)
def subsample(op: Subsample, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """The sum of every window, times the coefficient of its map, plus its bias."""
    y, axes = over_windows(op, inputs[0], np.add, 0, work)
    maps, each = work.lane.part(y.shape[1]), (-1, *(1,) * len(axes))
    own = y[:, maps]
    work.call(np.multiply, own, weights["coefficient"][maps].reshape(each), out=own)
    work.call(np.add, own, weights["bias"][maps].reshape(each), out=own)
    work.count(add=y.size * taps_of(axes), mul=y.size)
    return (y,)


def taps_of(axes: Sequence[Axis]) -> int:
    """How many numbers a window holds."""
    return prod(axis.kernel for axis in axes)


def over_windows(op: Any, x: Array, join: Join, neutral: float, work: Work) -> tuple[Array, list[Axis]]:
    """Join the numbers of every window; places outside of the input leave the result as it is."""
    axes = axes_of(op, x.shape[2:], ceil=op.ceil)
    y = work.empty((*x.shape[:2], *positions(axes)), x.dtype)
    dense = all(axis.stride == 1 for axis in axes)
    short = prod(last - first for first, last in (axis.reached(0, axis.positions) for axis in axes)) <= LONGEST_ROW
    slide = partial(shifted if dense and short else tap_by_tap, axes, join, neutral, work)
    for maps, results in zip(x, y, strict=True):
        in_stretches(slide, 0, maps, results, lane=work.lane)
    return y, axes


def tap_by_tap(axes: list[Axis], join: Join, neutral: float, work: Work, maps: Array, results: Array) -> None:
    """Join the windows on maps (C×n…): every tap of all windows lies on a part of the maps."""
    met = [[axis.met(place, 0, axis.positions) for axis, place in zip(axes, tap, strict=True)] for tap in taps(axes)]
    parts = [(results[index(here for here, _ in each)], maps[index(there for _, there in each)]) for each in met]
    whole = next((number for number, (here, _) in enumerate(parts) if here.size == results.size), None)
    if whole is None:
        work.copy(neutral, results)
    else:  # what all windows have on the input comes first, and nothing needs filling in
        here, there = parts.pop(whole)
        work.copy(there, here)
    for here, there in parts:
        work.call(join, here, there, out=here)


def shifted(axes: list[Axis], join: Join, neutral: float, work: Work, maps: Array, results: Array) -> None:
    """As `tap_by_tap`, of windows that stand at every position: all maps, framed by neutral numbers, are one long row,
    which is shifted from tap to tap. Where a window reaches over the end of a line, its result is left out."""
    reached = [axis.reached(0, axis.positions) for axis in axes]
    framed = work.scratch("framed maps", (len(maps), *(last - first for first, last in reached)), maps.dtype)
    work.copy(neutral, framed)
    inside = index(slice(-first, -first + axis.size) for (first, _), axis in zip(reached, axes, strict=True))
    work.copy(maps, framed[inside])
    steps = [prod(framed.shape[number + 2 :]) for number in range(len(axes))]
    shifts = [
        sum(place * axis.dilation * step for place, axis, step in zip(tap, axes, steps, strict=True))
        for tap in taps(axes)
    ]
    row, joined = framed.reshape(-1), work.scratch("joined windows", framed.shape, maps.dtype)
    out = joined.reshape(-1)[: row.size - shifts[-1]]
    work.copy(row[: out.size], out)
    for shift in shifts[1:]:
        work.call(join, out, row[shift : shift + out.size], out=out)
    work.copy(joined[index(slice(axis.positions) for axis in axes)], results)


def counted(axis: Axis, padding: bool) -> Array:
    """How many places of every window along one axis count: those on the input, and those in its padding if it does."""
    first = np.arange(axis.positions) * axis.stride - axis.before
    places = first[:, None] + np.arange(axis.kernel) * axis.dilation
    least, most = (-axis.before, axis.size + axis.after) if padding else (0, axis.size)
    held: Array = np.maximum(((places >= least) & (places < most)).sum(1), 1)
    return held


# --- global ---


@kernel(GlobalAvgPool, divided=Division.SHARE, taped=True)
def gap(op: GlobalAvgPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Each map's average."""
    x = inputs[0]
    y = over_maps(np.add, x, work)
    own = y[:, work.lane.part(y.shape[1])]
    work.call(np.divide, own, x[0, 0].size, out=own)
    work.count(add=x.size - y.size, div=y.size)
    return (_over_positions(y, x),)


@kernel(GlobalMaxPool, divided=Division.SHARE, taped=True)
def gmp(op: GlobalMaxPool, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Each map's maximum."""
    x = inputs[0]
    y = over_maps(np.maximum, x, work)
    work.count(cmp=x.size - y.size)
    return (_over_positions(y, x),)


def over_maps(join: np.ufunc, x: Array, work: Work) -> Array:
    """Join the numbers of every map."""
    y = work.empty(x.shape[:2], x.dtype)
    own = work.lane.part(x.shape[1])
    maps = contiguous(x, work).reshape(*x.shape[:2], -1)
    work.do(join.reduce, maps[:, own], -1, None, y[:, own])
    return y


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
