"""Questions about the numbers of one network as steps: what a later one gives if earlier ones gave other numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from archcalc.arrays.written_arrays import Shape
from archcalc.diagnosis.arrays.asked_arrays import AskedArray, AskedGradient, AskedOutput, node_of
from archcalc.diagnosis.arrays.computation import Computation
from archcalc.diagnosis.arrays.elements import FlatArray
from archcalc.executor.gradient import EvaluatedLayer, GradientFunction, Gradients, gradient_of
from archcalc.executor.kernel import Array, Arrays
from archcalc.ops.base import Operator


@dataclass(frozen=True, eq=False)
class RequestedArray:
    """An array that is asked of a network on given numbers."""

    computation: Computation
    asked: AskedArray
    at: Shape | None = None
    """The index, if only one number is asked."""

    @property
    def elements(self) -> FlatArray | None:
        """The correct numbers; ``None`` if the network does not run on the numbers of earlier steps."""
        found = self.computation.tried(self.asked)
        return found if found is None or self.at is None else found.at(self.at)

    def after(self, earlier: RequestedArray, numbers: Sequence[float]) -> RequestedArray | None:
        """Return the step as it starts from the numbers of an earlier one, in place of those that are computed.

        Args:
            earlier: the earlier step.
            numbers: its numbers in order, as many as are correct.

        Returns:
            ``None`` if the earlier step is one number, or about another network, other inputs or another loss.
        """
        computation, asked, first = self.computation, self.asked, earlier.asked
        if earlier.at is not None or not _same(computation, earlier.computation):
            return None
        graph = computation.graph
        if isinstance(first, AskedOutput):
            own = node_of(graph, first.layer)
            if len(graph.nodes[own].outputs) != 1:
                return None
            name, shape = graph.nodes[own].name, tuple(map(int, graph.nodes[own].outputs[0]))
            fixed = {**computation.fixed, name: np.array(numbers).reshape(-1, *shape)}
            return replace(self, computation=replace(computation, fixed=fixed))
        if not isinstance(first, AskedGradient) or not isinstance(asked, AskedGradient):
            return None
        found = graph.find(first.name)
        if found is None or not _same_loss(first, asked):
            return None
        node = graph.nodes[found.node]
        if len(node.outputs) != 1:
            return None
        given = np.array(numbers).reshape(-1, *map(int, node.outputs[0]))
        return replace(self, asked=replace(asked, instead={**asked.instead, node.name: _from(given)}))


def _from(gradient: Array) -> GradientFunction:
    """Return the vector–Jacobian product of a layer for a gradient of its output, in place of the one that arrives."""

    def product(op: Operator, layer: EvaluatedLayer, given: Arrays) -> Gradients:
        return gradient_of(op)(op, layer, (gradient,))

    return product


def _same(one: Computation, other: Computation) -> bool:
    """Return whether two computations are about one network and the same numbers."""
    return (
        one.graph.nodes == other.graph.nodes
        and one.training == other.training
        and all(_same_arrays(getattr(one, each), getattr(other, each)) for each in ("inputs", "stored", "masks"))
    )


def _same_loss(one: AskedGradient, other: AskedGradient) -> bool:
    """Return whether two gradients of a network are of one loss with the same targets."""
    kinds = (one.loss.kind, one.shapes) == (other.loss.kind, other.shapes)
    return kinds and _same_arrays(one.loss.given, other.loss.given)


def _same_arrays(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(array, other[name]) for name, array in one.items())
