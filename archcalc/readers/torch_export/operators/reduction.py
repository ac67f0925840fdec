"""Means and sums over axes."""

from __future__ import annotations

from functools import partial

from archcalc.ops.arithmetic import Pow, Sqrt
from archcalc.ops.joins import Max, Min
from archcalc.ops.pool import GlobalAvgPool
from archcalc.ops.reduction import Mean, Reduction, Sum
from archcalc.readers.joining import Joined
from archcalc.readers.patterns import ReducedByPattern
from archcalc.readers.per_example import PerExample
from archcalc.readers.steps import Elementwise, Reduced, Step, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates

EXTREMES = {"amax": "max", "amin": "min", "max": "max", "min": "min"}
"""The reductions that only ``reduce`` has, with their names there."""

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


@translates("linalg_vector_norm", "norm")
def euclidean_norm(a: Arguments) -> list[Step]:
    """Translate the root of the sum of squares."""
    order = "ord" if a.operator == "linalg_vector_norm" else "p"
    if not a.is_default(order, None, 2, 2.0):
        raise Untranslatable("a norm other than the Euclidean norm")
    sizes = a.sizes("self")
    axes = tuple(sorted({axis % len(sizes) for axis in a.integers("dim", range(len(sizes)))}))
    keep = a.flag("keepdim", default=False)
    squares = a.reading.intermediate(sizes)
    sums = a.reading.intermediate(a.reading.sizes(a.result_name))
    total = partial(make, Sum, keep=keep)
    return [
        Elementwise(op=make(Pow, exponent=2), inputs=(a.tensor("self"),), outputs=(squares,)),
        Reduced(axes=axes, keep=keep, make=lambda at: total(axis=at), inputs=(squares,), outputs=(sums,)),
        Elementwise(op=make(Sqrt), inputs=(sums,), outputs=(a.result(),)),
    ]


@translates(*EXTREMES)
def extreme(a: Arguments) -> list[Step]:
    """Translate the largest or smallest elements along axes, and of two tensors; their positions are not known."""
    how = EXTREMES[a.operator]
    if a.is_tensor("other"):
        inputs = (a.tensor("self"), a.tensor("other"))
        return [Joined(op=Max() if how == "max" else Min(), inputs=inputs, outputs=(a.result(),))]
    rank = len(a.sizes("self"))
    axes = tuple(sorted({axis % rank for axis in a.integers("dim", range(rank))})) or tuple(range(rank))
    keep = a.flag("keepdim", default=False)
    return [ReducedByPattern(axes=axes, keep=keep, how=how, inputs=(a.tensor("self"),), outputs=(a.result(),))]
