"""The figures of a training step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from archcalc.analysis.formats import Formats, in_bytes, stored_arrays, stored_bytes
from archcalc.analysis.training.moments import Moments, Use
from archcalc.analysis.training.needs import needs_of
from archcalc.analysis.training.setup import OPTIMIZERS, TrainingSetup, layers_of_setup
from archcalc.analysis.training.tensors import Key, MemoryTensor, TensorMemory
from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Weight


@dataclass(frozen=True, slots=True, eq=False)
class MemoryParts:
    """The parts of the memory of a training step, in bytes."""

    weights: Number
    """All stored arrays."""
    master: Number
    """The second copy of the trained ones, if there is one."""
    gradients: Number
    """The gradients of the trained ones."""
    optimizer: Number
    """What the optimizer stores for them."""
    tensors: Number
    """The tensors that are in memory together at the worst moment: saved ones, others, and gradients of tensors."""

    @property
    def total(self) -> Number:
        """All parts together."""
        return self.weights + self.master + self.gradients + self.optimizer + self.tensors


class MemoryPart(NamedTuple):
    """A part of the memory of a training step, in bytes."""

    key: str
    name: str
    bytes: int


class StepMemory(NamedTuple):
    """The parts of the memory of a training step with plain sizes; the tensors are those of the worst moment."""

    parts: tuple[MemoryPart, ...]
    """The parts, in the order of a training step."""
    moment: str
    """The first moment at which most bytes are in memory."""


class TrainingCost:
    """What a training step of a network costs: a forward pass, a backward pass, and the step of the optimizer."""

    def __init__(
        self, graph: Graph, setup: TrainingSetup, *, training: bool = False, batch: Number | None = None
    ) -> None:
        """Consider a training step.

        Args:
            graph: the network; its sizes may be of any kind of number.
            setup: how it is trained.
            training: whether training heads run.
            batch: the batch size; ``None`` for a single example.

        Raises:
            LookupError: a layer that the setup names does not exist; the arguments are a message and a hint.
        """
        self.graph, self.setup = graph, setup
        self.examples: Number = 1 if batch is None else batch
        self.runs = [index for index, _ in graph.running(training=training)]
        self.setup_layers = layers_of_setup(setup, graph)
        self.needs = needs_of(graph, self.setup_layers.frozen)
        """The gradients that are needed, by layer."""

    @cached_property
    def storage(self) -> TensorMemory:
        """The tensors that share memory, and that layers keep."""
        return TensorMemory(self.graph, self.needs, in_place=self.setup.in_place, as_pytorch=self.setup.as_pytorch)

    @cached_property
    def moments(self) -> Moments:
        """The tensors in memory at every moment."""
        return Moments(self.graph, self.runs, self.needs, self.storage, self.setup_layers.checkpoints)

    def figure(self, quantity: str, layers: Iterable[int], formats: Formats) -> Number:
        """Return a quantity of a training step: ``backward_macs``, ``training_macs`` or ``saved`` of some layers, or
        the ``training_memory`` of the network."""
        if quantity == "training_memory":
            return self.parts(formats).total
        if quantity == "saved":
            return self.saved(layers, formats)
        return {"backward_macs": self.backward_macs, "training_macs": self.training_macs}[quantity](layers)

    def backward_macs(self, layers: Iterable[int]) -> Number:
        """Return the macs of the gradients of some layers."""
        return self._sum(layers, self._backward_macs_of)

    def _backward_macs_of(self, index: int) -> Number:
        """Return the macs of the gradients of a layer, for one example."""
        node, needs = self.graph.nodes[index], self.needs.get(index)
        return 0 if needs is None else node.op.backward_macs(self.graph.input_shapes(node), needs)

    def training_macs(self, layers: Iterable[int]) -> Number:
        """Return the macs of some layers in the forward and the backward pass, and where they are computed anew."""
        return self._sum(layers, self._training_macs_of)

    def _training_macs_of(self, index: int) -> Number:
        node = self.graph.nodes[index]
        macs = node.op.cost(self.graph.input_shapes(node)).macs
        return macs * self.forward_passes(index) + self._backward_macs_of(index)

    @cached_property
    def recomputed(self) -> frozenset[int]:
        """The layers that are evaluated a second time: those of checkpoints, unless nothing in them has a gradient."""
        runs = {*self.runs} if self.setup_layers.checkpoints else set()
        own = [[index for index in each if index in runs] for each in self.setup_layers.checkpoints]
        return frozenset(index for each in own if any(index in self.needs for index in each) for index in each)

    def forward_passes(self, index: int) -> int:
        """Return how often a layer is evaluated: twice in a checkpoint."""
        return 2 if index in self.recomputed else 1

    def _sum(self, layers: Iterable[int], of: Callable[[int], Number]) -> Number:
        """Return the sum of a figure over layers, for the batch. Layers that are alike are computed once."""
        known: dict[tuple[int, object, int], Number] = {}
        times: Counter[tuple[int, object, int]] = Counter()
        for index in layers:
            key = self.graph.alike[index], self.needs.get(index), self.forward_passes(index)
            times[key] += 1
            if key not in known:
                known[key] = of(index)
        return sum([known[key] * count for key, count in times.items()]) * self.examples

    def kept(self, layers: Iterable[int]) -> dict[Key, MemoryTensor]:
        """Return the tensors that the forward pass keeps for some layers, each once."""
        found: dict[Key, MemoryTensor] = {}
        for index in layers:
            found |= self.moments.kept(index)
        return found

    def saved(self, layers: Iterable[int], formats: Formats) -> Number:
        """Return the bytes of the tensors that the forward pass keeps for some layers."""
        return sum([tensor.bytes(formats, self.examples) for tensor in self.kept(layers).values()])

    def by_row(self, quantity: str, rows: Iterable[Sequence[int]], formats: Formats) -> list[Number]:
        """Return a quantity of rows of layers, which add up: a tensor that several rows keep counts at the first."""
        if quantity != "saved":
            return [self.figure(quantity, layers, formats) for layers in rows]
        seen: set[Key] = set()
        found = []
        for layers in rows:
            own = {key: tensor for key, tensor in self.kept(layers).items() if key not in seen}
            found.append(sum([tensor.bytes(formats, self.examples) for tensor in own.values()]))
            seen.update(own)
        return found

    def parts(self, formats: Formats) -> MemoryParts:
        """Return the parts of the memory."""
        return self._parts(formats, self.moments.worst(formats, self.examples))

    def _parts(self, formats: Formats, tensors: Number) -> MemoryParts:
        """Return the parts of the memory, given the bytes of the tensors."""
        elements: dict[str, Number] = {}
        for weight, form in self._trained(formats):
            elements[form] = elements.get(form, 0) + weight.count
        trained = sum(elements.values())
        master, states = self.setup.master, len(OPTIMIZERS[self.setup.optimizer].states)
        gradients = sum([in_bytes(count, form) for form, count in elements.items()])
        return MemoryParts(
            weights=stored_bytes(self.graph, self.runs, formats),
            master=in_bytes(trained, master) if master else 0,
            gradients=gradients,
            optimizer=states * (in_bytes(trained, master) if master else gradients),
            tensors=tensors,
        )

    def _trained(self, formats: Formats) -> Iterator[tuple[Weight, str]]:
        """Yield the stored arrays that have gradients, with their formats."""
        trained = {
            (self.graph.nodes[index].tied.get(name, index), name)
            for index in self.runs
            if index in self.needs
            for name in self.needs[index].arrays
        }
        for owner, op, weight in stored_arrays(self.graph, self.runs):
            if (owner, weight.name) in trained:
                yield weight, formats.of(op, weight)

    def step_memory(self, formats: Formats) -> StepMemory:
        """Return the parts of the memory, with the tensors by use (plain sizes only)."""
        moment, uses = self.worst_moment(formats)
        parts = self._parts(formats, sum(uses.values()))
        found = (
            MemoryPart("weights", "weights", parts.weights),
            MemoryPart("master", "master weights", parts.master),
            MemoryPart("gradients", "gradients of weights", parts.gradients),
            MemoryPart("optimizer", f"state of {self.setup.optimizer}", parts.optimizer),
            MemoryPart("saved", "saved tensors", uses.get("saved", 0)),
            MemoryPart("gradient", "gradients of tensors", uses.get("gradient", 0)),
            MemoryPart("passing", "other tensors", uses.get("passing", 0)),
        )
        return StepMemory(found, self.moments.name(moment))

    def worst_moment(self, formats: Formats) -> tuple[int, dict[Use, Number]]:
        """Return the first moment at which most bytes are in memory, and the bytes by use (plain sizes only)."""
        rows = self.moments.live(formats, self.examples)
        moment, _ = max(rows, key=lambda row: row[1], default=(self.moments.loss, 0))
        found: dict[Use, Number] = {}
        for span in self.moments.spans:
            if span.first <= moment <= span.last:
                size = span.tensor.bytes(formats, self.examples)
                found[span.use] = found.get(span.use, 0) + size
        return moment, found
