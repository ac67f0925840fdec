"""Kernels of activations and of other operators on single numbers, or along one axis.

They perform exactly the operations of the formula of the operator. If an intermediate value overflows although the
result does not, IEEE arithmetic gives the correct result (1/(1 + ∞) = 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.counted import (
    add,
    divide,
    exp,
    expm1,
    greater,
    largest,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    subtract,
    tanh,
    total,
)
from archcalc.executor.kernels.erf import erf
from archcalc.executor.training import random_mask
from archcalc.ops.activation import (
    Dropout,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Maxout,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    SpatialDropout,
    Tanh,
)
from archcalc.ops.base import Operator

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
"""λ and α of Klambauer et al. 2017, which keep mean 0 and variance 1."""

Function = Callable[[Any, Array, Array, Context], None]
"""A function of the operator, a chunk of the input, the array for the results, and the context."""

ELEMENTWISE: set[type[Operator]] = set()
"""The operators for which every output number depends only on the input number at the same index."""


def elementwise(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers an elementwise function as the kernel of some operators."""

    def register(function: Function) -> Function:
        def run(op: Any, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
            x = np.ascontiguousarray(inputs[0])
            out = np.empty_like(x)
            in_chunks(lambda x, out: function(op, x, out, context), 0, x.reshape(-1), out.reshape(-1))
            return (out,)

        kernel(*operators)(run)
        ELEMENTWISE.update(operators)
        return function

    return register


@elementwise(Relu)
def relu(op: Relu, x: Array, out: Array, context: Context) -> None:
    maximum(context, x, 0, out=out)


@elementwise(Relu6)
def relu6(op: Relu6, x: Array, out: Array, context: Context) -> None:
    minimum(context, maximum(context, x, 0, out=out), 6, out=out)


@elementwise(LeakyRelu)
def leaky_relu(op: LeakyRelu, x: Array, out: Array, context: Context) -> None:
    """Compute the maximum of x and slope·x, or the minimum if the slope is greater than 1."""
    steeper = minimum if op.slope > 1 else maximum
    steeper(context, x, multiply(context, x, float(op.slope), out=out), out=out)


@elementwise(Elu)
def elu(op: Elu, x: Array, out: Array, context: Context) -> None:
    positive, curve = greater(context, x, 0), expm1(context, x)
    multiply(context, curve, float(op.alpha), out=curve)
    out[...] = np.where(positive, x, curve)


@elementwise(Selu)
def selu(op: Selu, x: Array, out: Array, context: Context) -> None:
    positive, curve = greater(context, x, 0), expm1(context, x)
    multiply(context, curve, SELU_ALPHA, out=curve)
    multiply(context, np.where(positive, x, curve), SELU_SCALE, out=out)


@elementwise(Gelu)
def gelu(op: Gelu, x: Array, out: Array, context: Context) -> None:
    if op.form == "exact":
        gate = erf(context, multiply(context, x, math.sqrt(1 / 2)))
    else:
        cube = multiply(context, multiply(context, multiply(context, x, 0.044715), x), x)
        gate = multiply(context, add(context, x, cube, out=cube), math.sqrt(2 / math.pi), out=cube)
        tanh(context, gate, out=gate)
    add(context, gate, 1, out=gate)
    multiply(context, multiply(context, x, 0.5, out=out), gate, out=out)


def _logistic_denominator(x: Array, context: Context) -> Array:
    """Return 1 + e⁻ˣ."""
    grown = -x
    return add(context, exp(context, grown, out=grown), 1, out=grown)


@elementwise(Silu)
def silu(op: Silu, x: Array, out: Array, context: Context) -> None:
    divide(context, x, _logistic_denominator(x, context), out=out)


@elementwise(Sigmoid)
def sigmoid(op: Sigmoid, x: Array, out: Array, context: Context) -> None:
    divide(context, 1, _logistic_denominator(x, context), out=out)


@elementwise(Mish)
def mish(op: Mish, x: Array, out: Array, context: Context) -> None:
    gate = exp(context, x)
    tanh(context, log1p(context, gate, out=gate), out=gate)
    multiply(context, x, gate, out=out)


@elementwise(Softplus)
def softplus(op: Softplus, x: Array, out: Array, context: Context) -> None:
    """Compute log(1 + eˣ); if eˣ overflows, the result is x to the last digit."""
    curve = exp(context, x)
    log1p(context, curve, out=curve)
    np.copyto(curve, x, where=np.isposinf(curve))
    out[...] = curve


@elementwise(Tanh)
def hyperbolic_tangent(op: Tanh, x: Array, out: Array, context: Context) -> None:
    tanh(context, x, out=out)


def _ramp(x: Array, context: Context) -> Array:
    """Return min(max(x + 3, 0), 6)."""
    ramp = add(context, x, 3, out=context.scratch("ramp", x.shape, x.dtype))
    return minimum(context, maximum(context, ramp, 0, out=ramp), 6, out=ramp)


@elementwise(HardSwish)
def hardswish(op: HardSwish, x: Array, out: Array, context: Context) -> None:
    divide(context, multiply(context, x, _ramp(x, context), out=out), 6, out=out)


@elementwise(HardSigmoid)
def hardsigmoid(op: HardSigmoid, x: Array, out: Array, context: Context) -> None:
    divide(context, _ramp(x, context), 6, out=out)


@storage(PRelu)
def slopes(op: PRelu, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return {"slope": (1,) if op.slopes == "shared" else shapes[0][:1]}


@kernel(PRelu)
def prelu(op: PRelu, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Evaluate some positions of all channels at a time."""
    x = np.ascontiguousarray(inputs[0])
    out, slopes = np.empty_like(x), weights["slope"].reshape(-1, 1)

    def bend(x: Array, out: Array) -> None:
        out[...] = np.where(greater(context, x, 0), x, multiply(context, x, slopes))

    for example, result in zip(x.reshape(*x.shape[:2], -1), out.reshape(*x.shape[:2], -1), strict=True):
        in_chunks(bend, 1, example, result)
    return (out,)


@kernel(Maxout)
def maxout(op: Maxout, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    examples, channels, *positions = x.shape
    pieces = x.reshape(examples, channels // op.pieces, op.pieces, *positions)
    return (largest(context, pieces, 2).squeeze(2),)


def _along(axis: int, x: Array) -> int:
    """Return the axis of an array with the batch in front for an axis counted without the batch."""
    return axis + 1 if axis >= 0 else axis


def _below_largest(x: Array, axis: int, context: Context) -> Array:
    """Return x minus its maximum along an axis, so that no exponential overflows."""
    return subtract(context, x, largest(context, x, axis))


@kernel(Softmax)
def softmax(op: Softmax, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    axis = _along(op.axis, inputs[0])
    z = context.rounded(_below_largest(inputs[0], axis, context))
    context.rounded(exp(context, z, out=z))
    return (divide(context, z, context.rounded(total(context, z, axis)), out=z),)


@kernel(LogSoftmax)
def log_softmax(op: LogSoftmax, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    axis = _along(op.axis, inputs[0])
    z = _below_largest(inputs[0], axis, context)
    sums = total(context, exp(context, z), axis)
    return (subtract(context, z, log(context, sums, out=sums), out=z),)


@kernel(Dropout, SpatialDropout)
def dropout(op: Dropout, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """In training, multiply by a mask that is zero with probability rate, and scale such that the mean stays the same:
    in training by 1/(1 − rate), or at inference by 1 − rate."""
    (x,) = inputs
    keep, inverted = 1 - float(op.rate), op.scale == "training"
    if not context.training:
        return (x if inverted else multiply(context, x, keep),)
    if not keep:
        return (np.zeros_like(x),)
    mask = context.mask
    if mask is None:
        mask = random_mask(op, x.shape, context.seed)
        context.count(cmp=mask.size)
    mask = mask.reshape(*mask.shape, *(1,) * (x.ndim - mask.ndim)).astype(x.dtype, copy=False)
    return (multiply(context, divide(context, x, keep) if inverted else x, mask),)
