"""Shapes, parameters, costs and receptive fields of every layer, and their sums, in one pass of linear time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from archcalc.analysis.counts import (
    STORED,
    Counts,
    TiedWeight,
    Values,
    counts_of,
    repeated,
    stored_count,
    tied_weights,
    values_of,
)
from archcalc.analysis.fields import Fields
from archcalc.analysis.memory import Memory, memory_of
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.training.setup import DEFAULT_SETUP, TrainingSetup
from archcalc.graph import Graph, Node
from archcalc.numeric import Number
from archcalc.ops.base import Cost, Shape, Shapes, Weight
from archcalc.record import record

if TYPE_CHECKING:
    from archcalc.analysis.training.cost import TrainingCost


@record(frozen=True, slots=True, eq=False)
class Layer(Counts):
    """The analysis of one layer. Costs and activations are for the complete batch; shapes have the batch in front."""

    attributes: Mapping[str, Any]
    """The same object for all layers with the same operator and input shapes, and thus with the same counts."""
    outputs: Shapes
    fields: Fields
    graph: Graph
    node: int
    """The index of the layer among the nodes of the graph."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layer itself, as the layers of a row."""
        return (self,)

    @property
    def name(self) -> str:
        """The name, with that of the stage."""
        return self.graph.nodes[self.node].name

    @property
    def path(self) -> tuple[str, ...]:
        """The stage, the enclosing block calls, and its own name."""
        return self.graph.nodes[self.node].path

    @property
    def op(self) -> str:
        """The name of the operator."""
        return self.graph.nodes[self.node].op.name

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the layers and inputs that it reads."""
        nodes = self.graph.nodes
        return tuple([nodes[read].name for read, _ in nodes[self.node].inputs])

    @property
    def output(self) -> Shape:
        """The shape of the first output."""
        return self.outputs[0]

    @property
    def stage(self) -> str | None:
        """The stage or head that it belongs to, if that has a name."""
        return self.graph.nodes[self.node].stage

    @property
    def head(self) -> str | None:
        """The head that it belongs to, if it is not on the main path."""
        return self.graph.nodes[self.node].head

    @property
    def training(self) -> bool:
        """Whether it belongs to a training head."""
        return self.graph.nodes[self.node].training

    @property
    def tied(self) -> tuple[TiedWeight, ...]:
        """The weights that belong to other layers; they are among the parameters of the layer."""
        node = self.graph.nodes[self.node]
        return tied_weights(node, self.graph.input_shapes(node)) if node.tied else ()


@record(frozen=True, slots=True, eq=False)
class Totals(Counts):
    """The totals of a network."""

    layers: int
    """How many layers count in the totals."""


@record(frozen=True, slots=True, eq=False)
class Group(Counts):
    """Several layers as one row, such as a stage or a block call: their sums, and the output of the last one."""

    name: str
    path: tuple[str, ...]
    layers: tuple[Layer, ...]

    @property
    def outputs(self) -> Shapes:
        """The shapes of the outputs of the last layer."""
        return self.layers[-1].outputs

    @property
    def output(self) -> Shape:
        """The shape of the output of the last layer."""
        return self.layers[-1].output

    @property
    def fields(self) -> Fields:
        """The receptive field of the last layer."""
        return self.layers[-1].fields

    @property
    def stage(self) -> str | None:
        """The stage of the last layer."""
        return self.layers[-1].stage

    @property
    def head(self) -> str | None:
        """The head of the last layer."""
        return self.layers[-1].head

    @property
    def training(self) -> bool:
        """Whether the last layer belongs to a training head."""
        return self.layers[-1].training


@dataclass(frozen=True, eq=False)
class Analysis:
    """The analysis of a network: its layers and their totals."""

    graph: Graph
    layers: tuple[Layer, ...]
    totals: Totals
    batch: int | None
    training: bool
    setup: TrainingSetup = DEFAULT_SETUP
    """How the network is trained, for what a training step costs."""

    @cached_property
    def training_cost(self) -> TrainingCost:
        """What a training step costs.

        Raises:
            LookupError: a layer that the setup names does not exist; the arguments are a message and a hint.
        """
        from archcalc.analysis.training.cost import TrainingCost  # only where it is asked for

        return TrainingCost(self.graph, self.setup, training=self.training, batch=self.batch)

    @cached_property
    def default_training_cost(self) -> TrainingCost:
        """What a training step with a single example costs if nothing is said about it."""
        from archcalc.analysis.training.cost import TrainingCost

        if self.setup == DEFAULT_SETUP and self.batch is None:
            return self.training_cost
        return TrainingCost(self.graph, DEFAULT_SETUP, training=self.training)

    @cached_property
    def in_training(self) -> Analysis:
        """The same with the training heads in the totals."""
        if self.training:
            return self
        return replace(self, training=True, totals=_totals(self.layers))

    @property
    def counted(self) -> Sequence[Layer]:
        """The layers that count in the totals."""
        return self.layers if self.training else [layer for layer in self.layers if not layer.training]

    @cached_property
    def by_node(self) -> Mapping[int, Layer]:
        """The layers by their index in the graph."""
        return {layer.node: layer for layer in self.layers}

    def layer(self, name: str) -> Layer:
        """Return the layer with a name.

        Raises:
            KeyError: there is no such layer.
        """
        return {layer.name: layer for layer in self.layers}[name]

    def stage(self, name: str) -> Group:
        """Return the sums over the layers of a stage or head.

        Raises:
            KeyError: there is no such stage, or it has no layers.
        """
        layers = [layer for layer in self.layers if layer.stage == name]
        if not layers:
            raise KeyError(name)
        return group((name,), layers)

    def folded(self, depth: int) -> list[Layer | Group]:
        """Return the rows of a table: layers, with those deeper than ``depth`` levels grouped by stage or block.

        With depth 0 there is one row for all layers that count in the totals; its output is the main output.
        """
        if depth == 0:
            main = next(iter(self.graph.outputs.values())).node
            counted = sorted(self.counted, key=lambda layer: layer.node == main)
            return [replace(group((), counted), name=self.graph.name)] if counted else []
        grouped = groupby(self.layers, key=lambda layer: layer.path[:depth])
        return [_row([*layers], depth) for _, layers in grouped]

    @cached_property
    def shares_weights(self) -> bool:
        """Whether some weights belong to several layers."""
        return any(self._before.values())

    @cached_property
    def _before(self) -> Mapping[str, Mapping[int, Number]]:
        return {name: counted_before(self.layers, name) for name in STORED}

    def own_count(self, row: Layer | Group, quantity: str) -> Number:
        """Return a count of a row without the weights that belong to rows before it."""
        before = self._before.get(quantity)
        if not before:
            return row.of(quantity)
        return sum([layer.of(quantity) - before.get(layer.node, 0) for layer in row.layers])

    def memory(self, dtype: str = "float32") -> Memory:
        """Return the memory in bytes: parameters, activations, peak of live tensors; see `archcalc.analysis.memory`."""
        return memory_of(self.graph, self.totals, dtype=dtype, batch=self.batch, training=self.training)


def _row(layers: list[Layer], depth: int) -> Layer | Group:
    return layers[0] if len(layers) == 1 and len(layers[0].path) <= depth else group(layers[0].path[:depth], layers)


def group(path: tuple[str, ...], layers: list[Layer]) -> Group:
    """Return layers as one row under a path, with their sums."""
    return Group(*values_of(sums(layers)), "/".join(path), path, tuple(layers))


def counted_before(layers: Sequence[Layer], quantity: str) -> dict[int, Number]:
    """Return how many of the parameters of layers count at another one of these layers, by the index of the layer."""
    if quantity not in STORED:
        return {}
    return {index: stored_count(weights, quantity) for index, weights in _repeated(layers).items()}


def _repeated(layers: Sequence[Layer]) -> dict[int, list[Weight]]:
    """Return the weights of layers that count at another one of these layers, by the index of the layer."""
    if not any(layer.graph.sharing for layer in layers[:1]):
        return {}
    return repeated({layer.node: layer.tied for layer in layers})


def _totals(layers: Sequence[Layer]) -> Totals:
    return Totals(*values_of(sums(layers)), len(layers))


def sums(layers: Sequence[Layer]) -> Counts:
    """Return the sums over layers. Each weight counts once.

    Layers with the same operator and input shapes are added once, with their number.
    """
    different = {id(layer.attributes): layer for layer in layers}
    times = Counter([id(layer.attributes) for layer in layers])
    found: dict[str, Number] = dict.fromkeys(("params", "active_params", "trainable", "biases", "activations"), 0)
    macs: Number = 0
    connections: Number = 0
    operations: dict[str, Number] = {}
    for same, layer in different.items():
        count = times[same]
        for name in found:
            found[name] += getattr(layer, name) * count
        macs += layer.macs * count
        connections += layer.connections * count
        for kind, number in layer.operations.items():
            operations[kind] = operations.get(kind, 0) + number * count
    for weights in _repeated(layers).values():
        for name in found.keys() & STORED.keys():
            found[name] -= stored_count(weights, name)
    is_complete = all(layer.is_complete for layer in different.values())
    return Counts(**found, cost=Cost(operations, macs, connections), is_complete=is_complete)


def analyze(
    graph: Graph,
    *,
    training: bool = False,
    batch: int | None = None,
    receptive: bool = True,
    setup: TrainingSetup = DEFAULT_SETUP,
) -> Analysis:
    """Analyse every layer of a graph.

    Args:
        graph: the network.
        training: whether training heads count in the totals (they are among the layers in any case).
        batch: the batch size, put in front of every shape; costs and activations are multiplied by it.
        receptive: whether receptive fields are computed as well; if not, ``fields`` are empty.
        setup: how the network is trained.
    """
    fields = receptive_fields(graph) if receptive else [{}] * len(graph.nodes)
    layers = _layers(graph, fields, batch)
    counted = layers if training else [layer for layer in layers if not layer.training]
    return Analysis(graph, layers, _totals(counted), batch, training, setup)


def _layers(graph: Graph, fields: list[Fields], batch: int | None) -> tuple[Layer, ...]:
    """Return the analysis of every layer."""
    known: dict[int, tuple[*Values, Mapping[str, Any], Shapes]] = {}
    layers = []
    for index, node in graph.layers():
        first = graph.alike[index]
        if first not in known:
            known[first] = _in_common(graph, node, batch)
        layers.append(Layer(*known[first], fields[index], graph, index))
    return tuple(layers)


def _in_common(graph: Graph, node: Node, batch: int | None) -> tuple[*Values, Mapping[str, Any], Shapes]:
    """Return the first fields of `Layer`, which layers with the same operator and input shapes have in common."""
    counts, outputs = counts_of(node.op, graph.input_shapes(node), node.outputs), node.outputs
    if batch is not None:
        counts = replace(counts, cost=counts.cost.times(batch), activations=counts.activations * batch)
        outputs = tuple((batch, *shape) for shape in outputs)
    return *values_of(counts), node.op.attributes(), outputs
