"""Activations by their definition. If that has two branches, both are evaluated, and one of them is selected."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from archcalc.executor.loops.scalar import Scalar, Tally, erf, exp, log, maximum, minimum, named, tanh
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, along, definition, largest, lines, total
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

Function = Callable[[Any, Scalar], Scalar]


def elementwise(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers a function of one number as the definition of operators."""

    def register(function: Function) -> Function:
        @definition(*operators)
        def define(op: Any, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
            return {index: function(op, x) for index, x in inputs[0].items()}

        return function

    return register


@elementwise(Relu)
def relu(op: Relu, x: Scalar) -> Scalar:
    return maximum(x, 0)


@elementwise(Relu6)
def relu6(op: Relu6, x: Scalar) -> Scalar:
    return minimum(maximum(x, 0), 6)


@elementwise(LeakyRelu)
def leaky_relu(op: LeakyRelu, x: Scalar) -> Scalar:
    other = op.slope * x
    return x if x > 0 else other


@elementwise(Elu)
def elu(op: Elu, x: Scalar) -> Scalar:
    other = op.alpha * (exp(x) - 1)
    return x if x > 0 else other


@elementwise(Selu)
def selu(op: Selu, x: Scalar) -> Scalar:
    other = 1.6732632423543772 * (exp(x) - 1)
    return 1.0507009873554805 * (x if x > 0 else other)


@elementwise(Gelu)
def gelu(op: Gelu, x: Scalar) -> Scalar:
    if op.form == "exact":
        return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


@elementwise(Silu)
def silu(op: Silu, x: Scalar) -> Scalar:
    return x / (1 + exp(-x))


@elementwise(Mish)
def mish(op: Mish, x: Scalar) -> Scalar:
    return x * tanh(log(1 + exp(x)))


@elementwise(Sigmoid)
def sigmoid(op: Sigmoid, x: Scalar) -> Scalar:
    return 1 / (1 + exp(-x))


@elementwise(Tanh)
def hyperbolic_tangent(op: Tanh, x: Scalar) -> Scalar:
    return tanh(x)


@elementwise(HardSwish)
def hardswish(op: HardSwish, x: Scalar) -> Scalar:
    return x * minimum(maximum(x + 3, 0), 6) / 6


@elementwise(HardSigmoid)
def hardsigmoid(op: HardSigmoid, x: Scalar) -> Scalar:
    return minimum(maximum(x + 3, 0), 6) / 6


@elementwise(Softplus)
def softplus(op: Softplus, x: Scalar) -> Scalar:
    """Return log(1 + eˣ); if eˣ overflows, the result is x to the last digit."""
    curve = log(1 + exp(x))
    return x if math.isinf(curve.value) else curve


@elementwise(Dropout, SpatialDropout)
def dropout(op: Dropout, x: Scalar) -> Scalar:
    return x * (1 - op.rate) if op.scale == "inference" else x


@definition(PRelu)
def prelu(op: PRelu, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    out: Tensor = {}
    for index, x in inputs[0].items():
        other = weights["slope"][0 if op.slopes == "shared" else index[0],] * x
        out[index] = x if x > 0 else other
    return out


@definition(Maxout)
def maxout(op: Maxout, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    groups: dict[Index, list[Scalar]] = {}
    for index, x in inputs[0].items():
        groups.setdefault((index[0] // op.pieces, *index[1:]), []).append(x)
    return {index: largest(group) for index, group in groups.items()}


@definition(Softmax)
def softmax(op: Softmax, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    out: Tensor = {}
    for line in lines(x, along(op.axis, x)):
        top = named("maximum", largest(x[index] for index in line))
        powers = {index: named("exponential", exp(x[index] - top)) for index in line}
        summed = named("sum", total(powers.values()))
        out.update({index: power / summed for index, power in powers.items()})
    return out


@definition(LogSoftmax)
def log_softmax(op: LogSoftmax, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    out: Tensor = {}
    for line in lines(x, along(op.axis, x)):
        top = named("maximum", largest(x[index] for index in line))
        below = {index: x[index] - top for index in line}
        logarithm = named("logarithm of the sum", log(total(exp(z) for z in below.values())))
        out.update({index: z - logarithm for index, z in below.items()})
    return out
