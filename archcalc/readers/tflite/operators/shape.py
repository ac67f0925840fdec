"""The same elements in another shape, and shapes as numbers."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.program import CODES
from archcalc.readers.tflite.operation import OperationView, Order, channels_first, in_file
from archcalc.readers.tflite.registry import converts


@converts("RESHAPE", follows=True)
def reshape(n: OperationView) -> None:
    """Convert a reshape; one that only adds or removes axes of size 1 keeps the channels first."""
    before, after = n.sizes(0), n.result_tensor().sizes
    first = channels_first(len(before))
    is_first = n.order(0) == first != in_file(len(before))
    if is_first and len(after) > 1 and _same_but_ones(before, after):
        order = channels_first(len(after))
        target = [0, *(after[axis] for axis in order[1:])]
        if target.count(-1) <= 1:
            n.result(n.add("Reshape", n.read(0, first), n.constant(target)), order)
            return
    if is_first and len(after) == 2 and min(before[1:]) > 0 and _is_batch(n, before, after):
        n.graph.flatten(n.index(0), n.operator.outputs[0])
        return
    if n.graph.turned and len(after) > 2 and set(after[1:-1]) == {1} and after[-1] > 0:  # maps of one position
        n.result(n.add("Reshape", n.read(0), n.constant([-1, after[-1], *after[1:-1]])), channels_first(len(after)))
        return
    n.result(n.add("Reshape", n.read(0), _target(n)))


def _target(n: OperationView) -> str:
    """Return the shape that a reshape makes."""
    if not n.has(1):
        return n.constant([*n.option("NewShape", ())])
    if not n.graph.is_constant(n.index(1)):
        return n.add("Cast", n.read(1), to=CODES["int64"])
    target = n.integers(1)
    after = n.result_tensor().sizes
    if len(target) == len(after) and after[:1] == (-1,) and -1 not in target:
        target[0] = -1  # the number of examples
    return n.constant(target)


def _same_but_ones(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Return whether two shapes have the same batch, channels, and other axes but those of size 1."""
    if before[0] != after[0] or before[-1] != after[-1]:
        return False
    return [each for each in before[1:-1] if each != 1] == [each for each in after[1:-1] if each != 1]


