"""Kernels of joins."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Division, Sizes, Weights, Work, kernel, view
from archcalc.executor.kernels.counted import Counted, add, maximum, multiply, subtract
from archcalc.executor.kernels.stretches import in_rows_of
from archcalc.ops.base import Operator
from archcalc.ops.merge import Add, Concat, Max, Mul, Sub


def _joins(operator: type[Operator], function: Counted) -> Callable[[Operator, Arrays, Weights, Work], Arrays]:
    """Register the kernel that joins numbers at the same place, the inputs from left to right."""

    def run(op: Operator, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
        rank = max(x.ndim for x in inputs)
        first, *others = (view(x, *x.shape, *(1,) * (rank - x.ndim)) for x in inputs)
        shape = np.broadcast_shapes(first.shape, *(x.shape for x in others))
        own = work.overwrite and first.shape == shape
        out = first if own else work.empty(shape, first.dtype)
        part = work.lane.share(shape)
        result, here = out[part], _along(first, shape, part)
        with in_rows_of(prod(result.shape[2:]), work):
            for other in others:
                here = function(work, here, _along(other, shape, part), out=result)
        return (out,)

    return kernel(operator, divided=Division.LOCAL, taped=True)(run)


def _along(x: Array, shape: Sizes, part: tuple[slice, ...]) -> Array:
    """What a part of a shape takes from a tensor that is stretched to that shape."""
    return x[tuple(slice(None) if n < m else cut for n, m, cut in zip(x.shape, shape, part, strict=False))]


_joins(Add, add)
_joins(Sub, subtract)
_joins(Mul, multiply)
_joins(Max, maximum)


@kernel(Concat, divided=Division.APART, taped=True)
def concat(op: Concat, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """One after another into one array; with ``crop`` what is not joined is first cut to the smallest."""
    joined = (op.axis if op.axis >= 0 else op.axis + inputs[0].ndim - 1) + 1
    if op.crop == "smallest":
        smallest = [min(sizes) for sizes in zip(*(x.shape for x in inputs), strict=True)]
        inputs = tuple(_centre(x, smallest, joined) for x in inputs)
    shape = list(inputs[0].shape)
    shape[joined] = sum(x.shape[joined] for x in inputs)
    out = work.empty(tuple(shape), inputs[0].dtype)
    before = 0
    for x in inputs:
        target = out[(*(slice(None),) * joined, slice(before, before + x.shape[joined]))]
        part = work.lane.share(x.shape)
        work.copy(x[part], target[part])
        before += x.shape[joined]
    return (out,)


def _centre(x: Array, sizes: list[int], joined: int) -> Array:
    """The middle of every spatial axis but the joined one; the odd position is dropped after it."""
    cut = [slice(None)] * x.ndim
    for axis in range(2, x.ndim):
        if axis != joined:
            first = (x.shape[axis] - sizes[axis]) // 2
            cut[axis] = slice(first, first + sizes[axis])
    return x[tuple(cut)]
