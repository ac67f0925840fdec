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
    form, arrays = FORMATS[op.format], aligned(inputs)
    one, other = (lowest_bits(x, form) for x in arrays)
    if op.how in ("left", "right"):
        is_far = (other < 0) | (other >= form.bits)
        count = np.where(is_far, 0, other)
        if op.how == "right":
            found = np.where(is_far, -(one < 0).astype(one.dtype), one >> count)
        else:
            found = np.where(is_far, 0, one << count)
    else:
        found = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}[op.how](one, other)
    result: Array = wrapped(found, form).astype(inputs[0].dtype)
    context.count(cmp=result.size)
    if context.marking:
        result[np.isnan(arrays[0]) | np.isnan(arrays[1])] = np.nan
    return (result,)


def lowest_bits(x: Array, form: NumberFormat) -> Array:
    """Return the integers of a format, in 64 bits, that the lowest bits of numbers are; of those not finite, 0."""
    size = 2.0**64
    rest = np.fmod(np.trunc(np.where(np.isfinite(x), x, 0)), size)
    rest = np.where(rest >= size / 2, rest - size, rest)  # exact, unlike small numbers minus a limit
    return wrapped(np.where(rest < -size / 2, rest + size, rest).astype(np.int64), form)


def wrapped(x: Array, form: NumberFormat) -> Array:
    """Return the integers of a format that the lowest bits of integers of 64 bits are."""
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
