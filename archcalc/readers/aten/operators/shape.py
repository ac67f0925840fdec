"""Calls that rearrange or select elements."""

from __future__ import annotations

from typing import Any

from archcalc.ops.structure import Slice, Split
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.steps import (
    PermutationStep,
    PositionStep,
    PrefixStep,
    ReshapeStep,
    Step,
    along_axis,
    make,
    sizes_of_axes,
)

OPEN = 2**62
"""From here on, the end of a slice stands for the end of the axis, whatever its size."""


def reshaped(a: Arguments, target: tuple[object, ...]) -> list[Step]:
    """Return the step of a change of shape."""
    return [ReshapeStep(target=target, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates("view", "reshape", "_unsafe_view")
def view(a: Arguments) -> list[Step]:
    return reshaped(a, a.size_list("size" if "size" in a.call.arguments else "shape"))


@translates("view_as", "reshape_as")
def view_as(a: Arguments) -> list[Step]:
    return reshaped(a, a.sizes("other"))


@translates("flatten")
def flatten(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    first, last = a.axis("start_dim", rank, 0), a.axis("end_dim", rank, -1)
    return reshaped(a, (*sizes_of_axes(range(first)), -1, *sizes_of_axes(range(last + 1, rank))))


@translates("unflatten")
def unflatten(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    axis = a.axis("dim", rank)
    return reshaped(a, (*sizes_of_axes(range(axis)), *a.size_list("sizes"), *sizes_of_axes(range(axis + 1, rank))))


@translates("unsqueeze")
def unsqueeze(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    axis = a.axis("dim", rank + 1)
    return reshaped(a, (*sizes_of_axes(range(axis)), 1, *sizes_of_axes(range(axis, rank))))


@translates("squeeze")
def squeeze(a: Arguments) -> list[Step]:
    sizes = a.sizes("self")
    axes = [axis % len(sizes) for axis in a.integers("dim", range(len(sizes)))]
    return reshaped(a, sizes_of_axes(axis for axis, size in enumerate(sizes) if axis not in axes or size != 1))


def order_of(a: Arguments) -> tuple[int, ...]:
    """Return the order of axes of a permutation."""
    rank = len(a.sizes("self"))
    if a.operator == "permute":
        order = [axis % rank for axis in a.integers("dims", count=rank)]
    elif a.operator == "movedim":
        sources, targets = ([axis % rank for axis in a.integers(name)] for name in ("source", "destination"))
        rest = iter([axis for axis in range(rank) if axis not in sources])
        placed = dict(zip(targets, sources, strict=True))
        order = [placed[axis] if axis in placed else next(rest) for axis in range(rank)]
    else:
        order = list(range(rank))
        names = ("axis0", "axis1") if "axis0" in a.call.arguments else ("dim0", "dim1")
        first, second = a.axis(names[0], rank, 0), a.axis(names[1], rank, rank - 1)
        order[first], order[second] = order[second], order[first]
    if len(set(order)) < rank:
        raise Untranslatable("a permutation that repeats an axis")
    return tuple(order)


@translates("permute", "movedim", "transpose", "swapaxes", "t", "numpy_T")
def permute(a: Arguments) -> list[Step]:
    return [PermutationStep(order=order_of(a), inputs=(a.tensor("self"),), outputs=(a.result(),))]


def bounds(a: Arguments) -> tuple[Any, Any, int]:
    """Return the first position of a slice, the one after the last (``None``: the end of the axis), and the step."""
    start, stop, step = a.size("start", None), a.size("end", None), a.integer("step", 1)
    is_open = stop is None or (type(stop) is int and stop >= OPEN)
    return 0 if start is None else start, None if is_open else stop, step


@translates("slice")
def slice_axis(a: Arguments) -> list[Step]:
    sizes = a.sizes("self")
    axis = a.axis("dim", len(sizes), 0)
    n = sizes[axis]
    first, stop, step = bounds(a)
    is_open = stop is None
    last = None if is_open or (type(stop) is int and stop > n) else stop
    if (first, step) == (0, 1) and (last is None or last == n):
        if not is_open and n > 1:  # a number in the file: with another size, it may cut something off
            return [
                PrefixStep(axis=axis, stop=stop, is_beyond=stop > n, inputs=(a.tensor("self"),), outputs=(a.result(),))
            ]
        a.reading.same(a.result_name, a.name("self"))
        return []
    size = n if last is None and not is_open else None
    return [along_axis(axis, make(Slice, range=(first, last), step=step), a.tensor("self"), a.result(), size=size)]


@translates("select")
def select(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")))
    position = a.size("index", None)
    return [PositionStep(axis=axis, position=position, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates("unbind")
def unbind(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")), 0)
    read = a.tensor("self")
    return [
        PositionStep(
            axis=axis, position=position, size=len(a.call.outputs), inputs=(read,), outputs=(a.reading.new(name),)
        )
        for position, name in enumerate(a.call.outputs)
        if name is not None
    ]


def part_names(a: Arguments) -> list[str]:
    """Return the names of all results."""
    names = [name for name in a.call.outputs if name is not None]
    if len(names) < len(a.call.outputs):
        raise Untranslatable("parts without names")
    return names


@translates("chunk", "split", "split_with_sizes", "tensor_split")
def parts(a: Arguments) -> list[Step]:
    sizes = a.sizes("self")
    axis = a.axis("dim", len(sizes), 0)
    names = part_names(a)
    lengths = [a.reading.sizes(name)[axis] for name in names]
    source, start = a.tensor("self"), 0
    steps: list[Step] = []
    if a.operator in ("chunk", "tensor_split") and len(set(lengths)) == 1:  # a number of parts, whatever the size
        for number, name in enumerate(names):
            steps.append(along_axis(axis, make(Split, parts=len(names), part=number), source, a.reading.new(name)))
        return steps
    for name, length in zip(names, lengths, strict=True):
        if not length:
            continue  # a constant without elements
        part = make(Slice, range=(start, start + length))
        steps.append(along_axis(axis, part, source, a.reading.new(name), size=sizes[axis]))
        start += length
    return steps
