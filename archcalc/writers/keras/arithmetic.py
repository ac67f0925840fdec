"""Functions of single numbers."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, LayerCode, literal
from archcalc.writers.keras.registry import KerasContext, expression, writes


@writes("scale")
def write_scale(context: KerasContext) -> LayerCode:
    return expression("$0 * $factor", CallArgument("factor", context.op.factor))


@writes("offset")
def write_offset(context: KerasContext) -> LayerCode:
    return expression("$0 + $by", CallArgument("by", context.op.by))


@writes("exp", "log", "sqrt", "sin", "cos", "atan", "erf", "abs", "floor")
def write_function(context: KerasContext) -> LayerCode:
    name = "arctan" if context.op.name == "atan" else context.op.name
    return expression(f"ops.{name}($0)")


@writes("pow")
def write_pow(context: KerasContext) -> LayerCode:
    return expression("$0 ** $exponent", CallArgument("exponent", context.op.exponent))


@writes("clip")
def write_clip(context: KerasContext) -> LayerCode:
    low, high = context.op.min, context.op.max
    if high is None:
        return expression(f"ops.maximum($0, {literal(low)})")
    if low is None:
        return expression(f"ops.minimum($0, {literal(high)})")
    return expression(f"ops.clip($0, {literal(low)}, {literal(high)})")
