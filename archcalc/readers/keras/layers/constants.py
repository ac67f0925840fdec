"""Arrays and numbers that the description of a model contains, as arguments of functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.source import Constant
from archcalc.readers.keras.flat_model import CallOutput
from archcalc.readers.keras.registry import Unconvertible
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make


def shape_of(values: Any) -> tuple[int, ...]:
    """Return the shape of an array that is written as nested lists."""
    shape = []
    first = values
    while isinstance(first, list) and first:
        shape.append(len(first))
        first = first[0]
    if not all(map(_is_number, flat(values))) or not _has_shape(values, tuple(shape)):
        raise Unconvertible("an argument that is neither a tensor nor an array of numbers")
    return tuple(shape)


def flat(values: Any) -> Iterator[Any]:
    """Yield the numbers of an array that is written as nested lists."""
    if not isinstance(values, list):
        yield values
        return
    for each in values:
        yield from flat(each)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, bool)


def _has_shape(values: Any, shape: tuple[int, ...]) -> bool:
    if not shape:
        return not isinstance(values, list)
    return isinstance(values, list) and len(values) == shape[0] and all(_has_shape(each, shape[1:]) for each in values)


def constant(n: LayerView, values: Any, shape: tuple[int, ...] | None = None) -> Ref:
    """Return an array as a tensor, which is the same for every example.

    Args:
        n: the call.
        values: its numbers, as nested lists.
        shape: the shape that it is read in, without the batch; by default its own. Both have the axes in the order of
            Keras.
    """
    sizes = shape_of(values) if shape is None else shape
    sizes = sizes or (1,)
    order = [axis - 1 for axis in n.graph.standard(len(sizes))]
    stored = n.graph.keep(n.call, values, lambda array: array.reshape(sizes).transpose(order))
    return n.add(make(Constant, shape=n.graph.as_in_graph(sizes)), stored={"value": stored})


def plain_constant(n: LayerView, values: Any) -> Ref:
    """Return an array as a tensor with the axes in the order of Keras."""
    return n.in_file(constant(n, values))


def without_batch(values: Any, rank: int) -> Any:
    """Return an array that is combined with a tensor, without the axis of the batch if it has one.

    Args:
        values: its numbers.
        rank: the number of axes of the tensor, without the batch.
    """
    shape = shape_of(values)
    if len(shape) <= rank:
        return values
    if len(shape) > rank + 1 or shape[0] != 1:
        raise Unconvertible("an array with numbers of its own for each example")
    return values[0]


def number_in(values: Any, shape: tuple[Any, ...]) -> Any:
    """Return the only number of an array that has the same one everywhere, as a number; ``None`` if it has several.

    Args:
        values: the numbers.
        shape: the shape of a tensor that it is combined with, which must not become larger.
    """
    if not isinstance(values, list):
        return values
    own = shape_of(values)
    fits = all(size in (1, whole) for size, whole in zip(own[::-1], shape[::-1], strict=False))
    numbers = set(flat(values))
    return numbers.pop() if fits and len(numbers) == 1 else None


def in_one_rank(n: LayerView, values: list[Any]) -> list[Ref]:
    """Return tensors, numbers and arrays as tensors with the same number of axes, as Keras broadcasts them.

    Keras aligns them from the last axis on; one with fewer axes than others therefore must not have a batch.
    """
    tensors = [each for each in values if isinstance(each, CallOutput)]
    rank = max(n.rank(n.graph.tensor(each)) for each in tensors)
    recorded = n.graph.plan.recorded
    found = []
    for each in values:
        if isinstance(each, CallOutput):
            ref = n.graph.tensor(each)
            has_batch = recorded.get(each, (None,))[:1] != (1,)
            if n.rank(ref) < rank and has_batch:
                raise Unconvertible("tensors with different numbers of axes, whose batches would not be aligned")
            shape = n.file_shape(ref)
            if len(shape) < rank:
                ref = n.from_file(n.reshaped(n.in_file(ref), (*(1,) * (rank - len(shape)), *shape)))
            found.append(ref)
            continue
        own = without_batch(each, rank)
        shape = shape_of(own)
        found.append(constant(n, own, (*(1,) * (rank - len(shape)), *shape)))
    return found
