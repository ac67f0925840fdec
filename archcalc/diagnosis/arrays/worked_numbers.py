"""How numbers are computed: those of the output of a layer from what it reads and stores, those of gradients from the
gradients of the layers that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from archcalc.diagnosis.arrays.asked_arrays import AskedGradient
from archcalc.diagnosis.arrays.computation import Computation
from archcalc.executor.kernel import Array
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.run import record_layer
from archcalc.executor.loops.training import differs, record_training
from archcalc.executor.recorded_gradients import RecordedGradients, layers_to_keep
from archcalc.executor.training import PYTORCH, TrainingStep
from archcalc.graph import Ref

MAX_OPERATIONS = 200_000
"""The maximum number of operations of a layer whose numbers are worked out (a second of work)."""


class WorkedNumber(NamedTuple):
    """A number that records how it was computed."""

    name: str
    """The layer and the index."""
    number: RecordedNumber
    arrays: Mapping[str, Array]
    """The arrays that the layer reads and stores, by name."""


@dataclass(frozen=True)
class WorkedOutput:
    """The numbers of the output of a layer, with their records."""

    computation: Computation
    layer: str

    def number(self, index: tuple[int, ...]) -> WorkedNumber | None:
        """Return a number; ``None`` if the records take too long.

        Args:
            index: its index; without the batch if that is a single example.
        """
        if not self._is_small:
            return None
        is_one_example = len(index) == len(self.computation.graph.shape(self._ref))
        example, own = (0, index) if is_one_example else (index[0], index[1:])
        arrays, output = self._examples[example]
        number = output[own]
        found = number if isinstance(number, RecordedNumber) else RecordedNumber(number)
        return WorkedNumber(f"{self.layer}[{', '.join(map(str, index))}]", found, arrays)

    @cached_property
    def _ref(self) -> Ref:
        found = self.computation.graph.find(self.layer)
        assert found is not None
        return found

    @cached_property
    def _is_small(self) -> bool:
        graph = self.computation.graph
        node = graph.nodes[self._ref.node]
        return not node.is_input and int(node.op.cost(graph.input_shapes(node)).flops) <= MAX_OPERATIONS

    @cached_property
    def _examples(self) -> Sequence[tuple[Mapping[str, Array], Array]]:
        """The arrays that the layer reads and stores and its output, for every example."""
        graph, ref = self.computation.graph, self._ref
        trace = self.computation.traces()[ref.node]
        names = [graph.nodes[each.node].name for each in trace.node.inputs]
        if self.computation.training and differs(trace.node.op):
            mask = self.computation.masks.get(trace.node.name)
            batch = dict(zip(names, trace.inputs, strict=True))
            step = record_training(trace.node.op, batch, trace.weights, mask, PYTORCH)
            read = {**batch, **trace.weights, **({} if mask is None else {"mask": mask})}
            return [(read, output) for output in step.output]
        found: list[tuple[Mapping[str, Array], Array]] = []
        for example in range(len(trace.outputs[ref.output])):
            inputs = [(name, array[example]) for name, array in zip(names, trace.inputs, strict=True)]
            outputs = record_layer(trace.node.op, inputs, trace.weights)
            found.append(({**dict(inputs), **trace.weights}, outputs[ref.output]))
        return found


@dataclass(frozen=True)
class WorkedGradient:
    """The numbers of a gradient, with their records."""

    computation: Computation
    asked: AskedGradient

    def number(self, index: tuple[int, ...]) -> WorkedNumber | None:
        """Return a number; ``None`` if the records take too long.

        Args:
            index: its index; without the batch if that is a single example.
        """
        name, found = self.asked.name, self._found
        if sum(found.operations(name).values()) > MAX_OPERATIONS:
            return None
        full = index if len(index) == found.found.gradients[name].ndim else (0, *index)
        numbers, arrays = found.numbers(name, [full])
        return WorkedNumber(f"∂L/∂{name}[{', '.join(map(str, index))}]", numbers[full], arrays)

    @cached_property
    def _found(self) -> RecordedGradients:
        graph = self.computation.graph
        backward = self.asked.backward(self.computation, keep=layers_to_keep(graph, [self.asked.name]))
        return RecordedGradients(graph, backward, self.asked.loss, step=TrainingStep(masks=self.computation.masks))
