"""Means and sums over axes, and sums up to every position."""

from __future__ import annotations

from archcalc.writers.code.calls import LayerCode
from archcalc.writers.pytorch.registry import PyTorchContext, dim, expression, writes


@writes("mean", "sum")
def write_reduction(context: PyTorchContext) -> LayerCode:
    op = context.op
    axes = tuple([dim(axis) for axis in op.axis])
    keep = ", keepdim=True" if op.keep else ""
    return expression(f"$0.{op.name}({axes[0] if len(axes) == 1 else axes}{keep})")


@writes("cumsum")
def write_cumsum(context: PyTorchContext) -> LayerCode:
    return expression(f"$0.cumsum({dim(context.op.axis)})")
