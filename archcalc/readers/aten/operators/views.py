"""Writes through views: a tensor with one of its views replaced.

Each operator that makes views has a function that writes a view back to its tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from archcalc.ops.structure import Slice
from archcalc.readers.aten.operators.shape import bounds, order_of, part_names
from archcalc.readers.aten.registry import Arguments, Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.joining import ConcatenationStep
from archcalc.readers.steps import PermutationStep, ReshapeLikeStep, ReshapeStep, Step, along_axis, make, sizes_of_axes

Replaced: TypeAlias = tuple[list[Step], int]
"""Steps, and the number of the tensor that they make."""

Replacement: TypeAlias = Callable[[Arguments, str, int, int], Replaced]


def with_view_replaced(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    """Return the steps that make a tensor in which one of its views is replaced.

    Args:
        a: the arguments of the call that makes the view.
        name: the name of the view.
        whole: the number of the tensor as it is.
        part: the number of the tensor that replaces the view.
    """
    function = REPLACEMENTS.get(a.operator)
    if function is None:
        raise Untranslatable(f"a write through aten.{a.operator}")
    return function(a, name, whole, part)


def reshaped(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    made = a.reading.intermediate(a.sizes("self"))
    return [ReshapeLikeStep(inputs=(part, whole), outputs=(made,))], made


def permuted(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    order, made = order_of(a), a.reading.intermediate(a.sizes("self"))
    back = tuple([order.index(axis) for axis in range(len(order))])
    return [PermutationStep(order=back, inputs=(part,), outputs=(made,))], made


def sliced(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    start, stop, step = bounds(a)
    return positions_replaced(a, whole, part, (a.axis("dim", len(a.sizes("self")), 0), start, stop, step))


def selected(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    position = a.integer("index")
    return one_position_replaced(a, whole, part, a.axis("dim", len(a.sizes("self"))), position)


def unbound(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    axis = a.axis("dim", len(a.sizes("self")), 0)
    return one_position_replaced(a, whole, part, axis, a.call.outputs.index(name))


def divided(a: Arguments, name: str, whole: int, part: int) -> Replaced:
    axis, start = a.axis("dim", len(a.sizes("self")), 0), 0
    for each in part_names(a):
        stop = start + a.reading.sizes(each)[axis]
        if each == name:
            break
        start = stop
    return positions_replaced(a, whole, part, (axis, start, stop, 1))


def one_position_replaced(a: Arguments, whole: int, part: int, axis: int, position: int) -> Replaced:
    """Replace one position of an axis by a tensor that does not have the axis."""
    sizes = a.sizes("self")
    position %= sizes[axis]
    with_axis = a.reading.intermediate((*sizes[:axis], 1, *sizes[axis + 1 :]))
    target = (*sizes_of_axes(range(axis)), 1, *sizes_of_axes(range(axis, len(sizes) - 1)))
    steps, made = positions_replaced(a, whole, with_axis, (axis, position, position + 1, 1))
    return [ReshapeStep(target=target, inputs=(part,), outputs=(with_axis,)), *steps], made


def positions_replaced(a: Arguments, whole: int, part: int, where: tuple[int, Any, Any, int]) -> Replaced:
    """Replace the positions start, start + step, … before stop of an axis.

    Args:
        a: the arguments of a call whose argument ``self`` is the whole tensor.
        whole: the number of the whole tensor.
        part: the number of the tensor that replaces these positions.
        where: the axis, start, stop and step; a stop ``None`` is the end of the axis.
    """
    axis, start, stop, step = where
    sizes = a.sizes("self")
    n = sizes[axis]
    if type(start) is not int or type(stop) not in (int, type(None)):
        raise Untranslatable("a write to computed positions")
    if step > 1:
        return interleaved(a, whole, part, axis, start % n, step)
    first, last, _ = slice(start, stop).indices(n)
    if last <= first:
        return [], whole
    steps: list[Step] = []
    pieces = [part]
    if first > 0:
        steps.append(piece(a, whole, axis, (0, start), (*sizes[:axis], first, *sizes[axis + 1 :])))
        pieces.insert(0, steps[-1].outputs[0])
    if last < n:
        steps.append(piece(a, whole, axis, (stop, None), (*sizes[:axis], n - last, *sizes[axis + 1 :])))
        pieces.append(steps[-1].outputs[0])
    if not steps:
        return [], part
    made = a.reading.intermediate(sizes)
    return [*steps, ConcatenationStep(axis=axis, inputs=tuple(pieces), outputs=(made,))], made


def piece(a: Arguments, whole: int, axis: int, reach: tuple[Any, Any], sizes: Sizes, step: int = 1) -> Step:
    """Return the step that takes some positions of an axis."""
    return along_axis(axis, make(Slice, range=reach, step=step), whole, a.reading.intermediate(sizes))


def interleaved(a: Arguments, whole: int, part: int, axis: int, start: int, step: int) -> Replaced:
    """Replace positions of an axis with a step greater than 1."""
    sizes = a.sizes("self")
    n = sizes[axis]
    if start >= step or n % step:
        raise Untranslatable("a write with a step that does not divide the axis")
    before, after = sizes[:axis], sizes[axis + 1 :]
    steps: list[Step] = []
    pieces = []
    target = (*sizes_of_axes(range(axis + 1)), 1, *sizes_of_axes(range(axis + 1, len(sizes))))
    for offset in range(step):
        taken = part
        if offset != start:
            steps.append(piece(a, whole, axis, (offset, None), (*before, n // step, *after), step))
            taken = steps[-1].outputs[0]
        pieces.append(a.reading.intermediate((*before, n // step, 1, *after)))
        steps.append(ReshapeStep(target=target, inputs=(taken,), outputs=(pieces[-1],)))
    side = a.reading.intermediate((*before, n // step, step, *after))
    made = a.reading.intermediate(sizes)
    steps.append(ConcatenationStep(axis=axis + 1, inputs=tuple(pieces), outputs=(side,)))
    return [*steps, ReshapeLikeStep(inputs=(side, whole), outputs=(made,))], made


REPLACEMENTS: dict[str, Replacement] = {
    **dict.fromkeys(
        ("flatten", "reshape", "reshape_as", "squeeze", "unflatten", "unsqueeze", "view", "view_as"), reshaped
    ),
    **dict.fromkeys(("movedim", "numpy_T", "permute", "swapaxes", "t", "transpose"), permuted),
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "tensor_split"), divided),
    "select": selected,
    "slice": sliced,
    "unbind": unbound,
}
"""The functions that write a view back, by the operator that makes it."""
