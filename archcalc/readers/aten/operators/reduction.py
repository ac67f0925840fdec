"""Means and sums over axes."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import inf, prod

from archcalc.ops.arithmetic import Abs, Clip, Exp, Log, Offset, Pow, Scale, Sqrt
from archcalc.ops.joins import Add, Div, Max, Min, Mul, Sub
from archcalc.ops.pool import GlobalAvgPool
from archcalc.ops.reduction import Mean, Reduction, Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.selection import extreme_along
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.patterns import PatternReductionStep
from archcalc.readers.per_example import PerExampleStep
from archcalc.readers.steps import OperatorReductionStep, Step, make, sizes_of_axes

EXTREMES = {"amax": "max", "amin": "min", "max": "max", "min": "min", "prod": "prod"}
"""The reductions that only ``reduce`` has, with their names there."""

REDUCTIONS: dict[str, type[Reduction]] = {"mean": Mean, "sum": Sum}


@translates(*REDUCTIONS)
def reduction(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    axes = reduced_axes(a)
    keep, inputs, outputs = a.flag("keepdim", default=False), (a.tensor("self"),), (a.result(),)
    if a.operator == "mean" and keep and rank > 2 and axes == tuple(range(2, rank)):
        return [PerExampleStep(op=GlobalAvgPool(), axes=rank - 1, inputs=inputs, outputs=outputs)]
    operator = partial(make, REDUCTIONS[a.operator], keep=keep)
    return [
        OperatorReductionStep(axes=axes, keep=keep, make=lambda at: operator(axis=at), inputs=inputs, outputs=outputs)
    ]


@translates("linalg_vector_norm", "norm")
def norm(a: Arguments) -> list[Step]:
    """Translate a root of the sum of powers, or the sum or the largest of absolute values."""
    name = "ord" if a.operator == "linalg_vector_norm" else "p"
    order = a.call.arguments.get(name)
    axes, keep = reduced_axes(a), a.flag("keepdim", default=False)
    c, x = Composition(a), a.tensor("self")
    if order in (None, 2):
        return c.done(c.apply(c.reduce(Sum, c.apply(x, make(Pow, exponent=2)), axes, keep=keep), make(Sqrt)))
    if order == 1:
        return c.done(c.reduce(Sum, c.apply(x, make(Abs)), axes, keep=keep))
    if order in (inf, -inf):
        return c.done(extreme_of(c, c.apply(x, make(Abs)), axes, "max" if order == inf else "min", keep=keep))
    p = a.number(name)
    if p <= 0:
        raise Untranslatable(f"the norm of order {order}")
    sums = c.reduce(Sum, c.apply(x, make(Abs), make(Pow, exponent=p)), axes, keep=keep)
    return c.done(c.apply(sums, make(Pow, exponent=1 / p)))


def reduced_axes(a: Arguments) -> tuple[int, ...]:
    """Return the axes of a reduction; by default, all."""
    rank = len(a.sizes("self"))
    return tuple(sorted({axis % rank for axis in a.integers("dim", range(rank))})) or tuple(range(rank))


def extreme_of(c: Composition, x: int, axes: tuple[int, ...], how: str, *, keep: bool) -> int:
    """Return the largest or smallest elements along axes."""
    sizes = [1 if axis in axes else n for axis, n in enumerate(c.sizes(x)) if keep or axis not in axes]
    return c.add(PatternReductionStep(axes=axes, keep=keep, how=how, inputs=(x,), outputs=(c.new(sizes),)))


@translates("cosine_similarity")
def cosine_similarity(a: Arguments) -> list[Step]:
    """Translate x·y/(max(‖x‖, ε)·max(‖y‖, ε))."""
    c, x, y = Composition(a), a.tensor("x1"), a.tensor("x2")
    axis, eps = a.integer("dim", 1), a.number("eps", 1e-8)
    length = (make(Sqrt), make(Clip, min=eps))
    norms = [c.apply(c.reduce(Sum, c.apply(each, make(Pow, exponent=2)), [axis]), *length) for each in (x, y)]
    units = [c.join(Div(), each, norm) for each, norm in zip((x, y), norms, strict=True)]
    return c.done(c.reduce(Sum, c.join(Mul(), *units), [axis], keep=False))


@translates("pairwise_distance")
def pairwise_distance(a: Arguments) -> list[Step]:
    """Translate ‖x − y + ε‖ along the last axis."""
    if not a.is_default("p", 2, 2.0):
        raise Untranslatable("a distance other than the Euclidean one")
    c, eps = Composition(a), a.number("eps", 1e-6)
    away = c.apply(c.join(Sub(), a.tensor("x1"), a.tensor("x2")), make(Offset, by=eps), make(Pow, exponent=2))
    keep = a.flag("keepdim", default=False)
    return c.done(c.apply(c.reduce(Sum, away, [-1], keep=keep), make(Sqrt)))


@translates("cdist", "_cdist_forward")
def distances(a: Arguments) -> list[Step]:
    """Translate the distances of all vectors of one tensor from all vectors of another."""
    c, order = Composition(a), a.call.arguments.get("p", 2)
    x, y = a.tensor("x1"), a.tensor("x2")
    rank = len(c.sizes(x))
    lead = sizes_of_axes(range(rank - 2))
    n, m, width = c.sizes(x)[-2], c.sizes(y)[-2], c.sizes(x)[-1]
    rows = c.reshape(x, (*lead, *sizes_of_axes((rank - 2,)), 1, width), (*c.sizes(x)[:-2], n, 1, width))
    columns = c.reshape(y, (*lead, 1, *sizes_of_axes((rank - 2,)), width), (*c.sizes(y)[:-2], 1, m, width))
    away = c.apply(c.join(Sub(), rows, columns), make(Abs))
    if order == inf:
        return c.done(extreme_of(c, away, (rank,), "max", keep=False))
    p = a.number("p", 2)
    if p <= 0:
        raise Untranslatable(f"the distance of order {order}")
    sums = c.reduce(Sum, away if p == 1 else c.apply(away, make(Pow, exponent=p)), [-1], keep=False)
    return c.done(sums if p == 1 else c.apply(sums, make(Pow, exponent=1 / p) if p != 2 else make(Sqrt)))


@translates("var", "std", "var_mean", "std_mean")
def variance(a: Arguments) -> list[Step]:
    """Translate the mean square of the differences from the mean, divided by n − correction instead of n."""
    c, x, axes = Composition(a), a.tensor("self"), reduced_axes(a)
    keep = a.flag("keepdim", default=False)
    n = prod(a.sizes("self")[axis] for axis in axes)
    divisor = n - (a.flag("unbiased", default=True) if "unbiased" in a.call.arguments else a.number("correction", 1))
    if divisor <= 0:
        raise Untranslatable("the variance of one number")
    mean = c.reduce(Mean, x, axes)
    squares = c.apply(c.join(Sub(), x, mean), make(Pow, exponent=2))
    found = c.reduce(Mean, squares, axes, keep=keep)
    if divisor != n:
        found = c.apply(found, make(Scale, factor=Fraction(n) / divisor))
    found = c.apply(found, make(Sqrt)) if a.operator.startswith("std") else found
    if a.operator.endswith("_mean") and len(a.call.outputs) > 1 and a.call.outputs[1] is not None:
        a.reading.give(a.call.outputs[1], c.reduce(Mean, x, axes, keep=keep))
    return c.done(found)


@translates("logsumexp")
def log_sum_exp(a: Arguments) -> list[Step]:
    c, x, axes = Composition(a), a.tensor("self"), reduced_axes(a)
    keep = a.flag("keepdim", default=False)
    sums = c.reduce(
        Sum, c.apply(c.join(Sub(), x, extreme_of(c, x, axes, "max", keep=True)), make(Exp)), axes, keep=keep
    )
    return c.done(c.join(Add(), c.apply(sums, make(Log)), extreme_of(c, x, axes, "max", keep=keep)))


@translates("max", "min")
def largest_or_smallest(a: Arguments) -> list[Step]:
    """Translate the larger of two tensors' elements, the largest along an axis with their indices, or one of all."""
    if a.is_tensor("other"):
        c = Composition(a)
        return c.done(c.join(Max() if a.operator == "max" else Min(), a.tensor("self"), a.tensor("other")))
    return extreme(a) if a.is_default("dim", None) else extreme_along(a)


@translates("amax", "amin", "prod")
def extreme(a: Arguments) -> list[Step]:
    keep = a.flag("keepdim", default=False)
    how = EXTREMES[a.operator]
    return [
        PatternReductionStep(
            axes=reduced_axes(a), keep=keep, how=how, inputs=(a.tensor("self"),), outputs=(a.result(),)
        ),
    ]
