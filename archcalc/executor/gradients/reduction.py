"""Gradients of means and sums over axes."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.rearrange import reduction_gradient
from archcalc.executor.kernel import Arrays
from archcalc.ops.reduction import CumulativeSum, Mean, Sum


@gradient(Mean, Sum)
def reduction(op: Mean | Sum, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,) = layer.inputs
    axes = tuple([axis % (x.ndim - 1) + 1 for axis in op.axis])
    y, g = (each if op.keep else np.expand_dims(each, axes) for each in (layer.outputs[0], given[0]))
    return Gradients((reduction_gradient(op.name, x, y, g, axes),))


@gradient(CumulativeSum)
def cumulative(op: CumulativeSum, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Sum from the end: a number is part of its own sum and of all later ones."""
    (g,) = given
    axis = op.axis % (g.ndim - 1) + 1
    return Gradients((np.flip(np.cumsum(np.flip(g, axis), axis, dtype=g.dtype), axis),))
