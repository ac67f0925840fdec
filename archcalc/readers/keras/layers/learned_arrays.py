"""Stored arrays that are tensors of the graph, where no operator has an array for them."""

from __future__ import annotations

from typing import Any

from archcalc.graph import Ref
from archcalc.ops.base import Shape
from archcalc.ops.source import Learned
from archcalc.readers.keras.view import LayerView, Transform
from archcalc.readers.steps import make


def learned(n: LayerView, index: int, shape: Shape, within: str = "") -> Ref:
    """Return a trained array, which fits tensors of the graph element by element.

    Args:
        n: the call.
        index: the index of the variable.
        shape: the shape that the array has, or is read in, with the axes in the order of Keras.
        within: the part of the layer that has it.
    """
    order = [axis - 1 for axis in n.graph.standard(len(shape))]

    def turned(array: Any) -> Any:
        return array.reshape(shape).transpose(order)

    return learned_as(n, index, n.graph.as_in_graph(shape), turned, within)


def learned_as(n: LayerView, index: int, shape: Shape, transform: Transform | None, within: str = "") -> Ref:
    """Return a trained array in a shape of the graph."""
    return n.add(make(Learned, shape=tuple(shape)), stored={"value": n.variable(index, transform, within)})


def per_channel(n: LayerView, index: int, x: Ref, axis: int) -> Ref:
    """Return a trained array with a number for every position of an axis of a tensor."""
    sizes = n.file_shape(x)
    return learned(n, index, tuple([size if at == axis else 1 for at, size in enumerate(sizes, 1)]))
