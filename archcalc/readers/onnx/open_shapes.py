"""The shapes of stored tensors that depend on the sizes of inputs: positions, anchors, masks of an open size.

The numbers of such a tensor are those for the file's sizes; its shape, and so all that is counted, follows the inputs.
A node without a rule here makes the sizes that it reads conditions of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeAlias

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.sizes import ComputedSize, file_value, holds, plain

Shape: TypeAlias = tuple[Any, ...]
"""Integers, and numbers that follow the sizes of inputs."""

Rule: TypeAlias = Callable[[NodeView, list[Shape]], Shape]
"""Returns the shape of a node's output, given those of its inputs."""

WHOLE = 2**31 - 1
"""The end of a slice from which on it is the end of the axis."""


def is_open(shape: Shape) -> bool:
    """Return whether a shape depends on the sizes of inputs."""
    return any(isinstance(size, ComputedSize) for size in shape)


def note_shape(n: NodeView) -> None:
    """Note the shape of what a node makes of stored tensors, if it depends on the sizes of inputs."""
    tensors = n.tensors
    if n.operator in MEASURING:
        return
    read = [name for name in n.inputs if name]
    is_source = n.operator in SOURCES and any(
        name in tensors.values and tensors.values[name].dtype == object for name in read
    )
    if not is_source and not any(name in tensors.open_shapes for name in read):
        return
    shape = _open_shape(n)
    if shape is not None:
        tensors.open_shapes[n.outputs[0]] = shape
        return
    for name in read:
        tensors.settle(name)


def _open_shape(n: NodeView) -> Shape | None:
    """Return the shape of a node's output if it depends on sizes of inputs; ``None`` if it does not, or is unknown."""
    rule = RULES.get(n.operator)
    if rule is None or len(n.outputs) != 1:
        return None
    try:
        shape = rule(n, [n.tensors.shape(name) if name else () for name in n.inputs])
        return shape if is_open(shape) and tuple(map(plain, shape)) == n.result_sizes() else None
    except (Untranslatable, LookupError, ValueError, TypeError, ArithmeticError, StopIteration):
        return None


def _first(n: NodeView, shapes: list[Shape]) -> Shape:
    return shapes[0]


def _joined(n: NodeView, shapes: list[Shape]) -> Shape:
    """Return the shape of elements that are combined with each other."""
    return reduce(_broadcast, shapes)


def _broadcast(one: Shape, other: Shape) -> Shape:
    rank = max(len(one), len(other))
    padded = [(1,) * (rank - len(each)) + each for each in (one, other)]
    return tuple([_common(a, b) for a, b in zip(*padded, strict=True)])


def _common(a: Any, b: Any) -> Any:
    """Return the size of an axis that two tensors have, one of them perhaps with size 1."""
    if not isinstance(a, ComputedSize):
        a, b = b, a
    if not isinstance(a, ComputedSize):
        return b if a == 1 else a
    if not isinstance(b, ComputedSize) and b == 1:
        return a
    if plain(a) == plain(b):
        holds("==", a, b)
        return b if not isinstance(b, ComputedSize) else a
    return file_value(b) if plain(a) == 1 and holds("==", a, 1) else file_value(a)


def _filled(n: NodeView, shapes: list[Shape]) -> Shape:
    return tuple(n.needed_value(0).flat)


def _counted(n: NodeView, shapes: list[Shape]) -> Shape:
    start, stop, step = (n.needed_value(at).flat[0] for at in range(3))
    length = (stop - start) / step
    return (length.ceil() if isinstance(length, ComputedSize) else n.result_sizes()[0],)


def _expanded(n: NodeView, shapes: list[Shape]) -> Shape:
    return _broadcast(shapes[0], tuple(n.needed_value(1).flat))


def _tiled(n: NodeView, shapes: list[Shape]) -> Shape:
    return tuple([size * times for size, times in zip(shapes[0], n.needed_value(1).flat, strict=True)])


def _reshaped(n: NodeView, shapes: list[Shape]) -> Shape:
    target = list(n.needed_value(1).flat) if n.has(1) else n.attribute("shape")
    if not n.attribute("allowzero", 0):
        target = [shapes[0][axis] if plain(size) == 0 else size for axis, size in enumerate(target)]
    return tuple([_rest(shapes[0], target) if plain(size) == -1 else size for size in target])


