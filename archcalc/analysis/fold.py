"""Folding: fixed linear maps per channel (batch norms, input standardisation) are merged into neighbouring layers.

At inference a batch norm is y = a·x + b per channel. It can be folded exactly into the layer of weighted sums before
it, if no other layer reads the output of that: its weights are multiplied by a, its bias becomes a·bias + b. It can
also be folded into a layer of weighted sums after it, if every output of that is a sum over the same inputs; so there
must be no zero padding, which would have to become −b/a. The gains of weight norm are merged into the weights, too.
This module works on the graph alone; `archcalc.executor.folding` folds the arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from archcalc.analysis.counts import Counts
from archcalc.analysis.propagate import Layer, analyze, group
from archcalc.graph import Graph, Node, Ref
from archcalc.ops.traits import Sums


@dataclass(frozen=True, slots=True)
class LayerFold:
    """A layer that is folded into another one, by their indices in the original graph."""

    node: int
    into: int
    forward: bool
    """Whether it is folded into the layer after it rather than the one before."""


@dataclass(frozen=True, slots=True)
class UnfoldedLayer:
    """A layer that cannot be folded, and why."""

    node: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class FoldedLayer:
    """A layer of the folded network, compared with the layers of the original network that it replaces."""

    layer: Layer
    """The layer in the original network."""
    absorbed: tuple[Layer, ...]
    """The layers that are folded into it."""
    before: Counts
    """The sums over the layer and those folded into it."""
    after: Layer
    """The layer in the folded network."""
    gains_merged: bool = False
    """Whether its weights are those after weight norm."""

    @property
    def is_changed(self) -> bool:
        """Whether something is merged into it."""
        return bool(self.absorbed) or self.gains_merged


@dataclass(frozen=True, eq=False)
class Folding:
    """The result of folding a network."""

    graph: Graph
    folds: tuple[LayerFold, ...]
    """The folds, in the order in which weights must be folded."""
    kept: tuple[UnfoldedLayer, ...]
    folded: Graph
    """The network without the folded layers; the others keep their names."""

    def changes(self) -> tuple[FoldedLayer, ...]:
        """Return every layer of the folded network, before and after."""
        before = {layer.node: layer for layer in analyze(self.graph).layers}
        absorbed: dict[int, list[Layer]] = {}
        for fold in self.folds:
            absorbed.setdefault(fold.into, []).append(before.pop(fold.node))
        rows = []
        for layer, after in zip(before.values(), analyze(self.folded).layers, strict=True):
            folded = sorted(absorbed.get(layer.node, ()), key=lambda one: one.node)
            ops = self.graph.nodes[layer.node].op, self.folded.nodes[after.node].op
            merged = ops[0].with_gains_merged() is not ops[0] and ops[1].with_gains_merged() is ops[1]
            rows.append(FoldedLayer(layer, tuple(folded), group(layer.path, [layer, *folded]), after, merged))
        return tuple(rows)


def fold(graph: Graph) -> Folding:
    """Fold every batch norm and standardisation that can be folded: into the layer before it, or else the one after."""
    return _Folder(graph).run()


class _Folder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers: dict[Ref, list[int]] = {}
        for index, node in enumerate(graph.nodes):
            for ref in node.inputs:
                self.readers.setdefault(ref, []).append(index)
        self.outputs = {*graph.outputs.values(), *graph.training_outputs.values()}
        self.sharing = graph.sharing
        self.folds: dict[int, LayerFold] = {}

    def run(self) -> Folding:
        candidates = [index for index, node in self.graph.layers() if node.op.channel_map]
        reasons: dict[int, str] = {}
        for index in candidates:
            layer, reason = (None, self.shared(index)) if index in self.sharing else self.before(index)
            if layer is None:
                reasons[index] = reason
            else:
                self.folds[index] = LayerFold(index, layer, forward=False)
        kept = []
        for index in reversed([*reasons]):  # of several in a row, the last one first
            layer, reason = (None, "") if index in self.sharing else self.after(index)
            if layer is None:
                kept.append(UnfoldedLayer(index, "; ".join(filter(None, (reasons[index], reason)))))
            else:
                self.folds[index] = LayerFold(index, layer, forward=True)
        for index, node in self.graph.layers():
            if index in self.sharing and node.op.with_gains_merged() is not node.op:
                kept.append(UnfoldedLayer(index, self.shared(index)))
        kept.sort(key=lambda layer: layer.node)
        return Folding(self.graph, tuple(self.folds.values()), tuple(kept), self.folded())

    def before(self, index: int) -> tuple[int | None, str]:
        """Return the index of the layer of weighted sums that only this one reads, or why there is none."""
        read = self.graph.nodes[index].inputs[0]
        ref = self.source(read)
        node = self.graph.nodes[ref.node]
        if node.is_input:
            return None, "it reads an input"
        sums = self.sums(node)
        if sums is None:
            return None, f"{node.op.name} before it has no weighted sums"
        if ref.node in self.sharing:
            return None, self.shared(ref.node)
        if not sums.per_channel:
            return None, f"{node.op.name} before it has outputs that are not its channels"
        if read in self.outputs:
            return None, f"{node.name} is an output of the network"
        if len(self.readers[read]) > 1:
            return None, f"other layers read {node.name}"
        return ref.node, ""

    def after(self, index: int) -> tuple[int | None, str]:
        """Return the index of the only layer that reads this one and can absorb it exactly, or why there is none."""
        tensor = Ref(index)
        while True:
            if tensor in self.outputs:
                return None, "its output is an output of the network"
            readers = self.readers.get(tensor, [])
            if len(readers) != 1:
                return None, "several layers read it" if readers else "no layer reads it"
            if readers[0] not in self.folds:
                break
            tensor = Ref(readers[0])
        node = self.graph.nodes[readers[0]]
        sums = self.sums(node)
        if sums is None:
            return None, f"{node.op.name} after it has no weighted sums"
        if readers[0] in self.sharing:
            return None, self.shared(readers[0])
        if not sums.equal_terms:
            return None, f"{node.name} after it sums over different numbers of inputs"
        if not sums.per_channel:
            return None, f"{node.op.name} after it has the same weights for all channels"
        if self.pads(node):
            return None, f"{node.name} after it has zero padding"
        return readers[0], ""

    def shared(self, index: int) -> str:
        """Return the reason why a layer that shares weights takes no part: its other uses would change as well."""
        nodes = self.graph.nodes
        return f"the weights of {nodes[index].name} are also those of {nodes[self.sharing[index]].name}"

    def sums(self, node: Node) -> Sums | None:
        """Return how the outputs of a layer are weighted sums; ``None`` if they are not."""
        return node.op.sums(self.graph.input_shapes(node)[0])

    def pads(self, node: Node) -> bool:
        """Return whether a layer pads its input with zeros."""
        if not node.op.pads_with_zeros:
            return False
        paddings = node.op.paddings(self.graph.input_shapes(node)[0])
        return any(p0 != 0 or p1 != 0 for p0, p1 in paddings)

    def source(self, ref: Ref) -> Ref:
        """Return the tensor that is read in place of another once folded layers are removed."""
        while ref.node in self.folds:
            ref = self.graph.nodes[ref.node].inputs[0]
        return ref

    def folded(self) -> Graph:
        """Return the graph without the folded layers."""
        graph = self.graph
        places = [index for index in range(len(graph.nodes)) if index not in self.folds]
        place = {index: number for number, index in enumerate(places)}
        absorbing = Counter(each.into for each in self.folds.values())

        def moved(ref: Ref) -> Ref:
            source = self.source(ref)
            return Ref(place[source.node], source.output)

        def node(index: int) -> Node:
            old = graph.nodes[index]
            op = old.op if index in self.sharing else old.op.with_gains_merged()
            op = op.with_map_folded_in() if index in absorbing else op
            tied = {name: place[owner] for name, owner in old.tied.items()}
            return replace(old, op=op, inputs=tuple(map(moved, old.inputs)), tied=tied)

        nodes = tuple(map(node, places))

        def renamed(outputs: Mapping[str, Ref]) -> dict[str, Ref]:
            """Return outputs for the folded graph; one named after its layer is named after the layer that now computes
            it."""
            return {
                nodes[moved(ref).node].name if name == graph.nodes[ref.node].name else name: moved(ref)
                for name, ref in outputs.items()
            }

        return replace(
            graph,
            nodes=nodes,
            outputs=renamed(graph.outputs),
            stages={name: moved(ref) for name, ref in graph.stages.items()},
            training_outputs=renamed(graph.training_outputs),
        )
