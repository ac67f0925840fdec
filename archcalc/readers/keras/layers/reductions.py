"""Functions of ``keras.ops`` that combine the elements along axes."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.graph import Ref
from archcalc.ops import arithmetic, joins, reduction
from archcalc.ops.rearrange import Reduce
from archcalc.ops.selection import TopK
from archcalc.readers.keras.layers.normalisation import EPSILON_OF_FUNCTIONS
from archcalc.readers.keras.registry import Unconvertible, converts_operation
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

SQUARE = make(arithmetic.Pow, exponent=2)


def reduced(n: LayerView, name: str = "axis") -> tuple[int, ...]:
    """Return the axes that are reduced."""
    if n.get(name, None) is None:
        raise Unconvertible("a reduction that includes the batch")
    return n.axes(name, n.rank(n.x), [])


def combined(n: LayerView, x: Ref, how: str, axes: Sequence[int]) -> Ref:
    """Return the mean, sum, maximum, minimum or product along axes, which remain with size 1."""
    rank = n.rank(x)
    if how in ("mean", "sum"):
        kind = reduction.Mean if how == "mean" else reduction.Sum
        return n.add(make(kind, axis=tuple([n.at(axis, rank) for axis in axes]), keep=True), x)
    gone = {f"a{axis}" for axis in axes}
    names = [f"a{axis}" for axis in n.graph.standard(rank)]
    made = ["1" if name in gone else name for name in names]
    return n.add(make(Reduce, pattern=f"{' '.join(names)} = {' '.join(made)}", how=how), x)


def without(n: LayerView, x: Ref, axes: Sequence[int]) -> Ref:
    """Return a tensor without axes of size 1, unless they are to be kept."""
    if n.flag("keepdims", False):
        return x
    shape = tuple([size for axis, size in enumerate(n.file_shape(x), 1) if axis not in axes])
    return n.from_file(n.reshaped(n.in_file(x), shape or (1,)))


@converts_operation("Mean", "Average", "Sum")
def mean_or_sum(n: LayerView) -> Ref:
    if n.get("weights", None) is not None or (len(n.call.args) > 1 and n.call.args[1] is not None):
        raise Unconvertible("a mean with weights")
    how = "sum" if n.call.layer.class_name == "Sum" else "mean"
    axes, rank = reduced(n), n.rank(n.x)
    if n.flag("keepdims", False) or len(axes) == rank:
        return without(n, combined(n, n.x, how, axes), axes)
    kind = reduction.Sum if how == "sum" else reduction.Mean
    made = n.add(make(kind, axis=tuple([n.at(axis, rank) for axis in axes]), keep=False), n.x)
    return in_layout(n, made, axes, rank)


@converts_operation("Max", "Min", "Prod", "Amax", "Amin")
def extreme_or_product(n: LayerView) -> Ref:
    how = n.call.layer.class_name.lower().removeprefix("a")
    axes, rank = reduced(n), n.rank(n.x)
    if n.flag("keepdims", False) or len(axes) == rank:
        return without(n, combined(n, n.x, how, axes), axes)
    names = [f"a{axis}" for axis in n.graph.standard(rank)]
    gone = {f"a{axis}" for axis in axes}
    pattern = f"{' '.join(names)} = {' '.join(name for name in names if name not in gone)}"
    return in_layout(n, n.add(make(Reduce, pattern=pattern, how=how), n.x), axes, rank)


def in_layout(n: LayerView, made: Ref, axes: Sequence[int], rank: int) -> Ref:
    """Return what remains of a tensor without some of its axes, with the axes as they are in the graph."""
    left = [axis for axis in n.graph.standard(rank) if axis not in axes]
    return n.restored(made, [sorted(left).index(axis) + 1 for axis in left])


def variance(n: LayerView, x: Ref, mean: Ref, axes: Sequence[int]) -> Ref:
    """Return the mean of the squares of the differences from the mean."""
    return combined(n, n.add(SQUARE, n.add(joins.Sub(), x, mean)), "mean", axes)


@converts_operation("Var", "Std")
def spread(n: LayerView) -> Ref:
    axes = reduced(n)
    made = variance(n, n.x, combined(n, n.x, "mean", axes), axes)
    return without(n, n.add(arithmetic.Sqrt(), made) if n.call.layer.class_name == "Std" else made, axes)


@converts_operation("Moments")
def moments(n: LayerView) -> list[Ref]:
    """Convert the mean and the variance."""
    axes = reduced(n, "axes")
    mean = combined(n, n.x, "mean", axes)
    return [without(n, each, axes) for each in (mean, variance(n, n.x, mean, axes))]


@converts_operation("Norm")
def norm(n: LayerView) -> Ref:
    """Convert the root of a sum of squares, a sum of absolute values, or the largest one."""
    axes, order = reduced(n), n.get("ord", 2)
    if order == "fro" or (order == 2 and (len(axes) == 1 or n.get("ord", None) is None)):
        made = n.apply(combined(n, n.add(SQUARE, n.x), "sum", axes), arithmetic.Sqrt())
    elif order == 1 and len(axes) == 1:
        made = combined(n, n.add(arithmetic.Abs(), n.x), "sum", axes)
    else:
        raise Unconvertible(f"the norm of the order {str(order)[:20]}")
    return without(n, made, axes)


@converts_operation("Normalize")
def normalize(n: LayerView) -> Ref:
    """Convert the division by a norm, which is at least ε."""
    axes, order = n.axes("axis", n.rank(n.x), -1), n.integer("order", 2)
    if order > 2:
        raise Unconvertible(f"the norm of the order {order}")
    parts = n.add(SQUARE if order == 2 else arithmetic.Abs(), n.x)
    root = (arithmetic.Sqrt(),) if order == 2 else ()
    size = n.apply(
        combined(n, parts, "sum", axes), *root, make(arithmetic.Clip, min=n.number("epsilon", EPSILON_OF_FUNCTIONS))
    )
    return n.add(joins.Div(), n.x, size)


@converts_operation("Logsumexp")
def log_sum_exp(n: LayerView) -> Ref:
    """Convert the logarithm of a sum of exponentials, from which the largest factor is taken out."""
    axes = reduced(n)
    largest = combined(n, n.x, "max", axes)
    total = combined(n, n.add(arithmetic.Exp(), n.add(joins.Sub(), n.x, largest)), "sum", axes)
    return without(n, n.add(joins.Add(), n.add(arithmetic.Log(), total), largest), axes)


@converts_operation("Cumsum")
def cumulative_sum(n: LayerView) -> Ref:
    rank = n.rank(n.x)
    if n.get("axis", None) is None:
        raise Unconvertible("a sum that includes the batch")
    return n.add(make(reduction.CumulativeSum, axis=n.at(n.axis("axis", rank), rank)), n.x)


@converts_operation("Argmax", "Argmin")
def index_of_extreme(n: LayerView) -> Ref:
    rank = n.rank(n.x)
    if n.get("axis", None) is None:
        raise Unconvertible("an index that includes the batch")
    axis = n.axis("axis", rank)
    op = make(TopK, count=1, axis=n.at(axis, rank), smallest=n.call.layer.class_name == "Argmin")
    return without(n, n.add(op, n.x)._replace(output=1), [axis])


@converts_operation("TopK")
def top_k(n: LayerView) -> list[Ref]:
    """Convert the largest elements along the last axis, and their indices."""
    rank = n.rank(n.x)
    made = n.add(make(TopK, count=n.integer("k"), axis=n.at(rank, rank)), n.x)
    return [made, made._replace(output=1)]
