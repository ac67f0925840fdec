"""Tables of indices and weights, by which elements are chosen whose places are known: windows, and resampled axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np

from archcalc.readers.aten.filters import WIDTHS, tap_count

Array: TypeAlias = np.ndarray[Any, Any]


def flat_index(indices: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Return indices into axes that are merged; those that are negative count from the end, and a mask names places."""
    given = indices[0].nonzero() if indices[0].dtype == bool else indices
    wrapped = [np.where(each < 0, each + n, each) for each, n in zip(given, sizes, strict=True)]
    found: Array = np.ravel_multi_index(tuple(np.broadcast_arrays(*wrapped)), tuple(sizes))
    return found


def window_index(sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """Return where the elements of windows are along merged axes: a row for every tap, a column for every window."""
    along = [
        np.arange(k)[:, None] * d + np.arange(0, n - d * (k - 1), s)
        for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True)
    ]
    return merged(along, sizes)


def merged(along: Sequence[Array], sizes: Sequence[int], order: Literal["C", "F"] = "C") -> Array:
    """Return indices into merged axes, given those along each: a row for every tap, a column for every window.

    Args:
        along: the indices along every axis: a row for every tap, a column for every window.
        sizes: the sizes of the axes.
        order: the axis along which merged indices grow fastest: the last one (C) or the first one (F).
    """
    rank = len(sizes)
    found: Array = np.zeros((1,) * 2 * rank, np.int64)
    for axis, each in enumerate(along):
        shape = [1] * 2 * rank
        shape[axis], shape[rank + axis] = each.shape
        found = found + each.reshape(shape) * prod(sizes[axis + 1 :] if order == "C" else sizes[:axis])
    return found.reshape(prod(found.shape[:rank]), -1)


def source_index(sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """Return, for every position, the indices of its elements among those of all windows.

    Positions with fewer elements than others are filled up with the index after the last one.
    """
    read = window_index(sizes, kernel, stride, dilation).ravel()
    order = np.argsort(read, kind="stable")
    positions, counts = read[order], np.bincount(read, minlength=int(np.prod(sizes)))
    rank = np.arange(len(read)) - (np.cumsum(counts) - counts)[positions]
    found = np.full((len(counts), counts.max()), len(read))
    found[positions, rank] = order
    return found


def tap_index(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    counts: Sequence[int],
    order: Literal["C", "F"],
) -> Array:
    """Return where the elements of windows are along merged axes: a row for every tap, a column for every window.

    A tap outside of the axes is that of the same window that is nearest to it.

    Args:
        sizes: the sizes of the axes.
        kernel: the taps along every axis.
        stride: the distances of windows.
        dilation: the distances of taps.
        before: the padding before every axis.
        counts: the number of windows along every axis.
        order: see `merged`.
    """
    along = []
    for n, k, s, d, first, m in zip(sizes, kernel, stride, dilation, before, counts, strict=True):
        at = np.arange(k)[:, None] * d + np.arange(m) * s - first
        inside = (at >= 0) & (at < n)
        along.append(np.clip(at, np.where(inside, at, n).min(0), np.where(inside, at, -1).max(0)))
    return merged(along, sizes, order)


def nearest_index(n: int, m: int) -> Array:
    """Return the nearest of n positions to each of m, by the centres of the positions."""
    found: Array = np.floor((np.arange(m) + 0.5) * n / m).astype(np.int64)
    return found


KEYS = -0.5
"""The parameter of Keys' cubic polynomial in filters against aliasing."""


def _cubic(x: Array) -> Array:
    x = np.abs(x)
    near = ((KEYS + 2) * x - (KEYS + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * KEYS - 4 * KEYS
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


FILTERS: dict[str, Callable[[Array], Array]] = {
    "bilinear": lambda x: np.maximum(1 - np.abs(x), 0.0),
    "bicubic": _cubic,
}


def filter_taps(n: int, m: int, scale: float, mode: str) -> tuple[Array, Array]:
    """Return the positions that each of m results reads, and their weights, of a filter against aliasing.

    A filter is as much wider as there are more positions than results.

    Args:
        n: the number of positions.
        m: the number of results.
        scale: the distance between results, in positions.
        mode: the name of the filter.
    """
    stretch = max(scale, 1.0)
    support = WIDTHS[mode] / 2 * stretch
    centres = scale * (np.arange(m) + 0.5)
    first = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    count = np.minimum((centres + support + 0.5).astype(np.int64), n) - first
    taps = np.arange(tap_count(scale, mode))
    at = first[:, None] + taps
    weights = np.where(taps < count[:, None], FILTERS[mode]((at - centres[:, None] + 0.5) / stretch), 0.0)
    return np.minimum(at, n - 1), (weights / weights.sum(1, keepdims=True)).astype(np.float32)
