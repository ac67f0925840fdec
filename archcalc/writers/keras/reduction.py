"""Means and sums over axes, and sums up to every position."""

from __future__ import annotations

from archcalc.writers.code.calls import LayerCode
from archcalc.writers.keras.registry import KerasContext, expression, writes


@writes("mean", "sum")
def write_reduction(context: KerasContext) -> LayerCode:
    op = context.op
    axes = tuple([context.axis(axis) for axis in op.axis])
    keep = ", keepdims=True" if op.keep else ""
    return expression(f"ops.{op.name}($0, axis={axes[0] if len(axes) == 1 else axes}{keep})")


@writes("cumsum")
def write_cumsum(context: KerasContext) -> LayerCode:
    return expression(f"ops.cumsum($0, axis={context.axis(context.op.axis)})")
