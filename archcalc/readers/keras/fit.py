"""Which layers of a file of Keras's weights are those of a network of other origin: by name, else by order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archcalc.arrays.texts import count_text, shape_text
from archcalc.executor.kernel import Array
from archcalc.executor.weights import own_shapes
from archcalc.graph import Graph, Node
from archcalc.readers.keras.elements import AxisFactors, UnknownOrder
from archcalc.readers.keras.hdf5 import array_at, object_at
from archcalc.readers.keras.orders import Order, element_orders, order_of
from archcalc.readers.keras.stored_layers import StoredLayer, open_weights, stored_layers
from archcalc.spec.errors import fail

LISTED = 8
"""The number of layers, of the network and of the file, that are listed as what does not fit."""
MISSHAPEN = (ValueError, IndexError, TypeError)
"""What making an array of an operator of one of another layer raises."""


class FittedArrays(NamedTuple):
    """The arrays of a network from a file of Keras's weights."""

    arrays: dict[str, Array]
    """The arrays by ``layer.array``."""
    by_order: tuple[str, ...]
    """The layers that were found by order and shape."""
    problems: tuple[str, ...]
    """What does not fit, in the network and in the file: a sentence each."""


class _Needed(NamedTuple):
    """A layer of the network, and how Keras stores its arrays."""

    place: int
    node: Node
    shapes: dict[str, tuple[int, ...]]
    order: Order | None

    @property
    def listed(self) -> str:
        """The layer with its arrays, for messages."""
        return f"{self.node.name} ({', '.join(f'{name} {shape_text(each)}' for name, each in self.shapes.items())})"


def fit_keras(graph: Graph, path: Path, name: str, *, training: bool = False) -> FittedArrays:
    """Find the arrays of a network in a file of Keras's weights, with its orders of axes, gates and elements.

    Args:
        graph: the network.
        path: a file of weights, or of an entire model.
        name: its name in messages.
        training: whether the arrays of training heads are needed.

    Raises:
        SpecError: it cannot be read, is damaged, or has no layers.
    """
    needed = [
        _Needed(index, node, shapes, order_of(graph, node))
        for index, node in graph.running(training=training)
        if (shapes := own_shapes(graph, node))
    ]
    with open_weights(path, name) as group:
        layers = stored_layers(group, name)
        if not layers:
            fail("format", "the file has no layers in the form in which Keras stores them", origin=name)
        return _Fitting(graph, group, name).fit(needed, layers)


class _Fitting:
    def __init__(self, graph: Graph, group: Any, name: str) -> None:
        self.graph, self.group, self.name = graph, group, name
        self.elements = AxisFactors(graph)
        self.arrays: dict[str, Array] = {}

    def fit(self, needed: Sequence[_Needed], layers: Sequence[StoredLayer]) -> FittedArrays:
        """Take the layers with equal names, then the others in their order, if all of these fit."""
        by_name = {_joined(layer.name): layer for layer in layers if layer.name}
        left: list[_Needed] = []
        problems: list[str] = []
        for each, names in zip(needed, _names(needed), strict=True):
            name = next((name for name in names if name in by_name), None)
            if name is None:
                left.append(each)
            elif reason := self.take(each, by_name.pop(name)):
                problems.append(reason)
        unnamed = [layer for layer in layers if not layer.name or _joined(layer.name) in by_name]
        unfit = self.in_order(left, unnamed)
        unordered = _some([*self.elements.problems()], "with elements in another order")
        return FittedArrays(self.arrays, tuple([each.node.name for each in left]), (*problems, *unfit, *unordered))

    def in_order(self, needed: Sequence[_Needed], layers: Sequence[StoredLayer]) -> list[str]:
        """Take layers in the order of the network, or of each class in files that sort the layers by class.

        Returns:
            What does not fit.
        """
        waiting = [*layers]
        for each in needed:
            kinds = each.order.kinds if each.order else ()
            fitting = (layer for kind in kinds for layer in waiting if layer.is_listed or layer.kind == kind)
            layer = next(fitting, None)
            reason = self.take(each, layer) if layer else f"the file has none for {each.listed}"
            if reason or layer is None:
                return [
                    f"the layers whose names differ cannot be assigned by their order: {reason}",
                    *_some([f"the network has {each.listed}" for each in needed], "of the network"),
                    *_some([f"the file has {self.listed(each)}" for each in layers], "of the file"),
                ]
            waiting.remove(layer)
        return _some([f"{self.listed(layer)} belongs to no layer" for layer in waiting], "of the file")

    def take(self, needed: _Needed, layer: StoredLayer) -> str:
        """Read the arrays of a layer of the network; return a sentence if they do not fit."""
        if needed.order is None:
            return f"{needed.listed}: Keras has no layer with these arrays"
        kept = needed.order.kept
        keys = [*dict.fromkeys((each.part, each.place) for each in kept)]
        stored = {(each.part.lstrip("_"), each.place): each for each in layer.arrays}
        found = dict(zip(keys, layer.arrays, strict=False)) if layer.is_listed else stored
        if len(layer.arrays) != len(keys) or not {*keys} <= {*found}:
            return f"{needed.listed} must have {len(keys)} arrays in the file, which has {self.listed(layer)}"
        read = [array_at(self.group, found[each.part, each.place].path, self.name) for each in kept]
        parts: dict[str, list[Any]] = {}
        try:
            for each, array in zip(kept, read, strict=True):
                parts.setdefault(each.array, []).append(each.transform(array))
            arrays = {array: np.concatenate(several) for array, several in parts.items()}
        except MISSHAPEN:
            return f"{needed.listed} does not have the axes of {self.listed(layer)}"
        for array, shape in needed.shapes.items():
            if arrays[array].shape != shape:
                return f"{needed.listed} does not have the shape of {self.listed(layer)}"
        try:
            orders = element_orders(self.graph, self.elements, needed.place, needed.order)
        except UnknownOrder as reason:
            return f"{needed.node.name}: {reason}"
        rows = {each.array: each.rows for each in kept}
        self.arrays |= {
            f"{needed.node.name}.{array}": orders.applied(each, rows[array]) for array, each in arrays.items()
        }
        return ""

    def listed(self, layer: StoredLayer) -> str:
        """Return a layer of the file with the shapes of its arrays, for messages."""
        shapes = ", ".join(shape_text(object_at(self.group, each.path, self.name).shape) for each in layer.arrays)
        return f"'{layer.name or layer.arrays[0].path.rpartition('/vars/')[0]}' ({shapes})"


def _names(needed: Sequence[_Needed]) -> list[list[str]]:
    """Return the names under which a file may have each layer: its own, and those of the blocks that hold only it."""
    held: dict[str, int] = {}
    paths = [["/".join(each.node.path[:length]) for length in range(len(each.node.path), 0, -1)] for each in needed]
    for path in paths:
        for name in path:
            held[name] = held.get(name, 0) + 1
    return [[_joined(name) for name in path if held[name] == 1] for path in paths]


def _joined(name: str) -> str:
    """Return a name without the separators of its parts, which Keras and specs have different ones of."""
    return name.replace("/", "_")


def _some(sentences: Sequence[str], what: str) -> list[str]:
    """Return the first sentences, and one about the others."""
    more = len(sentences) - LISTED
    return [*sentences[:LISTED], *([f"{count_text(more, 'further layer')} {what}"] if more > 0 else [])]
