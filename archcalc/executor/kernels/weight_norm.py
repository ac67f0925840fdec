"""Weight normalisation: weights are stored as directions and lengths, and computed before they are used."""

from __future__ import annotations

from functools import wraps

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Kernel, Sizes, Weights
from archcalc.ops.base import Operator
from archcalc.ops.traits import Kernels


def connected(layout: Kernels, weight: Array) -> tuple[Array, Array, Array]:
    """Return kernels as rows of weights, with their input and output channels (arrays that broadcast to the rows)."""
    if layout.table is not None:  # kernels are ordered by output map
        outputs, inputs = np.nonzero(np.array(layout.table).T)
        return weight.reshape(len(inputs), -1), inputs, outputs
    first, second = int(layout.outputs), int(layout.inputs)
    if layout.input_first:
        first, second = second, first
    rows = np.arange(first)[:, None]
    each = second // int(layout.groups)
    columns = rows // (first // int(layout.groups)) * each + np.arange(each)
    inputs, outputs = (rows, columns) if layout.input_first else (columns, rows)
    return weight.reshape(*columns.shape, -1), inputs, outputs


def merged(op: Operator, weights: Weights, shape: Sizes) -> Weights:
    """Return the stored arrays of a layer after its gains have been merged into its weights.

    Every output channel's weights are divided by their norm, and multiplied by its gain.

    Args:
        op: the layer.
        weights: its stored arrays.
        shape: the shape of its input, without batch.
    """
    if op.with_gains_merged() is op:
        return weights
    sums = op.sums(shape)
    assert sums is not None  # it is a layer of weighted sums
    layout = sums.kernels[-1]
    stored, gain = weights[layout.array], weights["gain"]
    rows, _, outputs = connected(layout, stored)
    squares = (rows * rows).sum(-1)
    if outputs.shape[-1] == 1 < squares.ndim:  # all kernels of a row have the same output
        squares, owners = squares.sum(-1), outputs[:, 0]
    else:
        owners = np.broadcast_to(outputs, squares.shape)
    totals = np.zeros(len(gain), stored.dtype)
    np.add.at(totals, owners, squares)
    scaled = (rows * (gain / np.sqrt(totals))[outputs][..., None]).reshape(stored.shape)
    return {**{name: array for name, array in weights.items() if name != "gain"}, layout.array: scaled}


def with_weight_norm(function: Kernel) -> Kernel:
    """Return a kernel of a layer of weighted sums that computes its weights first, if it has weight norm."""

    @wraps(function)
    def apply(op: Operator, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
        return function(op, inputs, merged(op, weights, inputs[0].shape[1:]), context)

    return apply
