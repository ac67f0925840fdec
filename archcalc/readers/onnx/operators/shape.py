"""Nodes that rearrange or select elements."""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import ComputedSize, argument, file_value, plain

MAX_SELECTED = 64
"""The number of positions that are taken one by one."""


def view(n: NodeView, target: list[Any]) -> None:
    n.call("aten.view.default", self=n.tensor(0), size=target)


def own_size(n: NodeView, axis: int) -> Any:
    """Return the size of an axis of the first input as an argument."""
    return argument(n.tensors.size_of(n.name(0), axis))


@converts("Reshape")
def reshape(n: NodeView) -> None:
    target = list(n.needed_value(1).flat) if n.has(1) else n.attribute("shape")
    zero = not n.attribute("allowzero", 0)
    view(n, [own_size(n, axis) if zero and plain(size) == 0 else argument(size) for axis, size in enumerate(target)])


@converts("Flatten")
def flatten(n: NodeView) -> None:
    rank = len(n.sizes(0))
    axis = n.attribute("axis", 1)
    axis = axis + rank if axis < 0 else axis
    if axis == 1:
        n.call("aten.flatten.using_ints", self=n.tensor(0), start_dim=1) if rank > 1 else view(n, [-1, 1])
        return
    before: Any = 1
    for at in range(axis):
        before = n.tensors.size_of(n.name(0), at) * before
    view(n, [argument(before), -1])


def given_axes(n: NodeView) -> list[int] | None:
    """Return axes that are an attribute or an input; ``None`` if they are missing."""
    found: list[int] | None = n.attribute("axes", None)
    if found is None and n.has(1):
        found = [int(plain(each)) for each in n.needed_value(1).flat]
    return found


@converts("Squeeze")
def squeeze(n: NodeView) -> None:
    sizes = n.sizes(0)
    axes = given_axes(n)
    if axes is None:
        axes = [axis for axis, size in enumerate(sizes) if size == 1]
    n.call("aten.squeeze.dims", self=n.tensor(0), dim=[axis % len(sizes) for axis in axes])


@converts("Unsqueeze")
def unsqueeze(n: NodeView) -> None:
    rank = len(n.result_sizes())
    new = {axis % rank for axis in given_axes(n) or []}
    own = iter(range(rank))
    view(n, [1 if axis in new else own_size(n, next(own)) for axis in range(rank)])


@converts("Transpose")
def transpose(n: NodeView) -> None:
    rank = len(n.sizes(0))
    order = n.attribute("perm", None) or list(range(rank))[::-1]
    moved = [axis for axis, source in enumerate(order) if axis != source]
    if len(moved) == 2:
        n.call("aten.transpose.int", self=n.tensor(0), dim0=moved[0], dim1=moved[1])
    else:
        n.call("aten.permute.default", self=n.tensor(0), dims=order)


@converts("Concat")
def concat(n: NodeView) -> None:
    n.call("aten.cat.default", tensors=[n.tensor(at) for at in range(len(n.inputs))], dim=n.attribute("axis", 1))


@converts("Split")
def split(n: NodeView) -> None:
    rank = len(n.sizes(0))
    axis = n.axis("axis", 0, rank)
    lengths = [n.result_sizes(at)[axis] for at in range(len(n.outputs))]
    equal = len(set(lengths)) == 1 and not n.has(1) and not n.has_attribute("split")
    target = "aten.chunk.default" if equal else "aten.split_with_sizes.default"
    n.call(target, self=n.tensor(0), dim=axis)


