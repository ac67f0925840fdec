"""Functions of ``keras.ops`` on tensors of the model."""

from __future__ import annotations

from typing import Any

from archcalc.graph import Ref
from archcalc.numeric import known_equal
from archcalc.ops import arithmetic, joins, reduction
from archcalc.ops.base import Operator
from archcalc.ops.product import MatMul
from archcalc.ops.rearrange import Reduce
from archcalc.ops.structure import Identity, Slice, Transpose
from archcalc.readers.keras.flat import CallOutput
from archcalc.readers.keras.layers.joins import aligned
from archcalc.readers.keras.layers.shape import reshape_to
from archcalc.readers.keras.registry import Unconvertible, converts_operation
from archcalc.readers.keras.view import LayerView, checked_axis, exact
from archcalc.readers.steps import make

BINARY: dict[str, Operator] = {
    "Add": joins.Add(),
    "Divide": joins.Div(),
    "Maximum": joins.Max(),
    "Minimum": joins.Min(),
    "Multiply": joins.Mul(),
    "Subtract": joins.Sub(),
    "TrueDivide": joins.Div(),
}

UNARY: dict[str, tuple[Operator, ...]] = {
    "Abs": (arithmetic.Abs(),),
    "Absolute": (arithmetic.Abs(),),
    "Arctan": (arithmetic.Atan(),),
    "Cos": (arithmetic.Cos(),),
    "Erf": (arithmetic.Erf(),),
    "Exp": (arithmetic.Exp(),),
    "Floor": (arithmetic.Floor(),),
    "Log": (arithmetic.Log(),),
    "Negative": (make(arithmetic.Scale, factor=-1),),
    "Sin": (arithmetic.Sin(),),
    "Sqrt": (arithmetic.Sqrt(),),
    "Square": (make(arithmetic.Pow, exponent=2),),
    "Rsqrt": (arithmetic.Sqrt(), make(arithmetic.Pow, exponent=-1)),
    "Reciprocal": (make(arithmetic.Pow, exponent=-1),),
}


@converts_operation(*UNARY)
def unary(n: LayerView) -> Ref:
    return n.apply(n.x, *UNARY[n.call.layer.class_name])


@converts_operation("Cast", "StopGradient", "Copy", "Identity")
def unchanged(n: LayerView) -> Ref:
    return n.add(Identity(), n.x)


@converts_operation(*BINARY, "Power")
def binary(n: LayerView) -> Ref:
    """Convert a function of two tensors, or of a tensor and a number."""
    name = n.call.layer.class_name
    one, other = operands(n)
    if isinstance(one, CallOutput) and isinstance(other, CallOutput):
        if name == "Power":
            raise Unconvertible("a power whose exponent is a tensor")
        return n.add(BINARY[name], *aligned(n, [n.graph.tensor(one), n.graph.tensor(other)]))
    if isinstance(one, CallOutput):
        return n.apply(n.graph.tensor(one), *with_number(name, exact(other, "a number")))
    if not isinstance(other, CallOutput):
        raise Unconvertible("it reads no tensor")
    number, x = exact(one, "a number"), n.graph.tensor(other)
    if name in ("Add", "Multiply", "Maximum", "Minimum"):
        return n.apply(x, *with_number(name, number))
    if name == "Subtract":
        return n.apply(x, make(arithmetic.Scale, factor=-1), make(arithmetic.Offset, by=number))
    if name in ("Divide", "TrueDivide"):
        return n.apply(x, make(arithmetic.Pow, exponent=-1), make(arithmetic.Scale, factor=number))
    raise Unconvertible("a power whose exponent is a tensor")


def operands(n: LayerView) -> tuple[Any, Any]:
    """Return both arguments: by place, or by the names ``x1`` and ``x2`` or ``x`` and ``y``."""
    named = [n.call.kwargs[name] for name in ("x1", "x", "x2", "y") if name in n.call.kwargs]
    found = [*n.call.args, *named]
    if len(found) < 2:
        raise Unconvertible("it must have two arguments")
    return found[0], found[1]


