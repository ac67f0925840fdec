"""Calls that put elements at computed places along an axis, and sums of rows of tables."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.ops.joins import Add, Compare, Mul, Where
from archcalc.ops.reduction import Mean, Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.selection import looked_up
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.batch import Sizes
from archcalc.readers.steps import Step, make, sizes_of_axes


def with_axis(c: Composition, x: int, axis: int) -> int:
    """Return a tensor with a new axis of size 1."""
    sizes = c.sizes(x)
    target = (*sizes_of_axes(range(axis)), 1, *sizes_of_axes(range(axis, len(sizes))))
    return c.reshape(x, target, (*sizes[:axis], 1, *sizes[axis:]))


def matches(c: Composition, axis: int, sizes: Sizes) -> int:
    """Return which elements of an index are which positions of an axis, which follows that of the elements."""
    indices = c.a.sizes("index")
    if [*indices[:axis], *indices[axis + 1 :]] != [*sizes[:axis], *sizes[axis + 1 :]]:
        raise Untranslatable("an index whose sizes differ from those of the tensor")
    behind = (1,) * (len(sizes) - axis - 1)
    column = c.reshape(c.constant("arange", (sizes[axis],), end=sizes[axis]), (-1, *behind), (sizes[axis], *behind))
    return c.join(make(Compare, how="equal"), with_axis(c, c.a.tensor("index"), axis + 1), column)


@translates("scatter")
def scatter(a: Arguments) -> list[Step]:
    """Translate other elements where the index names their position, one element of every row."""
    sizes = a.sizes("self")
    axis = a.axis("dim", len(sizes))
    if a.sizes("index")[axis] != 1 or not a.is_default("reduce", None):
        raise Untranslatable("several elements that may have the same place")
    c = Composition(a)
    new = a.tensor("src") if a.is_tensor("src") else a.scalar("value")
    if a.is_tensor("src") and a.sizes("src") != a.sizes("index"):
        raise Untranslatable("a part of the elements of a tensor")
    at = matches(c, axis, sizes)
    one = [c.sizes(at)[each] for each in range(len(sizes) + 1) if each != axis]
    kept = (*sizes_of_axes(range(axis)), *sizes_of_axes(range(axis + 1, len(sizes) + 1)))
    return c.done(c.join(Where(), c.reshape(at, kept, one), new, a.tensor("self")))


@translates("scatter_add", "scatter_reduce")
def scatter_add(a: Arguments) -> list[Step]:
    """Translate the sums of the elements whose index names a position: products with 1 at it and 0 elsewhere."""
    if a.operator == "scatter_reduce" and (a.text("reduce", "") != "sum" or not a.is_default("include_self", True)):
        raise Untranslatable("a reduction other than a sum")
    sizes = a.sizes("self")
    axis, c = a.axis("dim", len(sizes)), Composition(a)
    if a.sizes("src") != a.sizes("index"):
        raise Untranslatable("a part of the elements of a tensor")
    terms = c.join(Mul(), matches(c, axis, sizes), with_axis(c, a.tensor("src"), axis + 1))
    return c.done(c.join(Add(), a.tensor("self"), c.reduce(Sum, terms, [axis], keep=False)))


@translates("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only")
def embedding_bag(a: Arguments) -> list[Step]:
    """Translate sums or means of the rows of a table that bags of equal size name."""
    (count,), bags = a.sizes("indices"), a.sizes("offsets")[0]
    size = count // max(bags, 1)
    plain = a.is_default("per_sample_weights", None) and a.is_default("padding_idx", -1, None)
    if size * bags != count or not a.reading.counts_up(a.name("offsets"), size) or not plain:
        raise Untranslatable("bags of different or unknown sizes, weights of rows, or rows that do not count")
    kinds = (Sum, Mean)
    mode = a.integer("mode", 0)
    if mode >= len(kinds) or not a.is_default("include_last_offset", False):
        raise Untranslatable("the largest element of every bag, or the end of the last bag")
    c = Composition(a)
    indices = c.reshape(a.tensor("indices"), (-1, size), (bags, size))
    made = rows(c, indices, (bags, size))
    return c.done(c.reduce(kinds[mode], made, [1], keep=False))


def rows(c: Composition, indices: int, shape: Sequence[int]) -> int:
    """Return the rows of a table at indices."""
    stored = c.a.reading.stored_matrix(c.a.name("weight"))
    if stored is None:
        return c.take(c.a.tensor("weight"), indices, 0)
    return c.add(looked_up(c.a, "weight", stored, indices, c.new((*shape, c.a.sizes("weight")[1]))))
