"""Functions of single numbers."""

from __future__ import annotations

from archcalc.writers.code.calls import Code, Slot, literal
from archcalc.writers.pytorch.registry import View, expression, writes


@writes("scale")
def write_scale(view: View) -> Code:
    return expression("$0 * $factor", Slot("factor", view.op.factor))


@writes("offset")
def write_offset(view: View) -> Code:
    return expression("$0 + $by", Slot("by", view.op.by))


@writes("exp", "log", "sqrt", "sin", "cos", "atan", "erf", "abs", "floor")
def write_function(view: View) -> Code:
    return expression(f"$0.{view.op.name}()")


@writes("pow")
def write_pow(view: View) -> Code:
    return expression("$0 ** $exponent", Slot("exponent", view.op.exponent))


@writes("clip")
def write_clip(view: View) -> Code:
    bounds = [
        f"{name}={literal(bound)}" for name, bound in (("min", view.op.min), ("max", view.op.max)) if bound is not None
    ]
    return expression(f"$0.clamp({', '.join(bounds)})")
