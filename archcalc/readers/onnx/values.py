"""The nodes that compute sizes, axes and indices, evaluated while the file is read.

Values are arrays of NumPy; those that depend on the sizes of tensors are arrays of objects, with a `ComputedSize` for
each number that does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np

from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import NUMPY_FORMATS, concrete, convert_numbers
from archcalc.readers.onnx.program import DTYPES
from archcalc.readers.onnx.sizes import ComputedSize, file_value, holds, plain
from archcalc.readers.onnx.tensors import MAX_VALUES

Array: TypeAlias = np.ndarray[Any, Any]
Function: TypeAlias = Callable[[NodeView, list[Any]], Any]


def fixed(n: NodeView, v: list[Any]) -> list[Array]:
    """Return the inputs of a node with the values that they have for the file's sizes, which become conditions."""
    for each in v:
        if each.dtype == object:
            for value in each.flat:
                file_value(value)
    return [concrete(each, n.dtype(index)) for index, each in enumerate(v)]


def result_format(n: NodeView) -> str:
    """Return the number format of what a node computes from sizes."""
    if n.operator == "Cast":
        return DTYPES[n.attribute("to")]
    return n.dtype(1 if n.operator == "Where" else 0)


def objects(value: Any) -> Array:
    """Return an array as one of plain Python numbers, where it is not already one of objects."""
    if value.dtype == object:
        return np.asarray(value)
    made = np.empty(value.shape, object)
    for index, each in np.ndenumerate(value):
        made[index] = each.item()
    return made


def _cast(n: NodeView, v: list[Any]) -> Any:
    kind = DTYPES.get(n.attribute("to", 1), "")
    if v[0].dtype != object:
        if kind not in NUMPY_FORMATS:
            raise NotEvaluated  # the node says how it is rounded
        return v[0].astype(NUMPY_FORMATS[kind])
    if kind.startswith(("int", "uint")):
        return np.vectorize(_truncated, otypes=[object])(v[0]) if v[0].size else v[0]
    if kind == "bool":
        return np.array([holds("!=", each, 0) for each in v[0].flat], bool).reshape(v[0].shape)
    return v[0]


def _truncated(value: Any) -> Any:
    return value.floor() if isinstance(value, ComputedSize) else int(value)