def _rest(shape: Shape, target: Sequence[Any]) -> Any:
    """Return the size that a target leaves open as −1."""
    left, others = list(shape), []
    for size in target:
        same = next((at for at, each in enumerate(left) if _is_same(each, size)), None)
        if same is not None:
            del left[same]
        elif plain(size) != -1:
            others.append(size)
    return reduce(lambda a, b: b * a, left, 1) // reduce(lambda a, b: b * a, others, 1)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, ComputedSize) or isinstance(other, ComputedSize):
        return isinstance(one, ComputedSize) and isinstance(other, ComputedSize) and one.name == other.name
    return bool(one == other)


def _flattened(n: NodeView, shapes: list[Shape]) -> Shape:
    axis = n.attribute("axis", 1)
    return tuple([reduce(lambda a, b: b * a, part, 1) for part in (shapes[0][:axis], shapes[0][axis:])])


def _axes(n: NodeView, rank: int) -> set[int] | None:
    given = n.attribute("axes", None)
    if given is None and n.has(1):
        given = n.needed_value(1).flat
    return None if given is None else {int(plain(axis)) % rank for axis in given}


def _unsqueezed(n: NodeView, shapes: list[Shape]) -> Shape:
    rank = len(n.result_sizes())
    new, own = _axes(n, rank) or set(), iter(shapes[0])
    return tuple([1 if axis in new else next(own) for axis in range(rank)])


def _squeezed(n: NodeView, shapes: list[Shape]) -> Shape:
    gone = _axes(n, len(shapes[0]))
    return tuple(
        [
            size
            for axis, size in enumerate(shapes[0])
            if (axis not in gone if gone is not None else file_value(size) != 1)
        ]
    )


def _transposed(n: NodeView, shapes: list[Shape]) -> Shape:
    order = n.attribute("perm", None) or range(len(shapes[0]))[::-1]
    return tuple([shapes[0][axis] for axis in order])


def _concatenated(n: NodeView, shapes: list[Shape]) -> Shape:
    axis = n.axis("axis", 1, len(shapes[0]))
    along = reduce(lambda a, b: a + b, [shape[axis] for shape in shapes])
    common = reduce(_broadcast, [(*shape[:axis], 1, *shape[axis + 1 :]) for shape in shapes])
    return (*common[:axis], along, *common[axis + 1 :])


def _gathered(n: NodeView, shapes: list[Shape]) -> Shape:
    axis = n.axis("axis", 0, len(shapes[0]))
    n.tensors.settle(n.name(0), axis)
    return (*shapes[0][:axis], *shapes[1], *shapes[0][axis + 1 :])


def _cut(n: NodeView, shapes: list[Shape]) -> Shape:
    """Return the shape of a slice; axes of which it takes a part are conditions."""
    if n.version < 10:
        starts, ends, axes, steps = n.attribute("starts"), n.attribute("ends"), n.attribute("axes", None), None
    else:
        starts, ends, axes, steps = (list(n.needed_value(at).flat) if n.has(at) else None for at in range(1, 5))
    rank, made = len(shapes[0]), list(shapes[0])
    for axis, start, end, step in zip(
        range(len(starts)) if axes is None else axes, starts, ends, steps or [1] * len(starts), strict=True
    ):
        at = int(plain(axis)) % rank
        is_whole = plain(start) == 0 and plain(step) == 1 and (plain(end) >= WHOLE or _is_same(end, made[at]))
        if not is_whole:
            n.tensors.settle(n.name(0), at)
            made[at] = n.result_sizes()[at]
    return tuple(made)


MEASURING = ("Shape", "Size")
"""The operators that make numbers which follow the sizes of what they read."""

SOURCES = frozenset(("ConstantOfShape", "Range", "Expand", "Tile", "Reshape"))
"""The operators by which numbers in a tensor decide the shape of the result."""

RULES: dict[str, Rule] = {
    **dict.fromkeys(
        (
            *("Identity", "Cast", "Neg", "Abs", "Not", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Relu", "Exp"),
            *("Log", "Sin", "Cos", "Sigmoid", "Tanh", "Clip", "Trilu", "CumSum", "ScatterND"),
        ),
        _first,
    ),
    **dict.fromkeys(
        (
            *("Add", "Sub", "Mul", "Div", "Mod", "Pow", "Max", "Min", "Where", "And", "Or", "Xor"),
            *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"),
        ),
        _joined,
    ),
    "ConstantOfShape": _filled,
    "Range": _counted,
    "Expand": _expanded,
    "Tile": _tiled,
    "Reshape": _reshaped,
    "Flatten": _flattened,
    "Unsqueeze": _unsqueezed,
    "Squeeze": _squeezed,
    "Transpose": _transposed,
    "Concat": _concatenated,
    "Gather": _gathered,
    "Slice": _cut,
}
"""How the shapes of results follow those of stored tensors, by operator."""
