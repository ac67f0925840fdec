"""Parts of tensors, and tensors with margins."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.program import CODES
from archcalc.readers.tflite.operation import OperationView
from archcalc.readers.tflite.operators.shape import integers
from archcalc.readers.tflite.registry import converts

END = 2**31 - 1
"""A position behind the end of every axis."""


@converts("PAD", "PADV2", "MIRROR_PAD", follows=True)
def pad(n: OperationView) -> None:
    order = n.order(0)
    margins = n.value(1).tolist()
    widths = [int(margins[axis][side]) for side in (0, 1) for axis in order]
    inputs = [n.read(0, order), n.constant(widths)]
    mode = "constant"
    if n.name == "PADV2":
        inputs.append(n.read(2))
    elif n.name == "MIRROR_PAD":
        if n.option("Mode"):
            raise Untranslatable("a margin that repeats the outermost positions")
        mode = "reflect"
    n.result(n.add("Pad", *inputs, mode=mode), order)


@converts("SLICE", follows=True)
def cut(n: OperationView) -> None:
    order = n.order(0)
    if not (n.graph.is_constant(n.index(1)) and n.graph.is_constant(n.index(2))):
        starts, counts = integers(n, 1), integers(n, 2)
        to_end = n.add("Equal", counts, n.constant([-1]))
        ends = n.add("Where", to_end, n.constant([END]), n.add("Add", starts, counts))
        n.result(n.add("Slice", n.read(0), starts, ends, n.constant(range(n.rank(0)))))
        return
    starts_at, counts_of, sizes = n.integers(1), n.integers(2), n.sizes(0)
    ends_at = [END if count == -1 else start + count for start, count in zip(starts_at, counts_of, strict=True)]
    changed = [
        axis
        for axis, size in enumerate(sizes)
        if starts_at[axis] or not (ends_at[axis] == END or ends_at[axis] == size)
    ]
    n.result(
        _sliced(
            n,
            n.read(0, order),
            [order.index(axis) for axis in changed],
            *([each[axis] for axis in changed] for each in (starts_at, ends_at)),
        ),
        order,
    )


def _sliced(
    n: OperationView, read: str, axes: list[int], starts: list[int], ends: list[int], steps: list[int] | None = None
) -> str:
    """Return the positions of axes from starts to ends."""
    if not axes:
        return n.add("Identity", read)
    given = [n.constant(each) for each in (starts, ends, axes, steps or [1] * len(axes))]
    return n.add("Slice", read, *given)


@converts("STRIDED_SLICE", follows=True)
def strided(n: OperationView) -> None:
    """Convert slices with masks: of ends that are left out, an ellipsis, new axes, and axes of one position."""
    starts, ends, steps = n.integers(1), n.integers(2), n.integers(3)
    masks = [n.option(f"{each}Mask") for each in ("Begin", "End", "Ellipsis", "NewAxis", "ShrinkAxis")]
    open_start, open_end, ellipsis, new, single = (
        [bool(mask >> at & 1) for at in range(len(starts))] for mask in masks
    )
    order, rank = n.order(0), n.rank(0)
    if any(new):
        order = tuple(range(rank))
    spare = rank - sum(not (ellipsis[at] or new[at]) for at in range(len(starts)))
    axes: list[int] = []
    found: list[tuple[int, int, int]] = []
    removed, added = set(), []
    axis = made = 0
    for at, (start, end, step) in enumerate(zip(starts, ends, steps, strict=True)):
        if ellipsis[at]:
            axis, made = axis + spare, made + spare
            continue
        if new[at]:
            added.append(made)
            made += 1
            continue
        if single[at]:
            removed.add(axis)
            axes.append(axis)
            found.append((start, END if start == -1 else start + 1, 1))
        else:
            first, last = (0, END) if step > 0 else (END, -END)
            whole = (first if open_start[at] else start, last if open_end[at] else end, step)
            if whole != (0, END, 1):
                axes.append(axis)
                found.append(whole)
            made += 1
        axis += 1
    parts = [[each[part] for each in found] for part in range(3)]
    result = _sliced(n, n.read(0, order), [order.index(each) for each in axes], *parts)
    if removed:
        result = n.add("Squeeze", result, n.constant(sorted(order.index(each) for each in removed)))
    if added:
        n.result(n.add("Unsqueeze", result, n.constant(added)))
        return
    left = [each for each in order if each not in removed]
    n.result(result, tuple([sorted(left).index(each) for each in left]))


@converts("GATHER")
def gather(n: OperationView) -> None:
    if n.option("BatchDims"):
        raise Untranslatable("positions that differ between examples")
    n.result(n.add("Gather", n.read(0), n.read(1), axis=n.axis(n.option("Axis"), n.rank(0))))


@converts("GATHER_ND")
def gather_nd(n: OperationView) -> None:
    n.result(n.add("GatherND", n.read(0), integers(n, 1)))


@converts("REVERSE_V2", follows=True)
def reverse(n: OperationView) -> None:
    order = n.order(0)
    axes = [order.index(n.axis(each, n.rank(0))) for each in n.integers(1)]
    count = len(axes)
    n.result(_sliced(n, n.read(0, order), axes, [END] * count, [-END] * count, [-1] * count), order)


@converts("TOPK_V2")
def largest(n: OperationView) -> None:
    values, positions = n.several("TopK", [n.read(0), n.constant(n.integers(1))], 2)
    n.result(values)
    n.result(n.add("Cast", positions, to=CODES["int32"]), output=1)


@converts("DYNAMIC_UPDATE_SLICE")
def updated(n: OperationView) -> None:
    """Convert a tensor in which some positions of one axis are replaced, at a place that is a number of the network."""
    whole, part = n.sizes(0), n.sizes(1)
    changed = [axis for axis, (size, own) in enumerate(zip(whole, part, strict=True)) if size != own]
    if len(changed) != 1:
        raise Untranslatable("a part of several axes that is replaced")
    (axis,) = changed
    at = n.constant([axis])
    start = n.add("Gather", integers(n, 2), at)
    end = n.add("Add", start, n.constant([part[axis]]))
    before = n.add("Slice", n.read(0), n.constant([0]), start, at)
    after = n.add("Slice", n.read(0), end, n.constant([END]), at)
    n.result(n.add("Concat", before, n.read(1), after, axis=axis))
