"""Functions of single numbers by their definition."""

from __future__ import annotations

from archcalc.executor.loops import scalar
from archcalc.executor.loops.activation import elementwise
from archcalc.executor.loops.scalar import Scalar
from archcalc.ops.arithmetic import Abs, Clip, Cos, Erf, Exp, Log, Offset, Pow, Scale, Sin, Sqrt


@elementwise(Scale)
def scale(op: Scale, x: Scalar) -> Scalar:
    return x * float(op.factor)


@elementwise(Offset)
def offset(op: Offset, x: Scalar) -> Scalar:
    return x + float(op.by)


@elementwise(Exp)
def exp(op: Exp, x: Scalar) -> Scalar:
    return scalar.exp(x)


@elementwise(Log)
def log(op: Log, x: Scalar) -> Scalar:
    return scalar.log(x)


@elementwise(Sqrt)
def sqrt(op: Sqrt, x: Scalar) -> Scalar:
    return scalar.sqrt(x)


@elementwise(Sin)
def sine(op: Sin, x: Scalar) -> Scalar:
    return scalar.sin(x)


@elementwise(Cos)
def cosine(op: Cos, x: Scalar) -> Scalar:
    return scalar.cos(x)


@elementwise(Erf)
def error_function(op: Erf, x: Scalar) -> Scalar:
    return scalar.erf(x)


@elementwise(Abs)
def absolute(op: Abs, x: Scalar) -> Scalar:
    return abs(x)


@elementwise(Pow)
def power(op: Pow, x: Scalar) -> Scalar:
    return x ** float(op.exponent)


@elementwise(Clip)
def clip(op: Clip, x: Scalar) -> Scalar:
    if op.min is not None:
        x = scalar.maximum(x, float(op.min))
    if op.max is not None:
        x = scalar.minimum(x, float(op.max))
    return x
