"""Kernels of selections by index and by size."""

from __future__ import annotations

from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel
from archcalc.ops.selection import Gather, Scatter, Take, TopK


def places(indices: Array, n: int) -> Array:
    """Return the positions along an axis of n that indices refer to."""
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


COMBINED = {
    "sum": (np.add, "add"),
    "prod": (np.multiply, "mul"),
    "max": (np.maximum, "cmp"),
    "min": (np.minimum, "cmp"),
}
"""What combines a value with the number at its index, and how that is counted."""


def targets(op: Scatter, indices: Array, values: Array, n: int) -> tuple[Array, ...]:
    """Return the indices along all axes of a tensor, of n along the axis of the operator, where values belong."""
    axis = op.axis % (values.ndim - 1) + 1
    found = list(np.ix_(*map(np.arange, values.shape)))
    found[axis] = places(indices, n)
    return tuple(np.broadcast_arrays(*found))


@kernel(Scatter)
def scatter(op: Scatter, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    x, indices, values = inputs
    made, at = x.copy(), targets(op, indices, values, x.shape[op.axis % (x.ndim - 1) + 1])
    if op.how == "replace":
        made[at] = values
    else:
        function, kind = COMBINED[op.how]
        function.at(made, at, values)
        context.count(**{kind: values.size})
    return (made,)


@kernel(TopK)
def top(op: TopK, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    axis = op.axis % (x.ndim - 1) + 1
    n, rows = x.shape[axis], prod(x.shape[:axis]) * prod(x.shape[axis + 1 :])
    order = np.argsort(x if op.smallest else -x, axis, kind="stable").take(range(op.count), axis)
    context.count(cmp=rows * sum(range(n - op.count, n)))
    return np.take_along_axis(x, order, axis), order.astype(x.dtype)
