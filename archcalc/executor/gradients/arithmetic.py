"""Derivatives of functions of single numbers that are not activations."""

from __future__ import annotations

import math

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer
from archcalc.executor.gradients.activation import derivative
from archcalc.executor.kernel import Array
from archcalc.executor.kernels.rounding import round_unlimited
from archcalc.ops.arithmetic import Abs, Atan, Cast, Clip, Cos, Erf, Exp, Log, Offset, Pow, Quantize, Scale, Sin, Sqrt


@derivative(Scale)
def scale(op: Scale, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.asarray(op.factor, x.dtype)


@derivative(Offset, Cast)
def unchanged(op: Offset | Cast, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.ones((), x.dtype)


@derivative(Exp)
def exp(op: Exp, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return y


@derivative(Log)
def log(op: Log, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return 1 / x


@derivative(Sqrt)
def sqrt(op: Sqrt, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = 0.5 / y
    return found


@derivative(Sin)
def sine(op: Sin, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.cos(x)


@derivative(Cos)
def cosine(op: Cos, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return -np.sin(x)


@derivative(Atan)
def arctangent(op: Atan, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = 1 / (1 + x * x)
    return found


@derivative(Erf)
def error_function(op: Erf, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    found: Array = 2 / math.sqrt(math.pi) * np.exp(-x * x)
    return found


@derivative(Abs)
def absolute(op: Abs, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    return np.sign(x)


@derivative(Pow)
def power(op: Pow, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    exponent = float(op.exponent)
    return exponent * np.power(x, exponent - 1) if exponent else np.zeros((), x.dtype)


@derivative(Clip)
def clip(op: Clip, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    inside = np.ones(x.shape, bool)
    if op.min is not None:
        inside &= x >= float(op.min)
    if op.max is not None:
        inside &= x <= float(op.max)
    return inside


@derivative(Quantize)
def quantize(op: Quantize, x: Array, y: Array, layer: EvaluatedLayer) -> Array:
    form, zero = op.number_format, int(op.zero)
    codes = round_unlimited(x / float(op.scale), form)
    inside: Array = (codes >= float(form.smallest - zero)) & (codes <= float(form.largest - zero))
    return inside