def _slice(n: NodeView, v: list[Any]) -> Any:
    if n.version < 10:
        starts, ends = n.attribute("starts"), n.attribute("ends")
        axes, steps = n.attribute("axes", list(range(len(starts)))), [1] * len(starts)
    else:
        starts, ends = list(v[1]), list(v[2])
        axes = list(v[3]) if len(v) > 3 and v[3] is not None else list(range(len(starts)))
        steps = list(v[4]) if len(v) > 4 and v[4] is not None else [1] * len(starts)
    index: list[Any] = [slice(None)] * v[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        first, last, by = int(plain(start)), int(plain(end)), int(plain(step))
        index[int(axis)] = slice(first, None if by < 0 and last < -(2**31) + 2 else last, by)
    return v[0][tuple(index)]


def _axes(n: NodeView, v: list[Any]) -> list[int] | None:
    found: list[int] | None = n.attribute("axes", None)
    if found is None and len(v) > 1 and v[1] is not None:
        found = [int(plain(each)) for each in v[1].flat]
    return found


def _unsqueeze(n: NodeView, v: list[Any]) -> Any:
    axes = _axes(n, v) or []
    rank = v[0].ndim + len(axes)
    value = v[0]
    for axis in sorted(axis % rank for axis in axes):
        value = np.expand_dims(value, axis)
    return value


def _squeeze(n: NodeView, v: list[Any]) -> Any:
    axes = _axes(n, v)
    return np.squeeze(v[0], None if axes is None else tuple(axes))


def _reshape(n: NodeView, v: list[Any]) -> Any:
    target = [int(plain(each)) for each in (v[1].flat if len(v) > 1 else n.attribute("shape"))]
    if not n.attribute("allowzero", 0):
        target = [v[0].shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    return v[0].reshape(target)


def _filled(n: NodeView, v: list[Any]) -> Any:
    given = n.tensor_attribute("value")
    fill = np.zeros(1, np.float32) if given is None else given
    sizes = [int(plain(each)) for each in v[0].flat]
    _limit(prod(sizes))
    return np.full(sizes, fill.flat[0], fill.dtype)


def _limit(count: int) -> None:
    """Evaluate nothing of more numbers than are kept, before memory is taken for them."""
    if count > MAX_VALUES:
        raise NotEvaluated


def _tiled(n: NodeView, v: list[Any]) -> Any:
    repeats = [int(each) for each in concrete(v[1], "int64").flat]
    _limit(v[0].size * prod(repeats))
    return np.tile(v[0], repeats)


def _range(n: NodeView, v: list[Any]) -> Any:
    start, stop, step = (each.flat[0] for each in v)
    if any(isinstance(each, ComputedSize) for each in (start, stop, step)):
        raise NotEvaluated  # its length depends on sizes
    if step:
        _limit(int((stop - start) / step))
    return np.arange(start, stop, step).astype(v[0].dtype if v[0].dtype != object else np.int64)


class NotEvaluated(Exception):
    """A node that must be a part of the network, or that cannot be evaluated before a run."""


def _divided(n: NodeView, v: list[Any]) -> Any:
    integers = all(n.dtype(index).startswith(("int", "uint")) for index in (0, 1))
    if not integers:
        return np.true_divide(*_numbers(v))
    if any(each.dtype == object for each in v):
        return np.floor_divide(*_numbers(v))
    return np.trunc(np.true_divide(*v)).astype(v[0].dtype)


def _numbers(v: list[Any]) -> list[Any]:
    """Return arrays, all as objects if one is."""
    return [objects(each) for each in v] if any(each.dtype == object for each in v) else v


def _binary(function: Callable[..., Any]) -> Function:
    return lambda n, v: function(*_numbers(v))


def _comparison(function: Callable[..., Any], relation: str) -> Function:
    compare = np.frompyfunc(lambda one, other: holds(relation, one, other), 2, 1)

    def evaluate(n: NodeView, v: list[Any]) -> Any:
        of_sizes = any(each.dtype == object for each in v)
        return np.asarray(compare(*map(objects, v)) if of_sizes else function(*v), bool)

    return evaluate


def _logical(function: Callable[..., Any]) -> Function:
    return lambda n, v: np.asarray(function(*v), bool)


def _absolute(n: NodeView, v: list[Any]) -> Any:
    if v[0].dtype != object:
        return abs(v[0])
    return np.frompyfunc(lambda each: each if holds(">=", each, 0) else -each, 1, 1)(v[0])


def _powers(n: NodeView, v: list[Any]) -> Any:
    base, exponent = v
    if base.dtype == object and exponent.size == 1 and exponent.flat[0] == 2:
        return base * base
    return convert_numbers(np.power(*fixed(n, v)), n.dtype(0))


def _extreme(larger: bool) -> Function:
    def choose(a: Any, b: Any) -> Any:
        if isinstance(a, ComputedSize) or isinstance(b, ComputedSize):
            size, other = (a, b) if isinstance(a, ComputedSize) else (b, a)
            return size.most(other) if larger else size.least(other)
        return max(a, b) if larger else min(a, b)

    def evaluate(n: NodeView, v: list[Any]) -> Any:
        if all(each.dtype != object for each in v):
            return reduce(np.maximum if larger else np.minimum, v)
        return reduce(np.frompyfunc(choose, 2, 1), map(objects, v))

    return evaluate


def _where(n: NodeView, v: list[Any]) -> Any:
    chosen = _numbers(v[1:])
    return np.where(concrete(v[0], "bool"), *chosen)


def _concat(n: NodeView, v: list[Any]) -> Any:
    return np.concatenate(_numbers(v), n.attribute("axis", 1))


def _reduced(function: Any) -> Function:
    def evaluate(n: NodeView, v: list[Any]) -> Any:
        axes = _axes(n, v)
        if not axes and n.attribute("noop_with_empty_axes", 0):
            return v[0]
        keep = bool(n.attribute("keepdims", 1))
        gone = {axis % v[0].ndim for axis in axes or range(v[0].ndim)}
        _limit(prod([size for axis, size in enumerate(v[0].shape) if axis not in gone]))  # v may have no elements
        return np.asarray(function.reduce(v[0], axis=tuple(axes) if axes else None, keepdims=keep))

    return evaluate


def _gather(n: NodeView, v: list[Any]) -> Any:
    return np.take(v[0], concrete(v[1], "int64").astype(np.int64), axis=n.attribute("axis", 0))


def _expand(n: NodeView, v: list[Any]) -> Any:
    target = tuple(int(plain(each)) for each in v[1].flat)
    return np.broadcast_to(v[0], np.broadcast_shapes(v[0].shape, target))


def _split(n: NodeView, v: list[Any]) -> Any:
    axis = n.attribute("axis", 0)
    lengths = n.attribute("split", None)
    if lengths is None and len(v) > 1 and v[1] is not None:
        lengths = [int(plain(each)) for each in v[1].flat]
    if lengths is None:
        size, count = v[0].shape[axis], len(n.outputs)
        each = -(-size // count)
        lengths = [min(each, size - at * each) for at in range(count)]
    return np.split(v[0], np.cumsum(lengths)[:-1], axis)


def _scattered(n: NodeView, v: list[Any]) -> Any:
    made, indices = np.array(v[0]), concrete(v[1], "int64").astype(np.int64)
    if n.attribute("reduction", "none") != "none" or any(each.dtype == object for each in v):
        raise NotEvaluated
    made[tuple(np.moveaxis(indices, -1, 0))] = v[2]
    return made


def _rounded(function: Any) -> Function:
    return lambda n, v: function(v[0])


def _nonzero(n: NodeView, v: list[Any]) -> Any:
    return np.array(np.nonzero(fixed(n, v)[0]), np.int64)


def _flattened(n: NodeView, v: list[Any]) -> Any:
    axis = n.attribute("axis", 1)
    return v[0].reshape(prod(v[0].shape[:axis]), prod(v[0].shape[axis:]))


def _shape(n: NodeView, v: list[Any]) -> Any:
    return np.array(v[0].shape[n.attribute("start", 0) : n.attribute("end", None)], np.int64)


FUNCTIONS: dict[str, Function] = {
    "Identity": lambda n, v: v[0],
    "Cast": _cast,
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Flatten": _flattened,
    "Transpose": lambda n, v: np.transpose(v[0], n.attribute("perm", None)),
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "ConstantOfShape": _filled,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tiled,
    "Where": _where,
    "ScatterND": _scattered,
    "NonZero": _nonzero,
    "Shape": _shape,
    "Size": lambda n, v: np.array(v[0].size, np.int64),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _divided,
    "Mod": _binary(np.mod),
    "Neg": lambda n, v: -v[0],
    "Abs": _absolute,
    "Max": _extreme(larger=True),
    "Min": _extreme(larger=False),
    "Relu": lambda n, v: _extreme(larger=True)(n, [v[0], np.zeros((), v[0].dtype)]),
    "Pow": _powers,
    "Sqrt": lambda n, v: np.sqrt(fixed(n, v)[0]),
    "Reciprocal": lambda n, v: 1 / v[0],
    "Floor": _rounded(np.floor),
    "Ceil": _rounded(np.ceil),
    "Round": lambda n, v: np.round(fixed(n, v)[0]),
    "Equal": _comparison(np.equal, "=="),
    "Less": _comparison(np.less, "<"),
    "LessOrEqual": _comparison(np.less_equal, "<="),
    "Greater": _comparison(np.greater, ">"),
    "GreaterOrEqual": _comparison(np.greater_equal, ">="),
    "And": _logical(np.logical_and),
    "Or": _logical(np.logical_or),
    "Xor": _logical(np.logical_xor),
    "Not": _logical(np.logical_not),
    "ReduceProd": _reduced(np.multiply),
    "ReduceSum": _reduced(np.add),
    "ReduceMax": _reduced(np.maximum),
    "ReduceMin": _reduced(np.minimum),
}
"""How the values of nodes are computed, by their operators."""
