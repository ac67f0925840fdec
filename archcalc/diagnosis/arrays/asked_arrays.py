"""What is asked of a computation: the output of a layer, or a gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from archcalc.executor.backward import BackwardResult, gradients
from archcalc.executor.errors import ArrayError
from archcalc.executor.gradient import GradientFunction
from archcalc.executor.kernel import Array
from archcalc.executor.losses import Loss
from archcalc.executor.training import TrainingStep
from archcalc.graph import Graph

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.computation import Computation


class AskedArray(Protocol):
    """What is asked of a computation."""

    def array(self, computation: Computation) -> Array:
        """Return the array; without the batch if it is a single example.

        Raises:
            ArrayError: inputs, stored arrays or the loss do not fit.
            MissingDefinition: an operator has no kernel or no gradient.
        """

    def last(self, graph: Graph) -> int:
        """Return the index of the last layer on which the array depends."""

    def names(self, layer: int, graph: Graph) -> bool:
        """Return whether a layer is the one that is asked about, and not one before it."""


@dataclass(frozen=True)
class AskedOutput:
    """The output of a layer."""

    layer: str

    def array(self, computation: Computation) -> Array:
        return without_batch_of_one(computation.run(keep=[self.layer]).kept[self.layer])

    def last(self, graph: Graph) -> int:
        return node_of(graph, self.layer)

    def names(self, layer: int, graph: Graph) -> bool:
        return layer == self.last(graph)


@dataclass(frozen=True, eq=False)
class AskedGradient:
    """The gradient of a loss with respect to a tensor or a stored array."""

    name: str
    loss: Loss
    shapes: Mapping[str, tuple[int, ...]]
    """The shapes of the tensors that the loss is computed from, without the batch."""
    instead: Mapping[str, GradientFunction] = field(default_factory=dict)
    """The vector–Jacobian products that are used instead of those of layers, by layer."""

    def array(self, computation: Computation) -> Array:
        found = self.backward(computation)
        g = found.gradients[self.name]
        return g if self.name in found.arrays else without_batch_of_one(g)

    def backward(self, computation: Computation, *, keep: Sequence[str] = ()) -> BackwardResult:
        """Return the results of both passes; see `array` and `archcalc.executor.backward.gradients`."""
        graph = computation.graph
        for name, shape in self.shapes.items():
            found = graph.find(name)
            if found is None or graph.shape(found) != shape:
                raise ArrayError([f"the loss does not fit '{name}'"])
        return gradients(
            graph,
            computation.inputs,
            computation.stored,
            self.loss,
            [self.name],
            training=computation.training,
            step=TrainingStep(masks=computation.masks),
            fixed=computation.fixed,
            keep=keep,
            instead=self.instead,
        )

    def last(self, graph: Graph) -> int:
        return max(node_of(graph, name) for name in self.loss.terms)

    def names(self, layer: int, graph: Graph) -> bool:
        return True  # a gradient is about all layers up to the loss


def node_of(graph: Graph, name: str) -> int:
    """Return the index of the layer that makes a tensor."""
    found = graph.find(name)
    assert found is not None
    return found.node


def without_batch_of_one(array: Array) -> Array:
    """Return the only example of an array with the batch in front, or the array if it has several."""
    found: Array = array[0] if len(array) == 1 else array
    return found
