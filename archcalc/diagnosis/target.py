"""A target of a network, and its evaluation under mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from archcalc.analysis.counts import STORED, Counts, counts_of, repeated, tied_weights
from archcalc.analysis.fields import FIELD_QUANTITIES, AxisField, Fields
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.analysis.receptive import receptive_fields
from archcalc.diagnosis.mistake import SIZES, Contribution
from archcalc.diagnosis.variation import Site, Variation
from archcalc.graph import Node, Ref, axis_symbols, ordered
from archcalc.numeric import Number, product
from archcalc.ops.base import Shape
from archcalc.query.quantities import QUANTITIES, SUMS, find_quantity
from archcalc.query.targets import Actual, Values, find_row, output_layer, resolve, split_training, tensor_of


class DiagnosedTarget:
    """A quantity of a layer, a stage or the network, which can be evaluated in variations of the network."""

    def __init__(self, target: str, analysis: Analysis) -> None:
        """Resolve a target that does not begin with the name of a network.

        Raises:
            LookupError: the target does not exist; the arguments are a message and a hint.
        """
        self.text = target
        target, analysis = split_training(target, analysis)
        self.analysis = analysis
        self.graph = analysis.graph
        self.place, _, word = target.rpartition(".")
        self.quantity = find_quantity(word).name
        self.actual: Actual = resolve(target, analysis)
        row = find_row(self.place, analysis)
        self.row: Layer | Group | None = row
        self.layers: Sequence[Layer] = analysis.counted if row is None else row.layers
        self.members: tuple[int, ...] = tuple(layer.node for layer in self.layers)
        self._counts: dict[int, Counts] = {}

    @property
    def is_total(self) -> bool:
        """Whether the target is a sum over several layers."""
        return self.quantity in SUMS and len(self.members) > 1

    @cached_property
    def tensor(self) -> Ref:
        """The tensor whose shape or receptive field is the target."""
        return tensor_of(self.place, self.analysis)

    @cached_property
    def own_nodes(self) -> frozenset[int]:
        """The nodes of the target itself, which a mistake "in this layer" changes."""
        if self.row is None and self.quantity not in SUMS:
            return frozenset({output_layer("", self.analysis).node}) if self.analysis.layers else frozenset()
        return frozenset(self.members)

    @cached_property
    def after_first_window(self) -> frozenset[int]:
        """The nodes after the first one with a window, whose receptive field is its kernel and never computed
        wrongly."""
        first = next((index for index, node in self.graph.layers() if node.op.window_kind == "sliding"), 0)
        return frozenset(range(first + 1, len(self.graph.nodes)))

    @cached_property
    def last(self) -> int:
        """The last node that affects the target."""
        return max(self.members, default=0) if self.quantity in SUMS else self.tensor.node

    @cached_property
    def counted_elsewhere(self) -> frozenset[int]:
        """The layers of a sum whose weights all count at another layer, because they share them."""
        if self.quantity not in STORED or not self.graph.sharing:
            return frozenset()
        shapes = {index: self.graph.input_shapes(self.node(index)) for index in self.members}
        tied = {index: tied_weights(self.node(index), inputs) for index, inputs in shapes.items()}
        return frozenset(
            index
            for index, weights in repeated(tied).items()
            if len(weights) == len(self.node(index).op.weights(shapes[index]))
        )

    def node(self, index: int) -> Node:
        return self.graph.nodes[index]

    def counts(self, index: int) -> Counts:
        """Return the counts of a layer for one example."""
        found = self._counts.get(index)
        if found is None:
            node = self.node(index)
            found = self._counts[index] = counts_of(node.op, self.graph.input_shapes(node), node.outputs)
        return found

    def measure(self, variation: Variation | None = None, contribution: Contribution | None = None) -> Values | None:
        """Return the values of the target in a variation of the graph, counted by a convention.

        The result is ``None`` if neither affects the target.

        Raises:
            Impossible: a layer cannot exist in the variation.
        """
        if self.quantity in SUMS:
            return self._sum(variation, contribution)
        if variation is None or contribution is not None:
            return None
        if self.quantity in SIZES:
            return self.read_size(variation.shapes(self.tensor.node)[self.tensor.output])
        if self.quantity in FIELD_QUANTITIES:
            graph = variation.changed_graph()
            graph = replace(graph, nodes=graph.nodes[: self.tensor.node + 1])
            return self.read_field(receptive_fields(graph)[self.tensor.node])
        return None

    def read_size(self, shape: Shape) -> Values | None:
        """Return the values of the quantity in the shape of an output; ``None`` if the shape has no such axis."""
        if self.quantity == "shape":
            return ordered(shape, self.graph.layout)
        if self.quantity == "neurons":
            return (product(shape),)
        sizes = dict(zip(axis_symbols(len(shape)), shape, strict=True)) | {"channels": shape[0]}
        return (sizes[self.quantity],) if self.quantity in sizes else None

    def read_field(self, fields: Fields) -> Values:
        """Return the values of the quantity in the receptive fields of a layer, one for all axes if they are equal."""
        axes = next(iter(fields.values()), ())
        values = tuple(self._read(axis) if axis.is_local else axis.word for axis in axes)
        return values[:1] if len(set(values)) == 1 else values

    def _read(self, axis: AxisField) -> Any:
        return FIELD_QUANTITIES[self.quantity](axis)

    def _sum(self, variation: Variation | None, contribution: Contribution | None) -> Values | None:
        total: Number = 0
        touched = False
        for index in self.members:
            if index in self.counted_elsewhere:
                continue
            site = variation.sites.get(index) if variation is not None else None
            if variation is None or site is None:
                counts = self.counts(index)
            else:
                touched, counts = True, variation.counts(index)
            own: Number | None = None
            if contribution is not None:
                node = self.node(index)
                own = contribution(site or Site(node.op, self.graph.input_shapes(node)), counts, self.quantity)
            if own is None:
                total += getattr(counts, self.quantity)
            else:
                touched = True
                total += own
        return (total * self.batch,) if touched else None

    @property
    def batch(self) -> int:
        """The factor for quantities that are counted per example."""
        return self.analysis.batch or 1 if QUANTITIES[self.quantity].per_example else 1

    def parts(self) -> Iterator[tuple[str, Number]]:
        """Yield the parts of a sum with their figures: the stages of a network, or the layers of a stage."""
        if self.row is None:
            rows: list[Layer | Group] = [
                row for row in self.analysis.folded(1) if self.analysis.training or not row.training
            ]
        else:
            rows = list(self.layers)
        for row in rows:
            number = getattr(row, self.quantity)
            if number:
                yield row.name, number