def with_number(name: str, number: Any) -> tuple[Operator, ...]:
    """Return the operators of a function of a tensor and a number."""
    if name in ("Divide", "TrueDivide") and not number:
        raise Unconvertible("a division by 0")
    if name in ("Divide", "TrueDivide"):
        return (make(arithmetic.Scale, factor=1 / number),)
    found: dict[str, Operator] = {
        "Add": make(arithmetic.Offset, by=number),
        "Subtract": make(arithmetic.Offset, by=-number),
        "Multiply": make(arithmetic.Scale, factor=number),
        "Maximum": make(arithmetic.Clip, min=number),
        "Minimum": make(arithmetic.Clip, max=number),
        "Power": make(arithmetic.Pow, exponent=number),
    }
    return (found[name],)


@converts_operation("Clip")
def clip(n: LayerView) -> Ref:
    return n.add(make(arithmetic.Clip, min=n.number("x_min"), max=n.number("x_max")), n.x)


@converts_operation("Mean", "Sum")
def reduction_over_axes(n: LayerView) -> Ref:
    kind = reduction.Mean if n.call.layer.class_name == "Mean" else reduction.Sum
    axes, keep, rank = reduced(n)
    if len(axes) == rank and not keep:
        raise Unconvertible("a reduction of all axes to a single number")
    at = tuple([n.at(axis, rank) for axis in axes])
    return in_layout(n, n.add(make(kind, axis=at, keep=keep), n.x), axes, keep=keep, rank=rank)


@converts_operation("Max", "Min", "Prod", "Amax", "Amin")
def extreme_over_axes(n: LayerView) -> Ref:
    how = n.call.layer.class_name.lower().removeprefix("a")
    axes, keep, rank = reduced(n)
    if len(axes) == rank and not keep:
        raise Unconvertible("a reduction of all axes to a single number")
    names = [f"a{axis}" for axis in n.graph.standard(rank)]
    gone = {f"a{axis}" for axis in axes}
    made = ["1" if name in gone else name for name in names if keep or name not in gone]
    op = make(Reduce, pattern=f"{' '.join(names)} = {' '.join(made)}", how=how)
    return in_layout(n, n.add(op, n.x), axes, keep=keep, rank=rank)


def reduced(n: LayerView) -> tuple[tuple[int, ...], bool, int]:
    """Return the axes that are reduced, whether they remain, and the number of axes."""
    rank = n.rank(n.x)
    if n.get("axis", None) is None:
        raise Unconvertible("a reduction that includes the batch")
    return n.axes("axis", rank, []), n.flag("keepdims", False), rank


def in_layout(n: LayerView, made: Ref, axes: tuple[int, ...], *, keep: bool, rank: int) -> Ref:
    """Return what remains of a tensor without some of its axes, with the axes as they are in the graph."""
    if keep:
        return made
    left = [axis for axis in n.graph.standard(rank) if axis not in axes]
    order = [sorted(left).index(axis) + 1 for axis in left]
    return n.restored(made, order)


@converts_operation("Reshape")
def reshape(n: LayerView) -> Ref:
    target = n.get("newshape")
    if not isinstance(target, list) or not all(type(each) is int for each in target[1:]) or not target:
        raise Unconvertible("'newshape' must be integers")
    if target[0] not in (-1, None):
        raise Unconvertible("a reshape that fixes the number of examples")
    made = reshape_to(n, n.x, tuple(target[1:]))
    return n.add(Identity(), made) if made == n.x else made


@converts_operation("Transpose")
def transpose(n: LayerView) -> Ref:
    rank = n.rank(n.x)
    order = n.get("axes")
    if not isinstance(order, list) or order[:1] != [0] or sorted(order) != list(range(rank + 1)):
        raise Unconvertible("'axes' must leave the batch first")
    made = n.from_file(n.arranged(n.x, order[1:]))
    return n.add(Identity(), made) if made == n.x else made


