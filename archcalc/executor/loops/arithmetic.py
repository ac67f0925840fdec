"""Functions of single numbers by their definition."""

from __future__ import annotations

import math
from functools import partial

from archcalc.executor.loops import scalar
from archcalc.executor.loops.activation import elementwise
from archcalc.executor.loops.numbers import function, rounded
from archcalc.executor.loops.rounding import convert_number, round_unlimited
from archcalc.executor.loops.scalar import Plain, Scalar
from archcalc.ops.arithmetic import (
    Abs,
    Atan,
    Cast,
    Clip,
    Cos,
    Erf,
    Exp,
    Floor,
    Log,
    Offset,
    Pow,
    Quantize,
    Scale,
    Sin,
    Sqrt,
)


@elementwise(Scale)
def scale(op: Scale, x: Scalar) -> Scalar:
    factor: Plain = op.factor
    return x * factor


@elementwise(Offset)
def offset(op: Offset, x: Scalar) -> Scalar:
    by: Plain = op.by
    return x + by


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


@elementwise(Atan)
def arctangent(op: Atan, x: Scalar) -> Scalar:
    return scalar.atan(x)


@elementwise(Erf)
def error_function(op: Erf, x: Scalar) -> Scalar:
    return scalar.erf(x)


@elementwise(Abs)
def absolute(op: Abs, x: Scalar) -> Scalar:
    return abs(x)


@elementwise(Floor)
def floor(op: Floor, x: Scalar) -> Scalar:
    return Scalar(function("floor", x.value), x.tally) if math.isfinite(x.value) else x


@elementwise(Pow)
def power(op: Pow, x: Scalar) -> Scalar:
    exponent: Plain = op.exponent
    return x**exponent


@elementwise(Clip)
def clip(op: Clip, x: Scalar) -> Scalar:
    if op.min is not None:
        x = scalar.maximum(x, op.min)
    if op.max is not None:
        x = scalar.minimum(x, op.max)
    return x


@elementwise(Cast)
def cast(op: Cast, x: Scalar) -> Scalar:
    to = partial(convert_number, form=op.number_format, saturate=op.saturate, rounding=op.rounding)
    return Scalar(rounded(x.value, to), x.tally)


@elementwise(Quantize)
def quantize(op: Quantize, x: Scalar) -> Scalar:
    form = op.number_format
    scale: Plain = op.scale
    codes = Scalar(rounded((x / scale).value, partial(round_unlimited, form=form)), x.tally)
    low: Plain = form.smallest - int(op.zero)
    codes = scalar.maximum(Scalar(low, x.tally), codes)  # of two equal numbers, the gradient is that of the second one
    return scalar.minimum(codes, form.largest - int(op.zero)) * scale
