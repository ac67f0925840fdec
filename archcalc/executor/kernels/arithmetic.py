"""Kernels of functions of single numbers that are not activations."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array, Context
from archcalc.executor.kernels import counted
from archcalc.executor.kernels.activation import elementwise
from archcalc.executor.kernels.erf import erf
from archcalc.executor.kernels.rounding import round_to_format, round_unlimited
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
def scale(op: Scale, x: Array, out: Array, context: Context) -> None:
    counted.multiply(context, x, float(op.factor), out=out)


@elementwise(Offset)
def offset(op: Offset, x: Array, out: Array, context: Context) -> None:
    counted.add(context, x, float(op.by), out=out)


@elementwise(Exp)
def exp(op: Exp, x: Array, out: Array, context: Context) -> None:
    counted.exp(context, x, out=out)


@elementwise(Log)
def log(op: Log, x: Array, out: Array, context: Context) -> None:
    counted.log(context, x, out=out)


@elementwise(Sqrt)
def sqrt(op: Sqrt, x: Array, out: Array, context: Context) -> None:
    counted.sqrt(context, x, out=out)


@elementwise(Sin)
def sine(op: Sin, x: Array, out: Array, context: Context) -> None:
    counted.sin(context, x, out=out)


@elementwise(Cos)
def cosine(op: Cos, x: Array, out: Array, context: Context) -> None:
    counted.cos(context, x, out=out)


@elementwise(Atan)
def arctangent(op: Atan, x: Array, out: Array, context: Context) -> None:
    counted.arctan(context, x, out=out)


@elementwise(Erf)
def error_function(op: Erf, x: Array, out: Array, context: Context) -> None:
    out[...] = erf(context, x)


@elementwise(Abs)
def absolute(op: Abs, x: Array, out: Array, context: Context) -> None:
    np.abs(x, out=out)


@elementwise(Floor)
def floor(op: Floor, x: Array, out: Array, context: Context) -> None:
    np.floor(x, out=out)


@elementwise(Pow)
def power(op: Pow, x: Array, out: Array, context: Context) -> None:
    counted.power(context, x, float(op.exponent), out=out)


@elementwise(Clip)
def clip(op: Clip, x: Array, out: Array, context: Context) -> None:
    if op.min is not None:
        x = counted.maximum(context, x, float(op.min), out=out)
    if op.max is not None:
        counted.minimum(context, x, float(op.max), out=out)


@elementwise(Cast)
def cast(op: Cast, x: Array, out: Array, context: Context) -> None:
    out[...] = round_to_format(x, op.number_format, saturate=op.saturate, rounding=op.rounding)
    if context.marking:
        out[np.isnan(x)] = np.nan


@elementwise(Quantize)
def quantize(op: Quantize, x: Array, out: Array, context: Context) -> None:
    scale, zero, form = float(op.scale), int(op.zero), op.number_format
    codes = round_unlimited(counted.divide(context, x, scale), form)
    codes = counted.maximum(context, codes, float(form.smallest - zero), out=codes)
    codes = counted.minimum(context, codes, float(form.largest - zero), out=codes)
    counted.multiply(context, codes, scale, out=out)
