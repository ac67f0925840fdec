"""Gradients of activations: elementwise ones by their derivative, others along one axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.kernel import Array, Arrays, kernel_of
from archcalc.executor.kernels.activation import SELU_ALPHA, SELU_SCALE
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.erf import erf
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

Derivative = Callable[[Any, Array, Array, EvaluatedLayer], Array]
"""The derivative at every number of a chunk: of the operator, the inputs, the outputs, and the layer."""


def derivative(*operators: type[Operator]) -> Callable[[Derivative], Derivative]:
    """Return a decorator that registers the derivative of some elementwise operators.

    Where a function has a kink, the derivative is that of one side.
    """

    def register(function: Derivative) -> Derivative:
        def run(op: Any, layer: EvaluatedLayer, given: Arrays) -> Gradients:
            arrays = [np.ascontiguousarray(each).reshape(-1) for each in (layer.inputs[0], layer.outputs[0], given[0])]
            found = np.empty_like(arrays[0])

            def part(x: Array, y: Array, g: Array, out: Array) -> None:
                np.multiply(g, function(op, x, y, layer), out=out, casting="same_kind")

            in_chunks(part, 0, *arrays, found)
            return Gradients((found.reshape(layer.inputs[0].shape),))

        gradient(*operators)(run)
        return function

    return register


def logistic(x: Array) -> Array:
    """Return 1/(1 + e⁻ˣ)."""
    found: Array = 1 / (1 + np.exp(-x))
    return found


@derivative(Relu)
def relu(op: Relu, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = y > 0
    return found


@derivative(Relu6)
def relu6(op: Relu6, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = (y > 0) & (y < 6)
    return found


@derivative(LeakyRelu)
def leaky_relu(op: LeakyRelu, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.where(x > 0, 1, np.asarray(op.slope, x.dtype))


@derivative(Elu)
def elu(op: Elu, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.where(x > 0, 1, float(op.alpha) * np.exp(x))


@derivative(Selu)
def selu(op: Selu, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(x))


@derivative(Gelu)
def gelu(op: Gelu, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    """Compute Φ(x) + x·φ(x), or with tanh, (1 + t)/2 + x·(1 − t²)·u′/2 for t = tanh(u)."""
    found: Array
    if op.form == "exact":
        density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        found = (1 + erf(layer.context, x * math.sqrt(1 / 2))) / 2 + x * density
    else:
        root = math.sqrt(2 / math.pi)
        t = np.tanh(root * (x + 0.044715 * x * x * x))
        found = (1 + t) / 2 + x * (1 - t * t) * (root / 2 * (1 + 3 * 0.044715 * x * x))
    return found


@derivative(Silu)
def silu(op: Silu, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    gate = logistic(x)
    found: Array = gate * (1 + x * (1 - gate))
    return found


@derivative(Sigmoid)
def sigmoid(op: Sigmoid, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = y * (1 - y)
    return found


@derivative(Mish)
def mish(op: Mish, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    """Compute t + x·(1 − t²)·σ(x) for t = tanh(log(1 + eˣ))."""
    t = np.tanh(np.logaddexp(0, x))
    found: Array = t + x * (1 - t * t) * logistic(x)
    return found


@derivative(Softplus)
def softplus(op: Softplus, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return logistic(x)


@derivative(Tanh)
def hyperbolic_tangent(op: Tanh, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = 1 - y * y
    return found


@derivative(HardSwish)
def hardswish(op: HardSwish, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.where(np.abs(x) < 3, x / 3 + 0.5, x >= 3)


@derivative(HardSigmoid)
def hardsigmoid(op: HardSigmoid, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.where(np.abs(x) < 3, 1 / 6, 0.0)


@gradient(PRelu)
def prelu(op: PRelu, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,) = layer.inputs, given
    slopes = layer.weights["slope"]
    each = slopes.reshape(-1, *(1,) * (x.ndim - 2))
    below = g * np.minimum(x, 0)
    slope = below.sum().reshape(1) if len(slopes) == 1 else below.sum((0, *range(2, x.ndim)))
    return Gradients((np.where(x > 0, g, g * each),), {"slope": slope})


def maximum_gradient(x: Array, y: Array, g: Array, axis: int) -> Array:
    """Return the gradient of maxima y along an axis, which is kept with size 1: that of the first of equal numbers."""
    found = np.zeros_like(x)
    np.put_along_axis(found, np.expand_dims((x == y).argmax(axis), axis), g, axis)
    return found


@gradient(Maxout)
def maxout(op: Maxout, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (y,), (g,) = layer.inputs, layer.outputs, given
    pieces = x.reshape(len(x), -1, op.pieces, *x.shape[2:])
    found = maximum_gradient(pieces, np.expand_dims(y, 2), np.expand_dims(g, 2), 2)
    return Gradients((found.reshape(x.shape),))


@gradient(Softmax)
def softmax(op: Softmax, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    return Gradients((softmax_gradient(layer.outputs[0], given[0], _along(op.axis)),))


def softmax_gradient(y: Array, g: Array, axis: int) -> Array:
    """Return y·(g − Σ g·y) along an axis, for a softmax y and the gradient g with respect to it."""
    found = g * y
    found -= y * found.sum(axis, keepdims=True)
    return found


@gradient(LogSoftmax)
def log_softmax(op: LogSoftmax, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (y,), (g,) = layer.outputs, given
    return Gradients((g - np.exp(y) * g.sum(_along(op.axis), keepdims=True),))


def _along(axis: int) -> int:
    """Return the axis of an array with the batch in front for an axis counted without the batch."""
    return axis + 1 if axis >= 0 else axis


@gradient(Dropout, SpatialDropout)
def dropout(op: Dropout | SpatialDropout, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Apply the same dropout to the gradient: it is a linear map, with the same choices for the same seed."""
    return Gradients(kernel_of(op)(op, given, {}, layer.context))