@converts_operation("ExpandDims", "Squeeze")
def with_or_without_ones(n: LayerView) -> Ref:
    shape = list(n.file_shape(n.x))
    if n.call.layer.class_name == "ExpandDims":
        axis = n.integer("axis", at_least=None)
        shape.insert(checked_axis(axis, len(shape) + 1) - 1, 1)
    else:
        axis = n.axis("axis", len(shape))
        if not known_equal(shape[axis - 1], 1):
            raise Unconvertible("an axis of more than one position")
        del shape[axis - 1]
    return n.from_file(n.reshaped(n.in_file(n.x), tuple(shape or [1])))


@converts_operation("Concatenate")
def concatenate(n: LayerView) -> Ref:
    tensors = n.tensors
    rank = n.rank(tensors[0])
    return n.add(make(joins.Concat, axis=n.at(n.axis("axis", rank), rank)), *tensors)


@converts_operation("Matmul")
def matmul(n: LayerView) -> Ref:
    if any(n.call.kwargs.get(name) for name in ("adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse")):
        raise Unconvertible("a product of sparse matrices, or of adjoint ones")
    pair = [value for value in operands(n) if isinstance(value, CallOutput)]
    if len(pair) < 2:
        raise Unconvertible("a product with an array")
    one, other = (n.in_file(n.graph.tensor(each)) for each in pair)
    if min(n.rank(one), n.rank(other)) < 2:
        raise Unconvertible("a product with vectors")
    one, other = (
        with_last_two_exchanged(n, each) if n.flag(name, False) else each
        for each, name in ((one, "transpose_a"), (other, "transpose_b"))
    )
    return n.from_file(n.add(MatMul(), one, other))


def with_last_two_exchanged(n: LayerView, x: Ref) -> Ref:
    """Return matrices transposed."""
    order = [*range(n.rank(x))]
    return n.add(make(Transpose, order=(*order[:-2], order[-1], order[-2])), x)


@converts_operation("GetItem")
def item(n: LayerView) -> Ref:
    """Convert a part of a tensor: slices, and single positions, whose axes are left out."""
    x, rank = n.x, n.rank(n.x)
    keys = n.call.args[1] if len(n.call.args) > 1 else n.call.kwargs.get("key")
    keys = keys if isinstance(keys, list) else [keys]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys = [*keys[:at], *[slice(None)] * (rank + 2 - len(keys)), *keys[at + 1 :]]
    if not keys or keys[0] != slice(None) or len(keys) > rank + 1:
        raise Unconvertible("a part of the batch")
    removed: list[int] = []
    made = x
    for axis, key in enumerate(keys[1:], 1):
        size = n.shape(made)[n.at(axis, rank)]
        if type(key) is int:
            start = key + size if key < 0 else key
            bounds: tuple[Any, Any] = (start, start + 1)
            removed.append(axis)
            step = 1
        elif isinstance(key, slice) and all(each is None or type(each) is int for each in _parts(key)):
            if key == slice(None):
                continue
            step = 1 if key.step is None else key.step
            bounds = _clipped(key, size)
        else:
            raise Unconvertible("an index that is neither a number nor a slice")
        if step < 1:
            raise Unconvertible("a slice with a negative step")
        made = n.add(make(Slice, range=bounds, step=step, axis=n.at(axis, rank)), made)
    if removed:
        shape = [size for axis, size in enumerate(n.file_shape(made), 1) if axis not in removed]
        made = n.from_file(n.reshaped(n.in_file(made), tuple(shape or [1])))
    return n.add(Identity(), made) if made == x else made


def _parts(key: slice) -> tuple[Any, Any, Any]:
    return key.start, key.stop, key.step


def _clipped(key: slice, size: Any) -> tuple[Any, Any]:
    """Return the bounds of a slice; those beyond the axis are its ends, if its size is known."""
    if type(size) is not int:
        return key.start, key.stop
    start, stop, _ = slice(key.start, key.stop).indices(size)
    return start, stop
