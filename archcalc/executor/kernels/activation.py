"""Kernels of activations and of the other operators that look at one number, or along one axis, at a time.

They do what the formula of their operator says, with nothing added that it would have to count. Where its values
overflow although its result does not, IEEE arithmetic leads to the right end (1/(1 + ∞) = 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Division, Sizes, Weights, Work, contiguous, kernel, storage, view
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
from archcalc.executor.kernels.stretches import STRETCH, in_rows_of, in_stretches
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
    Scale,
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

Function = Callable[[Any, Array, Array, Work], None]
"""Of the operator, a stretch of its input, and where to put the results, which may be the same memory."""


def elementwise(*operators: type[Operator], taped: bool = False) -> Callable[[Function], Function]:
    """Decorator: this function evaluates these operators number by number; if it is taped, by `Work.call` alone."""

    def register(function: Function) -> Function:
        def run(op: Any, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
            x, out = read_and_write(inputs[0], work)
            own = work.lane.share(x.shape)
            number_by_number(lambda x, out: function(op, x, out, work), x[own], out[own], work)
            return (out,)

        kernel(*operators, divided=Division.LOCAL, taped=taped)(run)
        return function

    return register


def number_by_number(function: Callable[[Array, Array], None], x: Array, out: Array, work: Work) -> None:
    """Give a function some numbers at a time: of a tensor in one piece as one row, else of all maps of an example."""
    if x.flags.c_contiguous and out.flags.c_contiguous:
        in_stretches(function, 0, x.reshape(-1), out.reshape(-1))
        return
    maps = (x.shape[1], prod(x.shape[2:]))
    with in_rows_of(maps[1], work):
        for example, results in zip(x, out, strict=True):
            in_stretches(function, 0 if maps[1] < STRETCH else 1, view(example, *maps), view(results, *maps))


def read_and_write(given: Array, work: Work) -> tuple[Array, Array]:
    """An input without gaps, and memory for a result of its shape: the same wherever that is nobody else's."""
    x = contiguous(given, work)
    own = work.overwrite or x is not given
    return x, x if own else work.empty(x.shape, x.dtype)


@elementwise(Relu, taped=True)
def relu(op: Relu, x: Array, out: Array, work: Work) -> None:
    """Compared with an array of zeros, for which NumPy has a loop twice as fast as that for one number."""
    maximum(work, x, _zeros(x.dtype)[: x.size].reshape(x.shape), out=out)


@cache
def _zeros(dtype: np.dtype[Any]) -> Array:
    return np.zeros(STRETCH, dtype)


@elementwise(Relu6, taped=True)
def relu6(op: Relu6, x: Array, out: Array, work: Work) -> None:
    minimum(work, maximum(work, x, 0, out=out), 6, out=out)


@elementwise(LeakyRelu, taped=True)
def leaky_relu(op: LeakyRelu, x: Array, out: Array, work: Work) -> None:
    """The larger of x and slope·x, or the smaller where the slope is steeper than 1."""
    steeper = minimum if op.slope > 1 else maximum
    steeper(work, x, multiply(work, x, float(op.slope), out=work.scratch("curve", x.shape, x.dtype)), out=out)


@elementwise(Elu)
def elu(op: Elu, x: Array, out: Array, work: Work) -> None:
    positive, curve = greater(work, x, 0), expm1(work, x)
    multiply(work, curve, float(op.alpha), out=curve)
    out[...] = chosen(positive, x, curve)


@elementwise(Selu)
def selu(op: Selu, x: Array, out: Array, work: Work) -> None:
    positive, curve = greater(work, x, 0), expm1(work, x)
    multiply(work, curve, SELU_ALPHA, out=curve)
    multiply(work, chosen(positive, x, curve), SELU_SCALE, out=out)


def chosen(condition: Array, x: Array, otherwise: Array) -> Array:
    """x where a condition holds, in the place of other numbers: bit by bit, a tenth of the time of a choice per number
    (``np.copyto``, ``np.where``), which processors guess and guess wrong."""
    bits = np.dtype(f"i{x.itemsize}")
    differences = x.view(bits) ^ otherwise.view(bits)
    differences &= np.negative(condition, dtype=bits)  # 1 becomes all ones
    target = otherwise.view(bits)
    target ^= differences
    return otherwise


@elementwise(Gelu)
def gelu(op: Gelu, x: Array, out: Array, work: Work) -> None:
    if op.form == "exact":
        gate = erf(work, multiply(work, x, math.sqrt(1 / 2)))
    else:
        cube = multiply(work, multiply(work, multiply(work, x, 0.044715), x), x)
        gate = multiply(work, add(work, x, cube, out=cube), math.sqrt(2 / math.pi), out=cube)
        tanh(work, gate, out=gate)
    add(work, gate, 1, out=gate)
    multiply(work, multiply(work, x, 0.5, out=out), gate, out=out)


def _logistic_denominator(x: Array, work: Work) -> Array:
    """1 + e⁻ˣ."""
    grown = -x
    return add(work, exp(work, grown, out=grown), 1, out=grown)


