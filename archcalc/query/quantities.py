"""Quantities of a network by their names (``macs``, ``conv1.params``), worked out one by one, in any kind of number.

Where a whole analysis would hold every number of every layer, this holds the graph only: for networks whose numbers
are large arrays.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from archcalc.analysis.counts import LayerCounts
from archcalc.analysis.memory import DTYPES, peak_elements
from archcalc.analysis.propagate import SUMS
from archcalc.analysis.receptive import READINGS, Fields, receptive_fields
from archcalc.graph import Graph, Node, Ref, axis_symbols
from archcalc.numeric import NeedsPlain, Number, is_plain

BYTES = ("memory", "peak")
"""Bytes of the parameters, and of the tensors that live at one time (see `archcalc.analysis.memory`)."""

SIZES = ("C", "L", "D", "H", "W")
"""Sizes of a layer's output, by the names of its axes."""

QUANTITIES = ("shape", *SUMS, *READINGS, "layers", *BYTES, *SIZES)


class Quantities:
    """The quantities of one graph.

    Args:
        graph: its sizes may be of any kind of number.
        training: whether auxiliary heads count in the totals.
        dtype: the number format of what is counted in bytes.
    """

    def __init__(self, graph: Graph, *, training: bool = False, dtype: str = "float32") -> None:
        self.graph = graph
        self.training = training
        self.width = DTYPES[dtype]

    def of(self, place: str, quantity: str) -> Any:
        """A quantity of a layer, a stage or a block in one; of the whole network where ``place`` is empty.

        Returns:
            A number; for ``shape`` a tuple of them; for receptive fields one per axis, or one for all where they are
            alike, ``"global"`` among them.

        Raises:
            LookupError: there is no such place, or no such quantity of it; the argument says why.
        """
        if quantity == "shape":
            return self.graph.shape(self.tensor(place))
        if quantity in SIZES:
            return self.size(place, quantity)
        if quantity in READINGS:
            return self.field(place, quantity)
        if quantity in BYTES and place:
            raise LookupError(f"'{quantity}' is a quantity of the whole network")
        if quantity == "memory":
            return self.of("", "params") * self.width
        if quantity == "peak":
            return peak_elements(self.graph, training=self.training) * self.width
        layers = self.layers(place)
        if quantity == "layers":
            return len(layers)
        total: Number = 0
        for node in layers:
            total = total + getattr(LayerCounts(node.op, self.graph.input_shapes(node), node.outputs), quantity)
        return total

    def layers(self, place: str) -> list[Node]:
        """The layers of a place."""
        if not place:
            return [node for _, node in self.graph.layers() if self.training or not node.training]
        path = tuple(place.split("/"))
        exactly = [node for _, node in self.graph.layers() if node.name == place]
        inside = exactly[:1] or [node for _, node in self.graph.layers() if node.path[: len(path)] == path]
        if not inside and place not in self.graph.stages:
            raise LookupError(f"no layer or stage '{place[:60]}'")
        return inside

    def tensor(self, place: str) -> Ref:
        """What a place puts out."""
        if not place:
            return next(iter(self.graph.outputs.values()))
        found = self.graph.find(place)
        if found is None:
            raise LookupError(f"no layer or stage '{place[:60]}'")
        return found

    def size(self, place: str, axis: str) -> Number:
        """One size of what a place puts out."""
        shape = self.graph.shape(self.tensor(place))
        sizes = dict(zip(axis_symbols(len(shape)), shape, strict=True))
        if axis not in sizes:
            raise LookupError(f"'{place[:60]}' has no axis {axis}: its axes are {', '.join(sizes)}")
        return sizes[axis]

    @cached_property
    def fields(self) -> list[Fields]:
        """The receptive fields of all nodes; arrays of sizes or windows have none of their own."""
        for node in self.graph.nodes:
            for reach in node.op.windows(self.graph.input_shapes(node)):
                for window in reach:
                    numbers = () if window is None else (window.size, window.stride, window.padding, window.up)
                    if not all(map(is_plain, (*numbers, *node.output[1:]))):
                        raise NeedsPlain("receptive fields are found for plain numbers")
        return receptive_fields(self.graph)

    def field(self, place: str, quantity: str) -> tuple[Any, ...]:
        """What is read off the receptive field on the first input it depends on, per axis."""
        axes = next(iter(self.fields[self.tensor(place).node].values()), None)
        if axes is None:
            raise LookupError("no unit sees anything of any input, so there is no receptive field")
        if not axes:
            raise LookupError("the input is a vector: it has no positions, so there is no receptive field")
        found = tuple("global" if axis.is_global else READINGS[quantity](axis) for axis in axes)
        return found[:1] if len(set(found)) == 1 else found
