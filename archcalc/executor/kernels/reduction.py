"""Kernels of means and sums over axes."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Arrays, Context, Weights, kernel
from archcalc.executor.kernels.rearrange import combined
from archcalc.ops.reduction import CumulativeSum, Mean, Sum


@kernel(Mean, Sum)
def reduction(op: Mean | Sum, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    axes = tuple([axis % (x.ndim - 1) + 1 for axis in op.axis])
    result = combined(op.name, x, axes, context)
    return (result if op.keep else result.squeeze(axes),)


@kernel(CumulativeSum)
def cumulative(op: CumulativeSum, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    axis = op.axis % (x.ndim - 1) + 1
    context.count(add=x.size - x.size // x.shape[axis])
    return (np.cumsum(x, axis, dtype=x.dtype),)
