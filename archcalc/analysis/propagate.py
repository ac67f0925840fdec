"""Shapes, parameters, costs and receptive fields of every layer, and their sums, in one pass of linear time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.analysis.counts import STORED, Counts, TiedWeight, counts_of, repeated, stored_count, tied_weights
from archcalc.analysis.fields import Fields
from archcalc.analysis.memory import Memory, memory_of
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.training.setup import DEFAULT_SETUP, TrainingSetup
from archcalc.graph import Graph, Node
from archcalc.numeric import Number
from archcalc.ops.base import Cost, Shape, Shapes, Weight

if TYPE_CHECKING:
    from archcalc.analysis.training.cost import TrainingCost


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Layer(Counts):
    """The analysis of one layer. Costs and activations are for the complete batch; shapes have the batch in front."""

    name: str
    path: tuple[str, ...]
    op: str
    attributes: Mapping[str, Any]
    """The same object for all layers with the same operator and input shapes, and thus with the same counts."""
    inputs: tuple[str, ...]
    outputs: Shapes
    fields: Fields
    stage: str | None
    head: str | None
    training: bool
    node: int
    """The index of the layer among the nodes of the graph."""
    tied: tuple[TiedWeight, ...] = ()
    """The weights that belong to other layers; they are among the parameters of the layer."""

    @property
    def output(self) -> Shape:
        """The shape of the first output."""
        return self.outputs[0]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Totals(Counts):
    """The totals of a network."""

    layers: int
    """How many layers count in the totals."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
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
            LookupError: a place of the setup does not exist; the arguments are a message and a hint.
        """
        from archcalc.analysis.training.cost import TrainingCost  # only where it is asked for

        return TrainingCost(self.graph, self.setup, training=self.training, batch=self.batch)

    @cached_property
    def in_training(self) -> Analysis:
        """The same with the training heads in the totals."""
        if self.training:
            return self
        return replace(self, training=True, totals=Totals(layers=len(self.layers), **sums(self.layers)))

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
            counted = [layer for layer in self.layers if self.training or not layer.training]
            counted.sort(key=lambda layer: layer.node == main)
            return [replace(group((), counted), name=self.graph.name)] if counted else []
        rows: list[Layer | Group] = []
        waiting: list[Layer] = []
        for layer in self.layers:
            if waiting and layer.path[:depth] != waiting[0].path[:depth]:
                rows.append(_row(waiting, depth))
                waiting = []
            waiting.append(layer)
        if waiting:
            rows.append(_row(waiting, depth))
        return rows

    @cached_property
    def shares_weights(self) -> bool:
        """Whether some weights belong to several layers."""
        return any(self._before.values())

    @cached_property
    def _before(self) -> Mapping[str, Mapping[int, Number]]:
        return {name: counted_before(self.layers, name) for name in STORED}

    def own(self, row: Layer | Group, quantity: str) -> Number:
        """Return a count of a row without the weights that belong to rows before it."""
        before = self._before.get(quantity)
        if not before:
            return row.of(quantity)
        layers = row.layers if isinstance(row, Group) else (row,)
        return sum([layer.of(quantity) - before.get(layer.node, 0) for layer in layers])

    def memory(self, dtype: str = "float32") -> Memory:
        """Return the memory in bytes: parameters, activations, peak of live tensors; see `archcalc.analysis.memory`."""
        return memory_of(self.graph, self.totals, dtype=dtype, batch=self.batch, training=self.training)


def _row(layers: list[Layer], depth: int) -> Layer | Group:
    return layers[0] if len(layers) == 1 and len(layers[0].path) <= depth else group(layers[0].path[:depth], layers)


def group(path: tuple[str, ...], layers: list[Layer]) -> Group:
    """Return layers as one row under a path, with their sums."""
    return Group(name="/".join(path), path=path, layers=tuple(layers), **sums(layers))


def counted_before(layers: Iterable[Layer], quantity: str) -> dict[int, Number]:
    """Return how many of the parameters of layers count at another one of these layers, by the index of the layer."""
    if quantity not in STORED:
        return {}
    return {index: stored_count(weights, quantity) for index, weights in _repeated(layers).items()}


def _repeated(layers: Iterable[Layer]) -> dict[int, list[Weight]]:
    """Return the weights of layers that count at another one of these layers, by the index of the layer."""
    tied = {layer.node: layer.tied for layer in layers}
    return repeated(tied) if any(tied.values()) else {}


def sums(layers: Iterable[Layer]) -> dict[str, Any]:
    """Return the sums over layers as the fields of `Counts`. Each weight counts once.

    Layers with the same operator and input shapes are added once, with their number.
    """
    layers = list(layers)
    different = {id(layer.attributes): layer for layer in layers}
    times = Counter([id(layer.attributes) for layer in layers])
    found: dict[str, Any] = dict.fromkeys(("params", "active_params", "trainable", "biases", "activations"), 0)
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
    return {**found, "cost": Cost(operations, macs, connections), "is_complete": is_complete}


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
    return Analysis(graph, layers, Totals(layers=len(counted), **sums(counted)), batch, training, setup)


class _Alike(NamedTuple):
    """What all layers with the same operator and the same input shapes have in common."""

    counts: Counts
    attributes: Mapping[str, Any]
    outputs: Shapes


def _layers(graph: Graph, fields: list[Fields], batch: int | None) -> tuple[Layer, ...]:
    """Return the analysis of every layer."""
    known: dict[int, _Alike] = {}
    layers = []
    for index, node in graph.layers():
        first = graph.alike[index]
        alike = known.get(first)
        if alike is None:
            alike = known[first] = _in_common(graph, node, batch)
        layers.append(_layer(graph, index, node, fields[index], alike))
    return tuple(layers)


def _in_common(graph: Graph, node: Node, batch: int | None) -> _Alike:
    counts, outputs = counts_of(node.op, graph.input_shapes(node), node.outputs), node.outputs
    if batch is not None:
        counts = replace(counts, cost=counts.cost.times(batch), activations=counts.activations * batch)
        outputs = tuple((batch, *shape) for shape in outputs)
    return _Alike(counts, node.op.attributes(), outputs)


def _layer(graph: Graph, index: int, node: Node, fields: Fields, alike: _Alike) -> Layer:
    counts, nodes = alike.counts, graph.nodes
    return Layer(
        name=node.name,
        path=node.path,
        op=node.op.name,
        attributes=alike.attributes,
        inputs=tuple([nodes[read].name for read, _ in node.inputs]),
        outputs=alike.outputs,
        params=counts.params,
        active_params=counts.active_params,
        trainable=counts.trainable,
        biases=counts.biases,
        cost=counts.cost,
        activations=counts.activations,
        is_complete=counts.is_complete,
        fields=fields,
        stage=node.stage,
        head=node.head,
        training=node.training,
        node=index,
        tied=tied_weights(node, graph.input_shapes(node)) if node.tied else (),
    )
