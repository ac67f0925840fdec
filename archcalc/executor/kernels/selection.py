"""Kernels of selections by index and by size."""

from __future__ import annotations

from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel
from archcalc.ops.selection import Gather, Take, TopK


def places(indices: Array, n: int) -> Array:
    """Return the places along an axis of n that indices mean."""
    found: Array = np.clip(np.rint(np.nan_to_num(indices, nan=0.0)), 0, n - 1).astype(np.intp)
    return found


@kernel(Take)
def take(op: Take, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    x, indices = inputs
    axis = op.axis % (x.ndim - 1) + 1
    rows = np.moveaxis(x, axis, 1)
    flat = rows.reshape(*rows.shape[:2], -1)
    found = np.take_along_axis(flat, places(indices, x.shape[axis]).reshape(len(indices), -1, 1), 1)
    made = found.reshape(len(x), *indices.shape[1:], *rows.shape[2:])
    count = indices.ndim - 1
    return (np.moveaxis(made, range(1, count + 1), range(axis, axis + count)),)


@kernel(Gather)
def gather(op: Gather, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    x, indices = inputs
    axis = op.axis % (x.ndim - 1) + 1
    return (np.take_along_axis(x, places(indices, x.shape[axis]), axis),)


@kernel(TopK)
def top(op: TopK, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    axis = op.axis % (x.ndim - 1) + 1
    n, rows = x.shape[axis], prod(x.shape[:axis]) * prod(x.shape[axis + 1 :])
    order = np.argsort(x if op.smallest else -x, axis, kind="stable").take(range(op.count), axis)
    context.count(cmp=rows * sum(range(n - op.count, n)))
    return np.take_along_axis(x, order, axis), order.astype(x.dtype)
