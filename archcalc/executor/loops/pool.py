"""Pooling by its definition: for every window, the maximum, sum or mean of the numbers that it covers."""

from __future__ import annotations

import math
from itertools import product

from archcalc.executor.loops.scalar import Scalar, Tally
from archcalc.executor.loops.sliding import PlacedWindow, SlidingAxis, axes_of, seen, windows
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, largest, sizes, total
from archcalc.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    Subsample,
)


@definition(MaxPool)
def max_pool(op: MaxPool, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    channels, *size = sizes(x)
    never = Scalar(-math.inf, tally)
    return {
        (c, *window.output): largest(seen(x, c, window, never))
        for window in windows(axes_of(op, tuple(size), ceil=op.ceil))
        for c in range(channels)
    }


@definition(AvgPool)
def avg_pool(op: AvgPool, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    channels, *size = sizes(x)
    axes = axes_of(op, tuple(size), ceil=op.ceil)
    zero = Scalar(0.0, tally)
    out: Tensor = {}
    for window in windows(axes):
        counted = sum(_counts(place, axes, op.count_include_pad) for place in window.covered)
        for c in range(channels):
            out[c, *window.output] = total(seen(x, c, window, zero)) / counted
    return out


def _counts(place: Index, axes: list[SlidingAxis], padding: bool) -> bool:
    """Return whether an index counts in an average: it is on the input, or on the padding if that counts."""
    return all(
        -axis.before * padding <= at < axis.size + axis.after * padding for at, axis in zip(place, axes, strict=True)
    )


@definition(Subsample)
def subsample(op: Subsample, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    channels, *size = sizes(x)
    zero = Scalar(0.0, tally)
    out: Tensor = {}
    for window in windows(axes_of(op, tuple(size), ceil=op.ceil)):
        for c in range(channels):
            summed = total(seen(x, c, window, zero))
            out[c, *window.output] = summed * weights["coefficient"][c,] + weights["bias"][c,]
    return out


@definition(GlobalAvgPool, GlobalMaxPool)
def global_pool(op: GlobalAvgPool | GlobalMaxPool, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return _parts(op, inputs[0])


@definition(AdaptiveAvgPool, AdaptiveMaxPool)
def adaptive_pool(
    op: AdaptiveAvgPool | AdaptiveMaxPool, inputs: Tensors, weights: dict[str, Tensor], tally: Tally
) -> Tensor:
    return _parts(op, inputs[0])


Parts = GlobalAvgPool | GlobalMaxPool | AdaptiveAvgPool | AdaptiveMaxPool


def parts_of(op: Parts, size: Index, output: Index) -> tuple[tuple[int, ...], ...]:
    """Return the positions per axis that an output covers; a part of an axis has every position that it overlaps."""
    counts = op.size if isinstance(op, AdaptiveAvgPool | AdaptiveMaxPool) else (1,) * len(size)
    return tuple(_part(i, m, n) for i, m, n in zip(output, counts, size, strict=True))


def _parts(op: Parts, x: Tensor) -> Tensor:
    """Return the mean or the maximum over parts of the axes."""
    channels, *size = sizes(x)
    out: Tensor = {}
    counts = op.size if isinstance(op, AdaptiveAvgPool | AdaptiveMaxPool) else (1,) * len(size)
    for output in product(*map(range, counts)):
        covered = tuple(product(*parts_of(op, tuple(size), output)))
        for c in range(channels):
            numbers = seen(x, c, PlacedWindow(output, covered), x[c, *covered[0]])
            averages = isinstance(op, GlobalAvgPool | AdaptiveAvgPool)
            out[c, *output] = total(numbers) / len(numbers) if averages else largest(numbers)
    return out


def _part(i: int, parts: int, n: int) -> tuple[int, ...]:
    """Return the positions j of n for which [j, j + 1] overlaps part i of the axis."""
    return tuple(j for j in range(n) if j * parts < (i + 1) * n and (j + 1) * parts > i * n)
