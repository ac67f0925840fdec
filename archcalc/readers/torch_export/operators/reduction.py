"""Means and sums over axes."""

from __future__ import annotations

from functools import partial

from archcalc.ops.pool import GlobalAvgPool
from archcalc.ops.reduction import Mean, Reduction, Sum
from archcalc.readers.steps import PerExample, Reduced, Step, make
from archcalc.readers.torch_export.registry import Arguments, translates

REDUCTIONS: dict[str, type[Reduction]] = {"mean": Mean, "sum": Sum}


@translates(*REDUCTIONS)
def reduction(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    axes = tuple(sorted({axis % rank for axis in a.integers("dim", range(rank))}))
    keep, inputs, outputs = a.flag("keepdim", default=False), (a.tensor("self"),), (a.result(),)
    if a.operator == "mean" and keep and rank > 2 and axes == tuple(range(2, rank)):
        return [PerExample(op=GlobalAvgPool(), axes=rank - 1, inputs=inputs, outputs=outputs)]
    operator = partial(make, REDUCTIONS[a.operator], keep=keep)
    return [Reduced(axes=axes, keep=keep, make=lambda at: operator(axis=at), inputs=inputs, outputs=outputs)]
