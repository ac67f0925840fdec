"""Kernels of sources that attention adds to its scores."""

from __future__ import annotations

from itertools import product
from math import log, prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.ops.position import RelativeBias, ShiftMask


@storage(RelativeBias)
def table_storage(op: RelativeBias, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``table``, with a row per relative position (or bucket) and a column per head."""
    if op.table:
        return {}
    rows = prod(2 * n - 1 for n in op.size) if op.buckets is None else op.buckets
    return {"table": (rows, op.heads)}


@kernel(RelativeBias)
def relative_bias(op: RelativeBias, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Look up the row of every pair of positions; every example reads the stored table."""
    table = inputs[0] if op.table else weights["table"][None]
    if op.buckets is None:
        rows = _relative_positions(op.size)
    else:
        rows = _buckets(op.size[0], op.buckets, op.max_distance or 128, op.causal)
    found = np.moveaxis(table[:, rows], -1, 1)
    return (found if op.table else np.repeat(found, context.batch, axis=0),)


def _relative_positions(size: Sizes) -> Array:
    """Return the number of the relative position, query minus key, of every pair of positions."""
    places = np.indices(size).reshape(len(size), -1)
    distances = places[:, :, None] - places[:, None, :]
    found: Array = np.ravel_multi_index(
        tuple(each + n - 1 for each, n in zip(distances, size, strict=True)), [2 * n - 1 for n in size]
    )
    return found


def _buckets(positions: int, buckets: int, longest: int, causal: bool) -> Array:
    """Return the bucket of every pair of positions."""
    after = np.arange(positions)[None, :] - np.arange(positions)[:, None]
    count = buckets if causal else buckets // 2
    distance = np.maximum(-after, 0) if causal else np.abs(after)
    single = count // 2
    growth = (count - single) / log(longest / single)
    ranges = single + (np.log(np.maximum(distance, single) / single) * growth + ROUNDING).astype(int)
    found: Array = np.where(distance < single, distance, np.minimum(ranges, count - 1))
    return found if causal else found + count * (after > 0)


ROUNDING = 1e-6
"""Added to logarithms, so that despite rounding each range contains the distance at which it begins."""


@kernel(ShiftMask)
def shift_mask(op: ShiftMask, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Number the regions of the map that were neighbours before it was rolled; mask pairs of different regions."""
    axes = len(op.size)
    windows, shifts = (each if len(each) == axes else each * axes for each in (op.window, op.shift))
    regions = np.zeros(op.size, int)
    borders = [(n - window, n - shift) for n, window, shift in zip(op.size, windows, shifts, strict=True)]
    parts = [(slice(first), slice(first, last), slice(last, None)) for first, last in borders]
    for number, part in enumerate(product(*parts)):
        regions[part] = number
    split = [size for n, window in zip(op.size, windows, strict=True) for size in (n // window, window)]
    order = (*range(0, 2 * axes, 2), *range(1, 2 * axes, 2))
    tokens = regions.reshape(split).transpose(order).reshape(-1, 1, prod(windows))
    mask = np.where(tokens[..., :, None] == tokens[..., None, :], 0.0, -100.0).astype(context.dtype)
    return (np.repeat(mask[None], context.batch, axis=0),)