def _is_batch(n: OperationView, before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Return whether the first axis remains, and all others become one."""
    count = 1
    for size in before[1:]:
        count *= size
    readers = n.graph.readers.get(n.operator.outputs[0], [])
    sums = [n.graph.subgraph.tensors[each.inputs[1]].sizes for each in readers if each.name == "FULLY_CONNECTED"]
    known = after[1] if after[1] >= 0 else next((sizes[1] for sizes in sums if len(sizes) == 2), -1)
    return before[0] == after[0] and known == count


@converts("SQUEEZE", follows=True)
def squeeze(n: OperationView) -> None:
    order, rank = n.order(0), n.rank(0)
    axes = {n.axis(each, rank) for each in n.option("SqueezeDims", ())}
    axes = axes or {axis for axis, size in enumerate(n.sizes(0)) if size == 1}
    made = n.add("Squeeze", n.read(0, order), n.constant(sorted(order.index(axis) for axis in axes)))
    left = [axis for axis in order if axis not in axes]
    n.result(made, tuple([sorted(left).index(axis) for axis in left]))


@converts("EXPAND_DIMS", follows=True)
def expand_dims(n: OperationView) -> None:
    rank = n.rank(0)
    (given,) = n.integers(1)
    axis = n.axis(given, rank + 1)
    order = n.order(0)
    if order != in_file(rank) and axis < rank:  # the channels stay the last axis
        made = n.add("Unsqueeze", n.read(0, order), n.constant([axis + 1 if axis else 0]))
        whole = [each + (each >= axis) for each in order]
        whole.insert(axis + 1 if axis else 0, axis)
        n.result(made, tuple(whole))
        return
    n.result(n.add("Unsqueeze", n.read(0), n.constant([axis])))


@converts("TRANSPOSE")
def transpose(n: OperationView) -> None:
    order = n.integers(1)
    if sorted(order) != [*range(n.rank(0))]:
        raise Untranslatable("an order of other axes")
    n.graph.permute(n.index(0), n.operator.outputs[0], order)


@converts("SHAPE")
def shape(n: OperationView) -> None:
    order = n.order(0)
    sizes = n.add("Shape", n.read(0, order))
    if order != in_file(len(order)):
        sizes = n.add("Gather", sizes, n.constant([order.index(axis) for axis in range(len(order))]))
    n.result(sizes)


@converts("RANK")
def number_of_axes(n: OperationView) -> None:
    n.result(n.constant(n.rank(0)))


@converts("FILL")
def fill(n: OperationView) -> None:
    n.result(n.add("Expand", n.read(1), integers(n, 0)))


@converts("ZEROS_LIKE", follows=True)
def zeros(n: OperationView) -> None:
    order = n.order(0)
    sizes = n.add("Shape", n.read(0, order))
    dtype = n.result_tensor().dtype
    n.result(n.add("Expand", n.constant(0, dtype), sizes), order)


@converts("BROADCAST_TO")
def broadcast(n: OperationView) -> None:
    n.result(n.add("Expand", n.read(0), integers(n, 1)))


@converts("TILE")
def tile(n: OperationView) -> None:
    n.result(n.add("Tile", n.read(0), integers(n, 1)))


@converts("RANGE")
def span(n: OperationView) -> None:
    n.result(n.add("Range", n.read(0), n.read(1), n.read(2)))


def integers(n: OperationView, index: int) -> str:
    """Return an input as integers of 64 bits, as ONNX has sizes and positions."""
    if n.graph.is_constant(n.index(index)):
        return n.constant(n.value(index).tolist())
    return n.add("Cast", n.read(index), to=CODES["int64"])


@converts("CONCATENATION", follows=True)
def concat(n: OperationView) -> None:
    order = n.order()
    axis = order.index(n.axis(n.option("Axis"), len(order)))
    read = [n.read(index, order) for index in range(len(n.operator.inputs))]
    n.computed(n.add("Concat", *read, axis=axis), order, selects=True)


@converts("PACK")
def pack(n: OperationView) -> None:
    axis = n.axis(n.option("Axis"), len(n.result_tensor().sizes))
    read = [n.add("Unsqueeze", n.read(index), n.constant([axis])) for index in range(len(n.operator.inputs))]
    n.result(n.add("Concat", *read, axis=axis))


@converts("UNPACK")
def unpack(n: OperationView) -> None:
    axis = n.axis(n.option("Axis"), n.rank(0))
    parts = [n.read(0)]
    if len(n.operator.outputs) > 1:
        parts = n.several("Split", parts, len(n.operator.outputs), axis=axis, num_outputs=len(n.operator.outputs))
    for output, part in enumerate(parts):
        n.result(n.add("Squeeze", part, n.constant([axis])), output=output)


@converts("SPLIT", follows=True)
def split(n: OperationView) -> None:
    (axis,) = n.integers(0)
    count = len(n.operator.outputs)
    divided(n, 1, axis, count)


@converts("SPLIT_V", follows=True)
def split_at(n: OperationView) -> None:
    (axis,) = n.integers(2)
    sizes = n.integers(1)
    if -1 in sizes:
        whole = n.known_size(0, n.axis(axis, n.rank(0)))
        sizes[sizes.index(-1)] = whole - sum(size for size in sizes if size != -1)
    divided(n, 0, axis, len(sizes), sizes)


def divided(n: OperationView, index: int, axis: int, count: int, sizes: list[int] | None = None) -> None:
    """Add the parts of a tensor along an axis as outputs."""
    order: Order = n.order(index)
    at = order.index(n.axis(axis, len(order)))
    read = [n.read(index, order)]
    if sizes is None:
        parts = n.several("Split", read, count, axis=at, num_outputs=count) if count > 1 else read
    else:
        parts = n.several("Split", [*read, n.constant(sizes)], count, axis=at)
    for output, part in enumerate(parts):
        n.result(part, order, output)
