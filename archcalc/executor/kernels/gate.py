"""Kernels of gated linear units."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel, kernel_of
from archcalc.executor.kernels.counted import multiply
from archcalc.ops.activation import Gelu, Sigmoid, Silu
from archcalc.ops.base import Operator
from archcalc.ops.gate import GeGlu, Glu, SwiGlu


def _gated(activation: Operator, gate: Array, other: Array, context: Context) -> Arrays:
    """Return the product of one half, through an activation, with the other half."""
    (opened,) = kernel_of(activation)(activation, (gate,), {}, context)
    return (multiply(context, opened, other, out=opened),)


@kernel(Glu)
def glu(op: Glu, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    first, second = _halves(inputs[0], op.axis)
    return _gated(Sigmoid(), second, first, context)


@kernel(SwiGlu)
def swiglu(op: SwiGlu, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return _gated(Silu(), *_halves(inputs[0], op.axis), context)


@kernel(GeGlu)
def geglu(op: GeGlu, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return _gated(Gelu(form=op.form), *_halves(inputs[0], op.axis), context)


def _halves(x: Array, axis: int) -> tuple[Array, Array]:
    """Return the halves of an axis that is counted without the batch."""
    first, second = np.split(x, 2, axis + 1 if axis >= 0 else axis)
    return first, second