@converts("Slice")
def cut(n: NodeView) -> None:
    import numpy as np

    sizes = list(n.sizes(0))
    if n.version < 10:
        starts, ends = n.attribute("starts"), n.attribute("ends")
        axes, steps = n.attribute("axes", None), None
    else:
        starts, ends = list(n.needed_value(1).flat), list(n.needed_value(2).flat)
        axes = list(n.needed_value(3).flat) if n.has(3) else None
        steps = list(n.needed_value(4).flat) if n.has(4) else None
    axes = range(len(starts)) if axes is None else [int(axis) % len(sizes) for axis in axes]
    steps = [1] * len(starts) if steps is None else [int(step) for step in steps]
    read, result = n.tensor(0), n.result_sizes()
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            if isinstance(start, ComputedSize) or isinstance(end, ComputedSize):
                raise Untranslatable("a slice from the end to the start, of an open size")
            places = range(sizes[axis])[slice(int(start), None if int(end) < -sizes[axis] else int(end), step)]
            if len(places) > MAX_SELECTED:
                file_value(n.tensors.size_of(read.name, axis))
                sizes[axis] = result[axis]
                index = TensorName(f"{n.outputs_name}=places{axis}")
                n.tensors.set_value(index.name, np.array(places))
                read = n.compute("aten.index_select.default", tuple(sizes), self=read, dim=axis, index=index)
                continue
            cut_out = (*sizes[:axis], 1, *sizes[axis + 1 :])
            ones = [
                n.compute("aten.slice.Tensor", cut_out, self=read, dim=axis, start=place, end=place + 1)
                for place in places
            ]
            sizes[axis] = result[axis]
            read = n.compute("aten.cat.default", tuple(sizes), tensors=ones, dim=axis) if len(ones) > 1 else ones[0]
            continue
        whole = plain(start) in (0, -sizes[axis]) and step == 1 and result[axis] == sizes[axis]
        is_open = not isinstance(end, ComputedSize) and int(end) >= 2**31 - 1
        if whole and (is_open or isinstance(end, ComputedSize)):
            continue
        sizes[axis] = result[axis]
        first = argument(start)
        if type(first) is int and first < 0:
            first = (
                argument(n.tensors.size_of(read.name, axis) + first) if -first < n.tensors.sizes(read.name)[axis] else 0
            )
        # A slice ends with the axis.
        if isinstance(end, ComputedSize) and plain(end) > n.tensors.sizes(read.name)[axis]:
            end = end.least(n.tensors.size_of(read.name, axis))
        last = None if is_open else argument(end)
        if type(last) is int and last < 0:
            last = argument(n.tensors.size_of(read.name, axis) + last)
        read = n.compute("aten.slice.Tensor", tuple(sizes), self=read, dim=axis, start=first, end=last, step=step)
    n.tensors.alias(n.outputs[0], read.name)


@converts("Expand")
def expand(n: NodeView) -> None:
    before, after = n.sizes(0), n.result_sizes()
    target = list(n.needed_value(1).flat)
    target = [1] * (len(after) - len(target)) + target
    own = len(after) - len(before)
    sizes = [
        -1 if axis >= own and before[axis - own] == made else argument(size)
        for axis, (size, made) in enumerate(zip(target, after, strict=True))
    ]
    n.call("aten.expand.default", self=n.tensor(0), size=sizes)


@converts("Tile")
def tile(n: NodeView) -> None:
    n.call("aten.repeat.default", self=n.tensor(0), repeats=[argument(each) for each in n.needed_value(1).flat])


@converts("DepthToSpace", "SpaceToDepth")
def blocks(n: NodeView) -> None:
    """Convert the exchange of blocks of positions and groups of channels."""
    _, channels, height, width = n.sizes(0)
    block = n.attribute("blocksize")
    size = [own_size(n, axis) for axis in range(4)]
    if n.operator == "SpaceToDepth":
        rows, columns = (n.tensors.size_of(n.name(0), axis) // block for axis in (2, 3))
        split = [size[0], channels, argument(rows), block, argument(columns), block]
        order = [0, 3, 5, 1, 2, 4] if n.attribute("mode", "DCR") == "DCR" else [0, 1, 3, 5, 2, 4]
        target = [size[0], channels * block**2, argument(rows), argument(columns)]
        sizes: tuple[int, ...] = (n.sizes(0)[0], channels, height // block, block, width // block, block)
    else:
        depth = channels // block**2
        by_column = n.attribute("mode", "DCR") == "CRD"
        split = [size[0], *((depth, block, block) if by_column else (block, block, depth)), *size[2:]]
        order = [0, 1, 4, 2, 5, 3] if by_column else [0, 3, 4, 1, 5, 2]
        made = [argument(n.tensors.size_of(n.name(0), axis) * block) for axis in (2, 3)]
        target = [size[0], depth, *made]
        sizes = (n.sizes(0)[0], *split[1:4], height, width)
    parts = n.compute("aten.view.default", sizes, self=n.tensor(0), size=split)
    moved = n.compute("aten.permute.default", tuple([sizes[axis] for axis in order]), self=parts, dims=order)
    n.call("aten.view.default", self=moved, size=target)
