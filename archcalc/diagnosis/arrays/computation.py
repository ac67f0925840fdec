"""A network on given numbers, and the same with a layer changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from archcalc.diagnosis.arrays.asked_arrays import AskedArray
from archcalc.diagnosis.arrays.elements import FlatArray
from archcalc.diagnosis.variation import Change, Rewrite, Site, vary
from archcalc.executor.errors import ArrayError, MissingDefinition
from archcalc.executor.interpreter import Interpreter, LayerTrace, Observer, Run
from archcalc.executor.kernel import Array, storage_of
from archcalc.executor.training import TrainingStep
from archcalc.executor.weights import array_names
from archcalc.graph import Graph
from archcalc.numeric import Impossible

ZERO = 1e-12
"""What is taken as zero, in proportion to the largest number of an array: sums that cancel leave such errors."""


class LayerNumbers(NamedTuple):
    """A layer with the numbers that it reads and stores."""

    site: Site
    stored: Mapping[str, Array]
    """The stored arrays by their names in the layer."""
    inputs: tuple[Array, ...]
    """The inputs, batch in front."""
    training: bool

    def with_stored(self, **arrays: Array) -> LayerNumbers:
        """Return the layer with other stored arrays."""
        return self._replace(stored={**self.stored, **arrays})


NumbersChange: TypeAlias = Callable[[LayerNumbers], LayerNumbers | None]
"""Returns the layer as a mistake changes it; ``None`` if the mistake cannot be made there."""


def of_layer(change: Change) -> NumbersChange:
    """Return a change of a layer as a change of its numbers: it stores what the changed layer needs."""

    def changed(numbers: LayerNumbers) -> LayerNumbers | None:
        site = change(numbers.site)
        if site is None or site.inputs != numbers.site.inputs:
            return None  # what other inputs would be cannot be said
        needed = storage_of(site.op, tuple(tuple(map(int, shape)) for shape in site.inputs))
        if any(name not in numbers.stored or numbers.stored[name].shape != shape for name, shape in needed.items()):
            return None
        return numbers._replace(site=site, stored={name: numbers.stored[name] for name in needed})

    return changed


@dataclass(frozen=True, eq=False)
class Computation:
    """A network with its inputs and stored arrays, in double precision."""

    graph: Graph
    inputs: Mapping[str, Array]
    """An array for every input, batch in front."""
    stored: Mapping[str, Array]
    """The stored arrays by ``layer.array``."""
    training: bool = False
    """Whether batch norms use the statistics of the batch, and dropout its masks."""
    masks: Mapping[str, Array] = field(default_factory=dict)
    """The masks of dropout by layer, batch in front."""
    fixed: Mapping[str, Array] = field(default_factory=dict)
    """Arrays that replace the outputs of layers, by layer, batch in front."""

    def elements(self, asked: AskedArray) -> FlatArray:
        """Return the array that is asked; see `archcalc.diagnosis.arrays.asked_arrays.AskedArray.array`."""
        found = asked.array(self)
        size = np.abs(found[np.isfinite(found)]).max(initial=0.0)
        return FlatArray(found.shape, tuple(np.where(np.abs(found) <= ZERO * size, 0.0, found).ravel().tolist()))

    def traces(self) -> dict[int, LayerTrace]:
        """Return the evaluation of every layer by its index in the graph."""
        found: dict[int, LayerTrace] = {}
        self.run(observe=lambda trace: found.update({trace.number: trace}))
        return found

    def run(self, *, keep: Sequence[str] = (), observe: Observer | None = None) -> Run:
        """Return the results of a forward pass; see `archcalc.executor.interpreter.Interpreter.run`."""
        interpreter, step = Interpreter(self.graph, self.stored), TrainingStep(masks=self.masks)
        return interpreter.run(
            self.inputs, training=self.training, keep=keep, step=step, fixed=self.fixed, observe=observe
        )

    def changed(self, layer: int, change: NumbersChange, inputs: tuple[Array, ...]) -> Computation | None:
        """Return the computation with a layer changed; ``None`` if the change cannot be made there.

        Args:
            layer: the index of the layer in the graph.
            change: the change.
            inputs: what the layer reads.
        """
        graph, node = self.graph, self.graph.nodes[layer]
        names = array_names(graph, node)
        own = {name: self.stored[full] for name, full in names.items()}
        site = Site(node.op, graph.input_shapes(node))
        found = change(LayerNumbers(site, own, inputs, self.training))
        if found is None or node.tied:
            return None
        others = {name: array for name, array in self.stored.items() if name not in names.values()}
        stored = {**others, **{f"{node.name}.{name}": array for name, array in found.stored.items()}}
        if found.site.op is not node.op:
            varied = _with_operator(graph, layer, found.site)
            if varied is None:
                return None
            graph = varied
        return replace(self, graph=graph, stored=stored, training=found.training)

    def inputs_of(self, layer: int) -> tuple[Array, ...] | None:
        """Return what a layer reads; ``None`` if the network does not run on these numbers."""
        try:
            return self.traces()[layer].inputs
        except (ArrayError, MissingDefinition):
            return None

    def tried(self, asked: AskedArray) -> FlatArray | None:
        """Return the array that is asked; ``None`` if the network does not run on these numbers."""
        try:
            return self.elements(asked)
        except (ArrayError, MissingDefinition, KeyError, ValueError):  # arrays under a mistake need not fit together
            return None


def _with_operator(graph: Graph, layer: int, site: Site) -> Graph | None:
    """Return a graph with another operator, and the shapes that follow; ``None`` if a layer is then impossible."""
    try:
        varied = vary(graph, [Rewrite(change=lambda own: own._replace(op=site.op))], where=(layer,))
    except Impossible:
        return None
    return None if varied is None else varied.whole_graph()
