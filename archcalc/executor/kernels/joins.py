"""Kernels of joins."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel
from archcalc.executor.kernels.counted import (
    CountedFunction,
    add,
    divide,
    greater,
    maximum,
    minimum,
    multiply,
    subtract,
)
from archcalc.ops.base import Operator
from archcalc.ops.formats import FORMATS, NumberFormat
from archcalc.ops.joins import Add, Bitwise, Compare, Concat, Div, Max, Min, Mul, Sub, Where


def _joins(operator: type[Operator], function: CountedFunction) -> None:
    """Register the kernel of an elementwise join, which combines the inputs from left to right."""

    @kernel(operator)
    def run(op: Operator, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
        result, *others = aligned(inputs)
        out = np.empty(np.broadcast_shapes(result.shape, *(x.shape for x in others)), result.dtype)
        for other in others:
            result = function(context, result, other, out=out)
        return (out,)


def aligned(inputs: Arrays) -> Arrays:
    """Return views of arrays with the same number of axes, by appending axes of size 1."""
    rank = max(x.ndim for x in inputs)
    return tuple([x.reshape(*x.shape, *(1,) * (rank - x.ndim)) for x in inputs])


_joins(Add, add)
_joins(Sub, subtract)
_joins(Mul, multiply)
_joins(Max, maximum)
_joins(Min, minimum)
_joins(Div, divide)


@kernel(Where)
def where(op: Where, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    condition, one, other = np.broadcast_arrays(*aligned(inputs))
    result: Array = np.where(greater(context, condition, 0), one, other)
    if context.marking:
        result[np.isnan(condition) | np.isnan(one) | np.isnan(other)] = np.nan
    return (result,)


@kernel(Compare)
def compare(op: Compare, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    one, other = aligned(inputs)
    result: Array = getattr(np, op.how)(one, other).astype(one.dtype)
    context.count(cmp=result.size)
    if context.marking:
        result[np.isnan(one) | np.isnan(other)] = np.nan
    return (result,)


@kernel(Bitwise)
def bitwise(op: Bitwise, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    one, other = (np.trunc(x).astype(np.int64) for x in aligned(inputs))
    form = FORMATS[op.format]
    if op.how in ("left", "right"):
        far = (other < 0) | (other >= form.bits)
        one, other = (one if form.bits == 64 else wrapped(one, form)), np.where(far, 0, other)
        if op.how == "right":
            found = np.where(far, -(one < 0).astype(np.int64), one >> other)
        else:
            found = np.where(far, 0, one << other)
    else:
        found = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[op.how](one, other)
    result: Array = wrapped(found, form).astype(inputs[0].dtype)
    context.count(cmp=result.size)
    if context.marking:
        result[np.isnan(aligned(inputs)[0]) | np.isnan(aligned(inputs)[1])] = np.nan
    return (result,)


def wrapped(x: Array, form: NumberFormat) -> Array:
    """Return the integers that the lowest bits of some are in a format."""
    if form.bits == 64:
        return x if form.signed else x.astype(np.uint64)
    low = int(form.smallest)
    lowest: Array = (x - low) % 2**form.bits + low
    return lowest


@kernel(Concat)
def concat(op: Concat, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Concatenate along an axis; with ``crop``, the other spatial axes are first cropped to the smallest."""
    axis, parts = joined(op, inputs)
    return (np.concatenate(parts, axis),)


def joined(op: Concat, inputs: Arrays) -> tuple[int, Arrays]:
    """Return the axis of the arrays along which they are concatenated, and the (cropped) parts to concatenate."""
    axis = (op.axis if op.axis >= 0 else op.axis + inputs[0].ndim - 1) + 1
    if op.crop == "smallest":
        smallest = [min(sizes) for sizes in zip(*(x.shape for x in inputs), strict=True)]
        inputs = tuple(_centre(x, smallest, axis) for x in inputs)
    return axis, inputs


def _centre(x: Array, sizes: list[int], joined: int) -> Array:
    """Return the middle of every spatial axis except the joined one; of an odd excess, more is cropped at the end."""
    cut = [slice(None)] * x.ndim
    for axis in range(2, x.ndim):
        if axis != joined:
            first = (x.shape[axis] - sizes[axis]) // 2
            cut[axis] = slice(first, first + sizes[axis])
    return x[tuple(cut)]
