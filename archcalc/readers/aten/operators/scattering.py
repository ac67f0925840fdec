"""Calls that put elements at given places, and sums of rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archcalc.ops.arithmetic import Scale
from archcalc.ops.joins import Where
from archcalc.ops.reduction import Mean, Sum
from archcalc.ops.selection import Scatter
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.linear import broadcast
from archcalc.readers.aten.operators.repetition import counts_of
from archcalc.readers.aten.operators.selection import IndexedPart, looked_up, merged, places
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.batch import Sizes
from archcalc.readers.patterns import RepetitionStep
from archcalc.readers.selection import ScatterStep
from archcalc.readers.steps import Step, make, sizes_of_axes

HOW = {
    "replace": "replace",
    "sum": "sum",
    "add": "sum",
    "prod": "prod",
    "multiply": "prod",
    "amax": "max",
    "amin": "min",
}
"""What the values that are scattered do to those that are there, by its names in ATen."""


@translates("scatter", "scatter_add", "scatter_reduce")
def scatter(a: Arguments) -> list[Step]:
    """Translate other elements where the index names their position along an axis, or combinations with them."""
    sizes, indices = a.sizes("self"), a.sizes("index")
    axis, c = a.axis("dim", len(sizes)), Composition(a)
    if [*indices[:axis], *indices[axis + 1 :]] != [*sizes[:axis], *sizes[axis + 1 :]]:
        raise Untranslatable("an index whose sizes differ from those of the tensor")
    how = HOW.get("sum" if a.operator == "scatter_add" else a.text("reduce", "replace"))
    if how is None or not a.is_default("include_self", True):
        raise Untranslatable("a mean, or a reduction without the elements that are there")
    if not a.is_tensor("src"):
        return c.done(put(c, a.tensor("self"), axis, a.tensor("index"), everywhere(c, a.scalar("value"), indices), how))
    if a.sizes("src") != indices:
        raise Untranslatable("a part of the elements of a tensor")
    return c.done(put(c, a.tensor("self"), axis, a.tensor("index"), a.tensor("src"), how))


@translates("index_add", "index_copy", "index_fill")
def scatter_slices(a: Arguments) -> list[Step]:
    """Translate slices that are added at, or that replace those at, the positions of an index along an axis."""
    sizes, (count,) = a.sizes("self"), a.sizes("index")
    axis, c = a.axis("dim", len(sizes)), Composition(a)
    shape = (*(1,) * axis, count, *(1,) * (len(sizes) - axis - 1))
    index = c.reshape(a.tensor("index"), shape, shape)
    if a.operator == "index_fill":
        value = everywhere(c, a.number_or_tensor("value"), (*sizes[:axis], count, *sizes[axis + 1 :]))
        return c.done(put(c, a.tensor("self"), axis, index, value, "replace"))
    value = a.tensor("source")
    if not a.is_default("alpha", 1):
        value = c.apply(value, make(Scale, factor=a.number("alpha")))
    return c.done(put(c, a.tensor("self"), axis, index, value, "sum" if a.operator == "index_add" else "replace"))


def put(c: Composition, x: int, axis: int, index: int, values: int, how: str) -> int:
    """Return a tensor with values at indices along an axis."""
    op = make(Scatter, axis=axis, how=how)
    return c.add(ScatterStep(op=op, inputs=(x, index, values), outputs=(c.new(c.sizes(x)),)))


def everywhere(c: Composition, tensor: int, sizes: Sizes) -> int:
    """Return the elements of a tensor, repeated along axes where it has one of them."""
    own = c.sizes(tensor)
    counts = counts_of(own, sizes, sizes)
    return c.add(RepetitionStep(counts=counts, inputs=(tensor,), outputs=(c.new(sizes),)))


@translates("index_put")
def index_put(a: Arguments) -> list[Step]:
    """Translate other elements at places, or sums with them: where a mask is true, or at indices."""
    return put_at_places(a, "sum" if a.flag("accumulate", default=False) else "replace")


def put_at_places(a: Arguments, how: str) -> list[Step]:
    """Return the steps of values at the places that indices name; see `Scatter` for what they do there."""
    at, c, x = IndexedPart(a), Composition(a), a.tensor("self")
    sizes, values = a.sizes("self"), a.sizes("values")
    if at.is_mask and prod(values) == 1:
        if at.first or how != "replace":
            raise Untranslatable("a mask of axes that are not the first, or sums where it is true")
        mask = a.reading.tensor(at.names[0])
        shape = (*at.sizes, *(1,) * (len(sizes) - at.after))
        mask = c.reshape(mask, (*sizes_of_axes(range(at.after)), *(1,) * (len(sizes) - at.after)), shape)
        return c.done(c.join(Where(), mask, a.tensor("values"), x))
    if at.is_mask:
        raise Untranslatable("other elements where a mask is true")
    count = broadcast([a.reading.sizes(name) for name in at.names])
    full = (*sizes[: at.first], *count, *sizes[at.after :])
    there = (*sizes[: at.first], prod(count), *sizes[at.after :])
    new = a.tensor("values")
    if values != full and prod(values) == prod(full):  # axes of size 1 are left out
        new = c.reshape(new, full, full)
    elif values != full:
        new = everywhere(c, new, full)
    if len(count) != 1:
        behind = range(at.first + len(count), len(full))
        new = c.reshape(new, (*sizes_of_axes(range(at.first)), prod(count), *sizes_of_axes(behind)), there)
    axes = (*(1,) * at.first, prod(count), *(1,) * (len(sizes) - at.after))
    index = places(c, a, at.names, at.sizes)
    if c.sizes(index) != axes:
        index = c.reshape(index, axes, axes)
    made = put(c, merged(c, x, at), at.first, index, new, how)
    if at.after != at.first + 1:
        rest = range(at.first + 1, len(sizes) - len(at.sizes) + 1)
        made = c.reshape(made, (*sizes_of_axes(range(at.first)), *at.sizes, *sizes_of_axes(rest)), sizes)
    return c.done(made)


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
