"""Kernels of operators that rearrange or select numbers. Most return a view."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel
from archcalc.ops.structure import ChannelShuffle, Flatten, Identity, Reshape, Roll, Slice, Split, Transpose


@kernel(Identity)
def identity(op: Identity, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return inputs


@kernel(Flatten)
def flatten(op: Flatten, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return (inputs[0].reshape(len(inputs[0]), -1),)


@kernel(Reshape)
def reshape(op: Reshape, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return (inputs[0].reshape(len(inputs[0]), *op.shape),)


@kernel(Transpose)
def transpose(op: Transpose, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return (np.transpose(inputs[0], (0, *(axis + 1 for axis in op.order))),)


@kernel(ChannelShuffle)
def shuffle(op: ChannelShuffle, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    examples, channels, *positions = x.shape
    grouped = x.reshape(examples, op.groups, channels // op.groups, *positions)
    return (grouped.swapaxes(1, 2).reshape(x.shape),)


@kernel(Roll)
def roll(op: Roll, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return (np.roll(inputs[0], op.shift, op.axis + 1 if op.axis >= 0 else op.axis),)


@kernel(Split)
def split(op: Split, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    x, axis = _axis_first(inputs[0], op.axis)
    size = len(x) // op.parts
    return (np.moveaxis(x[op.part * size : (op.part + 1) * size], 0, axis),)


@kernel(Slice)
def cut(op: Slice, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    x, axis = _axis_first(inputs[0], op.axis)
    return (np.moveaxis(x[slice(*op.range, op.step)], 0, axis),)


def _axis_first(x: Array, axis: int) -> tuple[Array, int]:
    """Return the tensor with an axis (0 for channels, negative from the end) in front, and the index of that axis."""
    place = axis + 1 if axis >= 0 else axis
    return np.moveaxis(x, place, 0), place