@elementwise(Silu)
def silu(op: Silu, x: Array, out: Array, work: Work) -> None:
    divide(work, x, _logistic_denominator(x, work), out=out)


@elementwise(Sigmoid)
def sigmoid(op: Sigmoid, x: Array, out: Array, work: Work) -> None:
    divide(work, 1, _logistic_denominator(x, work), out=out)


@elementwise(Mish)
def mish(op: Mish, x: Array, out: Array, work: Work) -> None:
    gate = exp(work, x)
    tanh(work, log1p(work, gate, out=gate), out=gate)
    multiply(work, x, gate, out=out)


@elementwise(Softplus)
def softplus(op: Softplus, x: Array, out: Array, work: Work) -> None:
    """Where eˣ is beyond the largest number, x itself is the result to the last digit."""
    curve = exp(work, x)
    log1p(work, curve, out=curve)
    np.copyto(curve, x, where=np.isposinf(curve))
    out[...] = curve


@elementwise(Tanh, taped=True)
def hyperbolic_tangent(op: Tanh, x: Array, out: Array, work: Work) -> None:
    tanh(work, x, out=out)


def _ramp(x: Array, work: Work) -> Array:
    """min(max(x + 3, 0), 6)."""
    ramp = add(work, x, 3, out=work.scratch("curve", x.shape, x.dtype))
    return minimum(work, maximum(work, ramp, 0, out=ramp), 6, out=ramp)


@elementwise(HardSwish, taped=True)
def hardswish(op: HardSwish, x: Array, out: Array, work: Work) -> None:
    divide(work, multiply(work, x, _ramp(x, work), out=out), 6, out=out)


@elementwise(HardSigmoid, taped=True)
def hardsigmoid(op: HardSigmoid, x: Array, out: Array, work: Work) -> None:
    divide(work, _ramp(x, work), 6, out=out)


@elementwise(Scale, taped=True)
def scale(op: Scale, x: Array, out: Array, work: Work) -> None:
    multiply(work, x, float(op.factor), out=out)


@storage(PRelu)
def slopes(op: PRelu, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return {"slope": (1,) if op.slopes == "shared" else shapes[0][:1]}


@kernel(PRelu, divided=Division.APART)
def prelu(op: PRelu, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Some positions of all channels at a time."""
    x, out = read_and_write(inputs[0], work)
    slopes = weights["slope"].reshape(-1, 1)

    def bend(x: Array, out: Array) -> None:
        out[...] = chosen(greater(work, x, 0), x, multiply(work, x, slopes))

    for example, result in zip(x.reshape(*x.shape[:2], -1), out.reshape(*x.shape[:2], -1), strict=True):
        in_stretches(bend, 1, example, result, lane=work.lane)
    return (out,)


@kernel(Maxout)
def maxout(op: Maxout, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    (x,) = inputs
    examples, channels, *positions = x.shape
    pieces = x.reshape(examples, channels // op.pieces, op.pieces, *positions)
    return (largest(work, pieces, 2).squeeze(2),)


def _along(axis: int, x: Array) -> int:
    """The axis of an array with the batch in front that an operator numbers from its channels or its end."""
    return axis + 1 if axis >= 0 else axis


def _below_largest(x: Array, axis: int, work: Work) -> Array:
    """x less its largest number along an axis, so that no exponential overflows."""
    return subtract(work, x, largest(work, x, axis), out=x if work.overwrite else None)


@kernel(Softmax)
def softmax(op: Softmax, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    axis = _along(op.axis, inputs[0])
    z = _below_largest(inputs[0], axis, work)
    exp(work, z, out=z)
    return (divide(work, z, total(work, z, axis), out=z),)


@kernel(LogSoftmax)
def log_softmax(op: LogSoftmax, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    axis = _along(op.axis, inputs[0])
    z = _below_largest(inputs[0], axis, work)
    sums = total(work, exp(work, z), axis)
    return (subtract(work, z, log(work, sums, out=sums), out=z),)


@kernel(Dropout)
def dropout(op: Dropout, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """In training zero with probability rate, independently, and divided by 1 − rate otherwise."""
    return (_dropped(op.rate, inputs[0], inputs[0].shape, work),)


@kernel(SpatialDropout)
def spatial_dropout(op: SpatialDropout, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """As dropout, a whole map at a time."""
    (x,) = inputs
    return (_dropped(op.rate, x, (*x.shape[:2], *(1,) * (x.ndim - 2)), work),)


def _dropped(rate: Any, x: Array, shape: Sizes, work: Work) -> Array:
    """What is left of x if choices of a shape, drawn from ``work.rng``, are made; outside of training all of it."""
    if not work.training:
        return x
    if rate == 1:
        return np.zeros_like(x)
    kept = work.rng.random(shape) >= float(rate)
    work.count(cmp=kept.size)
    return multiply(work, divide(work, x, 1 - float(rate)), kept)
