"""Numbers of gradients with the record of how each is computed from the gradients of the layers that follow.

The definition of a layer by loops records every operation; the chain rule on these gives the number. A tensor that
several layers read, or an array that several use, has the sum of what each of them gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from archcalc.executor.backward import BackwardResult, BackwardTrace
from archcalc.executor.interpreter import DEFAULT_STEP
from archcalc.executor.kernel import Array
from archcalc.executor.loops.batch import record_batch
from archcalc.executor.loops.losses import cross_entropy_of_logits, mean_square
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.reverse import reverse_mode_gradients
from archcalc.executor.losses import Loss, class_axis
from archcalc.executor.training import TrainingStep, mask_of
from archcalc.executor.weights import array_names, stored_array_shapes
from archcalc.graph import Graph, Node, Ref

Index: TypeAlias = tuple[int, ...]


def readers(graph: Graph, name: str) -> Iterator[tuple[Node, list[str]]]:
    """Yield the layers that read a tensor or use a stored array, with its names in them."""
    is_array = name in stored_array_shapes(graph, training=True)
    ref = None if is_array else graph.find(name)
    for _, node in graph.layers():
        if is_array:
            own = [own for own, full in array_names(graph, node).items() if full == name]
        else:
            own = [_argument(place) for place, read in enumerate(node.inputs) if read == ref]
        if own:
            yield node, own


def layers_to_keep(graph: Graph, names: Sequence[str]) -> list[str]:
    """Return the layers whose evaluation the numbers of some gradients are worked out from."""
    return [node.name for name in names for node, _ in readers(graph, name)]


@dataclass(frozen=True, eq=False)
class RecordedGradients:
    """The gradients of a loss, whose numbers can be worked out."""

    graph: Graph
    found: BackwardResult
    """The gradients, with the evaluation of the layers of `layers_to_keep`."""
    loss: Loss
    seed: int = 0
    """The seed of dropout."""
    step: TrainingStep = DEFAULT_STEP
    """The masks of dropout that were given."""

    def operations(self, name: str) -> dict[str, int]:
        """Return the operations of the layers that one number of a gradient is worked out from, by layer."""
        return {node.name: self._operations(node, point) for node, _, point in self._points(name)}

    def _operations(self, node: Node, point: BackwardTrace) -> int:
        return int(node.op.cost(self.graph.input_shapes(node)).flops) * len(point.given[0])

    def _points(self, name: str) -> Iterator[tuple[Node, list[str], BackwardTrace]]:
        """Yield the layers that the loss depends on among the readers of a tensor or array."""
        for node, names in readers(self.graph, name):
            point = self.found.points.get(node.name)
            if point is not None:
                yield node, names, point

    def numbers(self, name: str, indices: Sequence[Index]) -> tuple[dict[Index, RecordedNumber], Mapping[str, Array]]:
        """Return numbers of a gradient, worked out, and the arrays that they are computed from.

        Args:
            name: a tensor or a stored array.
            indices: the indices of the numbers; of a tensor, batch in front.

        Raises:
            MissingDefinition: a layer has no definition by loops.
        """
        batched = name not in self.found.arrays
        parts: dict[Index, list[RecordedNumber]] = {index: [] for index in indices}
        arrays: dict[str, Array] = {}
        for node, names, point in self._points(name):
            layer = _Layer(self.graph, node, point, self.seed, self.step)
            for index, numbers in parts.items():
                numbers += [layer.gradient(own, index, batched=batched) for own in names]
            arrays |= layer.arrays
        for own in self.loss.terms if batched else ():
            if self.graph.find(own) == self.graph.find(name):
                for index, numbers in parts.items():
                    numbers.append(self._of_loss(own, index))
        return {index: reduce(lambda one, other: one + other, numbers) for index, numbers in parts.items()}, arrays

    def _of_loss(self, name: str, index: Index) -> RecordedNumber:
        """Return the gradient of the loss itself with respect to a number of an output: what no layer passes on.

        It is worked out for the mean squared error and the cross-entropy of logits.
        """
        y, ref = self.found.run.kept[name], self.graph.find(name)
        assert ref is not None
        if self.loss.kind == "mse":
            return mean_square(y, self.loss.given[name], index)
        if self.loss.kind == "cross_entropy" and self.graph.nodes[ref.node].op.scores == "logits":
            axis = class_axis(self.graph, ref, name) + 1
            return cross_entropy_of_logits(y, self.loss.given[name], index, axis)
        _, g = self.loss.terms[name](y)
        return RecordedNumber(float(g[index]))


class _Layer:
    """A layer whose gradient is worked out: its definition by loops on recorded numbers."""

    def __init__(self, graph: Graph, node: Node, point: BackwardTrace, seed: int, step: TrainingStep) -> None:
        trace = point.trace
        names = _names_read(graph, node)
        self.inputs = {_argument(place): name for place, name in enumerate(names)}
        inputs = dict(zip(names, trace.inputs, strict=True))
        outputs = [tensor_name(graph, ref) for ref in graph.made_by(trace.number)]
        self.given = {f"∂L/∂{name}": g for name, g in zip(outputs, point.given, strict=True)}
        self.stored = {own: (f"{node.name}.{own}", array) for own, array in trace.weights.items()}
        self.single = len(trace.outputs[0]) == 1
        mask = None
        if trace.training:
            mask = mask_of(node.op, node.name, trace.inputs[0].shape, step, (seed, trace.number))
        self.results = record_batch(node.op, inputs, self.stored, self.given, training=trace.training, mask=mask)
        shown = {**inputs, **self.given, **({} if mask is None else {"mask": mask})}
        self.arrays: dict[str, Array] = {
            **{name: array[0] if self.single else array for name, array in shown.items()},
            **dict(self.stored.values()),
        }

    def gradient(self, name: str, index: Index, *, batched: bool) -> RecordedNumber:
        """Return one number of the gradient of an input or of a stored array, by its name in the layer."""
        at = index[1:] if batched and self.single else index
        place = (self.inputs[name] if name in self.inputs else self.stored[name][0], at)
        found = reverse_mode_gradients(self.results, place).get(place)
        return found if isinstance(found, RecordedNumber) else RecordedNumber(found or 0.0)


def _argument(place: int) -> str:
    """Return the name under which the numbers of an input of a layer are recorded."""
    return f"input {place}"


def tensor_name(graph: Graph, ref: Ref) -> str:
    """Return the name of a tensor: that of its layer, with its number if the layer has several outputs."""
    node = graph.nodes[ref.node]
    return node.name if len(node.outputs) == 1 else f"{node.name}, output {ref.output}"


def _names_read(graph: Graph, node: Node) -> list[str]:
    """Return the names of the inputs of a layer; a tensor that it reads twice has two."""
    names = []
    for place, ref in enumerate(node.inputs):
        times = node.inputs[:place].count(ref)
        names.append(f"{tensor_name(graph, ref)} ({times + 1})" if times else tensor_name(graph, ref))
    return names
