"""Means and sums over axes, and sums up to every position."""

from __future__ import annotations

from archcalc.writers.code.calls import Code
from archcalc.writers.keras.registry import LayerContext, expression, writes


@writes("mean", "sum")
def write_reduction(view: LayerContext) -> Code:
    op = view.op
    axes = tuple([view.axis(axis) for axis in op.axis])
    keep = ", keepdims=True" if op.keep else ""
    return expression(f"ops.{op.name}($0, axis={axes[0] if len(axes) == 1 else axes}{keep})")


@writes("cumsum")
def write_cumsum(view: LayerContext) -> Code:
    return expression(f"ops.cumsum($0, axis={view.axis(view.op.axis)})")
