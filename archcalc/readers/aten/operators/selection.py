"""Calls that choose elements by their indices, or by their size."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.ops.arithmetic import Scale
from archcalc.ops.dense import Embedding
from archcalc.ops.joins import Add, Compare
from archcalc.ops.reduction import CumulativeSum, Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.linear import broadcast
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.selection import GatherStep, LargestElementsStep, PerExampleLookupStep
from archcalc.readers.steps import ElementwiseStep, PermutationStep, PositionStep, Step, along_axis, make, sizes_of_axes


def looked_up(a: Arguments, table: str, stored: str, indices: int, made: int) -> Step:
    """Return the step that looks up rows of a stored table.

    Args:
        a: the arguments of the call.
        table: the name of the argument that is the table.
        stored: the name of the stored matrix that this is.
        indices: the tensor with the numbers of the rows.
        made: the tensor of these rows.
    """
    vocabulary, dim = a.sizes(table)
    op = Embedding(vocabulary=vocabulary, dim=dim)
    return ElementwiseStep(op=op, inputs=(indices,), outputs=(made,), stored={"weight": stored})


@translates("embedding")
def embedding(a: Arguments) -> list[Step]:
    stored = a.reading.stored_matrix(a.name("weight"))
    if stored is not None:
        return [looked_up(a, "weight", stored, a.tensor("indices"), a.result())]
    c = Composition(a)
    return c.done(c.take(a.tensor("weight"), a.tensor("indices"), 0))


@translates("index_select")
def index_select(a: Arguments) -> list[Step]:
    c = Composition(a)
    axis = a.axis("dim", len(a.sizes("self")))
    return c.done(c.take(a.tensor("self"), places(c, a, [a.name("index")], (a.sizes("self")[axis],)), axis))


@translates("gather", "take_along_dim")
def gather(a: Arguments) -> list[Step]:
    index = "index" if a.is_tensor("index") else "indices"
    axis = a.axis("dim", len(a.sizes("self")))
    inputs = (a.tensor("self"), a.tensor(index))
    return [GatherStep(op=Add(), axis=axis, inputs=inputs, outputs=(a.result(),))]


class IndexedPart:
    """The part of a tensor that an index names: some axes next to each other, and indices into them."""

    def __init__(self, a: Arguments) -> None:
        sizes = a.sizes("self")
        given = a.call.arguments.get("indices")
        if not isinstance(given, list) or not all(each is None or isinstance(each, TensorName) for each in given):
            raise Untranslatable("the argument 'indices' must be a list of tensors")
        chosen = [axis for axis, each in enumerate(given) if each is not None]
        if not chosen or chosen != list(range(chosen[0], chosen[-1] + 1)):
            raise Untranslatable("indices into axes that are not next to each other")
        self.names = [given[axis].name for axis in chosen]
        self.is_mask = a.reading.dtype(self.names[0]) == "bool"
        count = len(a.reading.sizes(self.names[0])) if self.is_mask else len(chosen)
        if self.is_mask and len(chosen) > 1:
            raise Untranslatable("a mask and indices at once")
        self.first, self.after = chosen[0], chosen[0] + count
        self.sizes = sizes[self.first : self.after]


@translates("index", "_unsafe_index")
def index(a: Arguments) -> list[Step]:
    """Translate elements at places: rows of a stored table, or elements of any tensor along axes next to each other."""
    at = IndexedPart(a)
    sizes = a.sizes("self")
    is_row = len(sizes) == 2 and at.first == 0 and len(at.names) == 1 and not at.is_mask
    stored = a.reading.stored_matrix(a.name("self")) if is_row else None
    if stored is not None:
        return [looked_up(a, "self", stored, a.reading.tensor(at.names[0]), a.result())]
    c = Composition(a)
    of_each = at.first == 0 and len(at.names) == 2 and is_range(a, at.names[0], sizes[0])
    if of_each and not a.reading.is_constant(TensorName(at.names[1])):
        read = (a.tensor("self"), a.reading.tensor(at.names[1]))
        rank = len(a.reading.sizes(at.names[1]))
        made = a.reading.intermediate(a.reading.sizes(a.result_name))
        return c.done(c.add(PerExampleLookupStep(rank=rank, inputs=read, outputs=(made,))))
    x = merged(c, a.tensor("self"), at)
    return c.done(
        c.take(
            x,
            places(c, a, at.names, at.sizes, is_mask=at.is_mask, count=a.reading.sizes(a.result_name)[at.first]),
            at.first,
        )
    )


def is_range(a: Arguments, name: str, size: int) -> bool:
    """Return whether a tensor names every example once, in order."""
    return a.reading.sizes(name) == (size,) and a.reading.counts_up(name)


def merged(c: Composition, x: int, at: IndexedPart) -> int:
    """Return a tensor whose axes that are indexed together are one."""
    sizes = c.sizes(x)
    if at.after == at.first + 1:
        return x
    target = (*sizes_of_axes(range(at.first)), prod(at.sizes), *sizes_of_axes(range(at.after, len(sizes))))
    return c.reshape(x, target, (*sizes[: at.first], prod(at.sizes), *sizes[at.after :]))


def places(
    c: Composition, a: Arguments, names: list[str], sizes: tuple[int, ...], *, is_mask: bool = False, count: int = 0
) -> int:
    """Return indices into axes that are merged.

    Args:
        c: the steps so far.
        a: the arguments of the call.
        names: the names of the indices, one tensor for each axis. Constant ones may count from the end.
        sizes: the sizes of the axes.
        is_mask: whether it is one mask instead, which must be constant.
        count: how often it is true.
    """
    shapes = [a.reading.sizes(name) for name in names]
    if all(a.reading.is_constant(TensorName(name)) for name in names):
        given = [TensorName(name) for name in names]
        shape = (count,) if is_mask else broadcast(shapes)
        return c.constant("flat_index", shape, indices=given, axes=list(sizes))
    if is_mask:
        raise Untranslatable("elements that a computed mask chooses")
    found = a.reading.tensor(names[0])
    for name, size in zip(names[1:], sizes[1:], strict=True):
        found = c.join(Add(), c.apply(found, make(Scale, factor=size)), a.reading.tensor(name))
    return found


# --- by size ---


def largest(a: Arguments, axis: int, count: int, *, smallest: bool) -> list[Step]:
    """Return the step of a call whose results are elements and their indices."""
    made = {number: name for number, name in enumerate(a.call.outputs) if name is not None}
    outputs = tuple([a.reading.new(name) for name in made.values()])
    inputs = (a.tensor("self"),)
    return [
        LargestElementsStep(axis=axis, count=count, smallest=smallest, kept=tuple(made), inputs=inputs, outputs=outputs)
    ]


@translates("topk")
def topk(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")), -1)
    return largest(a, axis, a.integer("k"), smallest=not a.flag("largest", default=True))


@translates("sort")
def sort(a: Arguments) -> list[Step]:
    sizes = a.sizes("self")
    axis = a.axis("dim", len(sizes), -1)
    return largest(a, axis, sizes[axis], smallest=not a.flag("descending", default=False))


def one_of(a: Arguments, axis: int, *, smallest: bool, keep: bool, results: list[tuple[int, str]]) -> list[Step]:
    """Return the steps of the largest or smallest element of every row, or of its index."""
    sizes = a.sizes("self")
    kept = (*sizes[:axis], 1, *sizes[axis + 1 :])
    numbers = tuple([number for number, _ in results])
    made = [a.reading.new(name) if keep else a.reading.intermediate(kept) for _, name in results]
    first = LargestElementsStep(
        axis=axis, count=1, smallest=smallest, kept=numbers, inputs=(a.tensor("self"),), outputs=tuple(made)
    )
    if keep:
        return [first]
    rest = [
        PositionStep(axis=axis, position=0, inputs=(each,), outputs=(a.reading.new(name),))
        for each, (_, name) in zip(made, results, strict=True)
    ]
    return [first, *rest]


@translates("argmax", "argmin")
def extreme_index(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    if a.is_default("dim", None):
        raise Untranslatable(f"{a.operator} over all axes")
    keep = a.flag("keepdim", default=False)
    results = [(1, a.result_name)]
    return one_of(a, a.axis("dim", rank), smallest=a.operator == "argmin", keep=keep, results=results)


@translates("argsort")
def argsort(a: Arguments) -> list[Step]:
    sizes = a.sizes("self")
    axis = a.axis("dim", len(sizes), -1)
    smallest = not a.flag("descending", default=False)
    inputs, outputs = (a.tensor("self"),), (a.result(),)
    return [
        LargestElementsStep(axis=axis, count=sizes[axis], smallest=smallest, kept=(1,), inputs=inputs, outputs=outputs)
    ]


def extreme_along(a: Arguments) -> list[Step]:
    """Translate the largest or smallest elements along an axis, with their indices."""
    axis, keep = a.axis("dim", len(a.sizes("self"))), a.flag("keepdim", default=False)
    results = [(number, name) for number, name in enumerate(a.call.outputs) if name is not None]
    return one_of(a, axis, smallest=a.operator == "min", keep=keep, results=results)


# --- by fixed indices ---


def reordered(c: Composition, tensor: int, axis: int, function: str, shape: tuple[int, ...], **given: Any) -> int:
    """Return the elements of a tensor at constant indices along an axis."""
    return c.take(tensor, c.constant(function, shape, **given), axis, size=c.sizes(tensor)[axis])


@translates("flip")
def flip(a: Arguments) -> list[Step]:
    c, made, sizes = Composition(a), a.tensor("self"), a.sizes("self")
    for axis in a.integers("dims"):
        n = sizes[axis]
        made = reordered(c, made, axis % len(sizes), "arange", (n,), start=n - 1, end=-1, step=-1)
    return c.done(made)


@translates("rot90")
def rot90(a: Arguments) -> list[Step]:
    c, made, rank = Composition(a), a.tensor("self"), len(a.sizes("self"))
    first, second = (axis % rank for axis in a.integers("dims", (0, 1), count=2))
    order = list(range(rank))
    order[first], order[second] = second, first
    for _ in range(a.integer("k", 1) % 4):
        n = c.sizes(made)[second]
        made = reordered(c, made, second, "arange", (n,), start=n - 1, end=-1, step=-1)
        turned = c.new([c.sizes(made)[axis] for axis in order])
        made = c.add(PermutationStep(order=tuple(order), inputs=(made,), outputs=(turned,)))
    return c.done(made)


@translates("diagonal")
def diagonal(a: Arguments) -> list[Step]:
    """Translate the elements of two axes with equal indices, or with a distance, which become the last axis."""
    c, rank = Composition(a), len(a.sizes("self"))
    axes = a.axis("dim1", rank, 0), a.axis("dim2", rank, 1)
    return c.done(diagonal_of(c, a.tensor("self"), *axes, a.integer("offset", 0)))


def diagonal_of(c: Composition, x: int, first: int, second: int, offset: int = 0) -> int:
    """Return the elements of two axes whose indices are equal, or at a distance, along a new last axis."""
    sizes = c.sizes(x)
    rank = len(sizes)
    rest = [axis for axis in range(rank) if axis not in (first, second)]
    order = (*rest, first, second)
    n, m = sizes[first], sizes[second]
    moved = c.new([sizes[axis] for axis in order])
    made = c.add(PermutationStep(order=order, inputs=(x,), outputs=(moved,)))
    lead = [sizes[axis] for axis in rest]
    made = c.reshape(made, (*sizes_of_axes(range(rank - 2)), n * m), (*lead, n * m))
    start, count = (offset, min(n, m - offset)) if offset >= 0 else (-offset * m, min(n + offset, m))
    table = c.constant("arange", (count,), start=start, end=start + count * (m + 1), step=m + 1)
    return c.take(made, table, rank - 2, size=n * m)


@translates("one_hot")
def one_hot(a: Arguments) -> list[Step]:
    c, sizes = Composition(a), a.sizes("self")
    classes = a.reading.sizes(a.result_name)[-1]
    column = c.reshape(a.tensor("self"), (*sizes_of_axes(range(len(sizes))), 1), (*sizes, 1))
    return c.done(c.join(make(Compare, how="equal"), column, c.constant("arange", (classes,), end=classes)))


@translates("bucketize")
def bucketize(a: Arguments) -> list[Step]:
    """Translate the number of boundaries below every element; with ``right``, of those that are not above."""
    c, sizes = Composition(a), a.sizes("self")
    column = c.reshape(a.tensor("self"), (*sizes_of_axes(range(len(sizes))), 1), (*sizes, 1))
    how = "greater_equal" if a.flag("right", default=False) else "greater"
    above = c.join(make(Compare, how=how), column, a.tensor("boundaries"))
    return c.done(c.reduce(Sum, above, [-1], keep=False))


@translates("cumsum")
def cumsum(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")))
    return [along_axis(axis, make(CumulativeSum), a.tensor("self"), a.result())]
