"""Functions of single numbers."""

from __future__ import annotations

from archcalc.writers.code.calls import Arg, Code, literal
from archcalc.writers.keras.registry import LayerContext, expression, writes


@writes("scale")
def write_scale(view: LayerContext) -> Code:
    return expression("$0 * $factor", Arg("factor", view.op.factor))


@writes("offset")
def write_offset(view: LayerContext) -> Code:
    return expression("$0 + $by", Arg("by", view.op.by))


@writes("exp", "log", "sqrt", "sin", "cos", "erf", "abs", "floor")
def write_function(view: LayerContext) -> Code:
    return expression(f"ops.{view.op.name}($0)")


@writes("pow")
def write_pow(view: LayerContext) -> Code:
    return expression("$0 ** $exponent", Arg("exponent", view.op.exponent))


@writes("clip")
def write_clip(view: LayerContext) -> Code:
    low, high = view.op.min, view.op.max
    if high is None:
        return expression(f"ops.maximum($0, {literal(low)})")
    if low is None:
        return expression(f"ops.minimum($0, {literal(high)})")
    return expression(f"ops.clip($0, {literal(low)}, {literal(high)})")
