"""Normalisation."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper, option
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, at, expression, layer, writes

EPSILON = Fraction(1, 1_000)
"""Keras's default."""
RESPONSE = helper(
    "local_response_norm",
    '''
def local_response_norm(x, size, alpha, beta, k):
    """Divide channels by a function of the squares of those around them."""
    before = size // 2
    sides = [(0, 0)] * (len(x.shape) - 1) + [(before, size - 1 - before)]
    squares = ops.pad(ops.square(x), sides)
    total = sum(squares[..., i : i + x.shape[-1]] for i in range(size))
    return x / (k + alpha * total) ** beta
''',
)
STATISTICS = {"mean": at("moving_mean"), "variance": at("moving_variance")}
AFFINE = {"scale": at("gamma"), "shift": at("beta")}


def numbers(context: KerasContext) -> tuple[CallArgument, ...]:
    """Return the arguments of all normalisations."""
    affine = context.op.affine
    return (
        option("epsilon", context.op.eps, EPSILON),
        option("center", affine, True, "affine"),
        option("scale", affine, True, "affine"),
    )


@writes("bn")
def write_bn(context: KerasContext) -> LayerCode:
    return layer(CallExpression("layers.BatchNormalization", numbers(context)), arrays={**AFFINE, **STATISTICS})


def along(context: KerasContext) -> int | tuple[int, ...]:
    """Return the axes over which is normalised."""
    rank = len(context.shape)
    if context.op.axis == "all" and rank > 1:
        return tuple(range(1, rank + 1))
    return context.axis(-1 if context.op.axis == "last" else 0)


def first(context: KerasContext) -> Callable[[Any], Any]:
    """Return what gives an array of all axes the order of the graph."""
    rank = len(context.shape)
    if context.op.axis != "all" or context.layouts[0] is not AxisOrder.LAST:
        return lambda array: array
    return lambda array: array.transpose(rank - 1, *range(rank - 1))


@writes("ln")
def write_ln(context: KerasContext) -> LayerCode:
    call = CallExpression("layers.LayerNormalization", (option("axis", along(context), -1), *numbers(context)))
    return layer(call, arrays={"scale": at("gamma", first(context)), "shift": at("beta", first(context))})


@writes("rms_norm")
def write_rms_norm(context: KerasContext) -> LayerCode:
    if not context.op.affine:
        raise NotInLibrary("Keras's RMS normalisation has a learned scale")
    if context.op.axis == "all" and len(context.shape) > 1:
        raise NotInLibrary("Keras's RMS normalisation runs over one axis")
    args = (option("axis", along(context), -1), option("epsilon", context.op.eps, Fraction(1, 1_000_000)))
    return layer(CallExpression("layers.RMSNormalization", args), arrays={"scale": at("scale")})


@writes("l2_norm")
def write_l2_norm(context: KerasContext) -> LayerCode:
    return expression(
        f"ops.normalize($0, axis={along(context)}, epsilon=$epsilon)", CallArgument("epsilon", context.op.eps)
    )


@writes("in", "gn")
def write_gn(context: KerasContext) -> LayerCode:
    groups = -1 if context.op.name == "in" else context.op.groups  # −1: as many as channels
    args = (option("groups", groups, 32), option("axis", -1, -1), *numbers(context))
    return layer(CallExpression("layers.GroupNormalization", args), arrays=AFFINE)


@writes("lrn")
def write_lrn(context: KerasContext) -> LayerCode:
    op = context.op
    if op.region != "across":
        raise NotInLibrary("a local response normalisation within channels is not written")
    args = [CallArgument(name, getattr(op, name)) for name in ("size", "alpha", "beta", "k")]
    return expression("local_response_norm($0, $size, $alpha, $beta, $k)", *args, helpers=(RESPONSE,))


@writes("standardize")
def write_standardize(context: KerasContext) -> LayerCode:
    raise NotInLibrary("a standardisation by constants is not written: its numbers belong to the input pipeline")
