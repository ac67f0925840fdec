"""Depthwise convolution without matrices: every tap of a kernel is one number per map, times a shifted plane.

The planes of a few channels at a time are padded and laid out so that each shift is a plain offset: positions that a
stride keeps apart go to planes of their own, so that a tap reads neighbours, and rows stay joined, so that a plane is
one long run. The windows that straddle two rows come out as well, and are dropped at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Sizes, Work
from archcalc.executor.kernels.windows import Axis, index, positions, taps
from archcalc.executor.threads import share

BLOCK_BYTES = 1 << 18
"""What the planes of the channels computed together may take."""


def depthwise(x: Array, weight: Array, axes: Sequence[Axis], y: Array, work: Work) -> None:
    """Write to y (N×C·multiplier×m…) the maps of x (N×C×n…) under their filters (C·multiplier×1×k…)."""
    multiplier = len(weight) // x.shape[1]
    filters = weight.reshape(x.shape[1], multiplier, -1, 1)
    results = y.reshape(len(x), x.shape[1], multiplier, *y.shape[2:])
    widths = plane_sizes(axes)
    together = max(BLOCK_BYTES // (prod(widths) * x.itemsize), 1)

    def part(first: int, last: int) -> None:
        for sample, result in zip(x, results, strict=True):
            for start in range(first, last, together):
                some = slice(start, min(start + together, last))
                planes = laid_out(sample[some], axes, widths, work)
                sums = tap_by_tap(planes, filters[some], axes, widths, work)
                result[some] = sums[index((slice(size) for size in y.shape[2:]), slice(None), slice(None))]

    share(part, x.shape[1], y.size * weight[0, 0].size)
    products = y.size * weight[0, 0].size
    work.count(mul=products, add=products - y.size, macs=products)


def plane_sizes(axes: Sequence[Axis]) -> Sizes:
    """The positions of a padded input that are one stride apart, per axis: as many as windows, and those that the last
    window reaches beyond its own."""
    return tuple(axis.positions + (axis.kernel - 1) * axis.dilation // axis.stride for axis in axes)


def laid_out(maps: Array, axes: Sequence[Axis], widths: Sizes, work: Work) -> Array:
    """Padded maps (C×n…), as one plane for every remainder of the position by the stride: C×remainders…×widths…."""
    planes = work.scratch("planes", (len(maps), *(axis.stride for axis in axes), *widths), maps.dtype)
    if any(axis.before or axis.positions * axis.stride > axis.size - axis.kernel * axis.dilation for axis in axes):
        planes[...] = 0
    for remainders in product(*(range(axis.stride) for axis in axes)):
        spread = [
            axis._replace(kernel=1, before=axis.before - remainder, positions=width)
            for axis, remainder, width in zip(axes, remainders, widths, strict=True)
        ]
        places = [axis.met(0, 0, axis.positions) for axis in spread]
        target = planes[index(remainders)]
        target[index(inside for inside, _ in places)] = maps[index(met for _, met in places)]
    return planes


def tap_by_tap(planes: Array, filters: Array, axes: Sequence[Axis], widths: Sizes, work: Work) -> Array:
    """The sums over the taps, for every position of a plane up to the last window: C×multiplier×m₀×widths…."""
    sizes = positions(axes)
    steps = [prod(widths[axis + 1 :]) for axis in range(len(widths))]
    length = 1 + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
    runs = planes.reshape(len(planes), *(axis.stride for axis in axes), -1)
    rows = (len(planes), filters.shape[1])
    held = work.scratch("sums", (*rows, sizes[0] * steps[0]), planes.dtype)
    sums, part = held[..., :length], work.scratch("products", (*rows, length), planes.dtype)
    for number, tap in enumerate(taps(axes)):
        places = [divmod(place * axis.dilation, axis.stride) for place, axis in zip(tap, axes, strict=True)]
        start = sum(skipped * step for (skipped, _), step in zip(places, steps, strict=True))
        run = runs[index(remainder for _, remainder in places)][:, None, start : start + length]
        into = part if number else sums
        np.multiply(run, filters[:, :, number], out=into)
        if number:
            sums += part
    return held.reshape(*rows, sizes[0], *widths[1:])
