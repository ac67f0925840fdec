"""What folding removes: fixed linear maps per channel (batch norms, input standardisation) taken into their neighbours.

At inference a batch norm is y = a·x + b per channel. A layer of weighted sums before it that nobody else reads takes it
in exactly: its weights times a, its bias times a plus b. So does a layer of weighted sums after it, as long as every
output is a sum over the same inputs: zeros of a padding would have to become −b/a. Everything here is known from the
graph alone; `archcalc.executor.folding` does the same to arrays.
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
class Fold:
    """One layer that goes into another one (indices in the original graph)."""

    node: int
    into: int
    forward: bool
    """Whether it goes into the layer after it, not the one before."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A layer that has to stay, and why."""

    node: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A layer of the folded network: what stood for it before, and what it is now."""

    layer: Layer
    taken: tuple[Layer, ...]
    """What was folded into it."""
    before: Counts
    """The sums of the layer and of what was folded into it."""
    after: Layer


@dataclass(frozen=True, eq=False)
class Folding:
    """What folding does to a network."""

    graph: Graph
    folds: tuple[Fold, ...]
    """In the order in which weights are to be folded."""
    kept: tuple[Kept, ...]
    folded: Graph
    """The same network without what was folded; its layers have the names they had."""

    def changes(self) -> tuple[Change, ...]:
        """Every layer that is left, before and after."""
        before = {layer.node: layer for layer in analyze(self.graph).layers}
        taken: dict[int, list[Layer]] = {}
        for fold in self.folds:
            taken.setdefault(fold.into, []).append(before.pop(fold.node))
        rows = []
        for layer, after in zip(before.values(), analyze(self.folded).layers, strict=True):
            gone = sorted(taken.get(layer.node, ()), key=lambda one: one.node)
            rows.append(Change(layer, tuple(gone), group(layer.path, [layer, *gone]), after))
        return tuple(rows)


def fold(graph: Graph) -> Folding:
    """Fold every batch norm and standardisation that can be, backwards where possible, else forwards."""
    return _Folder(graph).run()


class _Folder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers: dict[Ref, list[int]] = {}
        for index, node in enumerate(graph.nodes):
            for ref in node.inputs:
                self.readers.setdefault(ref, []).append(index)
        self.outputs = {*graph.outputs.values(), *graph.training_outputs.values()}
        self.folds: dict[int, Fold] = {}

    def run(self) -> Folding:
        candidates = [index for index, node in self.graph.layers() if node.op.channel_map]
        behind: dict[int, str] = {}
        for index in candidates:
            layer, reason = self.before(index)
            if layer is None:
                behind[index] = reason
            else:
                self.folds[index] = Fold(index, layer, forward=False)
        kept = []
        for index in reversed([*behind]):  # one after another: the last of them first
            layer, reason = self.after(index)
            if layer is None:
                kept.append(Kept(index, f"{behind[index]}; {reason}"))
            else:
                self.folds[index] = Fold(index, layer, forward=True)
        return Folding(self.graph, tuple(self.folds.values()), tuple(reversed(kept)), self.folded())

    def before(self, index: int) -> tuple[int | None, str]:
        """The layer of sums whose output this one alone reads, or why there is none."""
        read = self.graph.nodes[index].inputs[0]
        ref = self.source(read)
        node = self.graph.nodes[ref.node]
        if node.is_input:
            return None, "it reads an input"
        sums = self.sums(node)
        if sums is None:
            return None, f"{node.op.name} before it has no weighted sums"
        if not sums.per_channel:
            return None, f"the outputs of {node.op.name} before it are not its channels"
        if read in self.outputs:
            return None, f"{node.name} is an output as well"
        if len(self.readers[read]) > 1:
            return None, f"{node.name} has other readers"
        return ref.node, ""

    def after(self, index: int) -> tuple[int | None, str]:
        """The layer of sums that alone reads this one's output and can take it exactly, or why there is none."""
        made = Ref(index)
        while True:
            if made in self.outputs:
                return None, "its output is an output of the network"
            readers = self.readers.get(made, [])
            if len(readers) != 1:
                return None, "several layers read it" if readers else "nothing reads it"
            if readers[0] not in self.folds:
                break
            made = Ref(readers[0])
        node = self.graph.nodes[readers[0]]
        sums = self.sums(node)
        if sums is None:
            return None, f"{node.op.name} after it has no weighted sums"
        if not sums.equal_terms:
            return None, f"the outputs of {node.name} after it are sums over different numbers of inputs"
        if not sums.per_channel:
            return None, f"{node.op.name} after it has the same weights for all channels"
        if self.pads(node):
            return None, f"the zeros around the input of {node.name} would no longer be right"
        return readers[0], ""

    def sums(self, node: Node) -> Sums | None:
        """How the outputs of a layer are weighted sums, if they are."""
        return node.op.sums(self.graph.input_shapes(node)[0])

    def pads(self, node: Node) -> bool:
        """Whether there are zeros around what a layer reads."""
        paddings = node.op.paddings(self.graph.input_shapes(node)[0])
        return any(p0 != 0 or p1 != 0 for p0, p1 in paddings)

    def source(self, ref: Ref) -> Ref:
        """What a tensor is read from once folded layers are gone."""
        while ref.node in self.folds:
            ref = self.graph.nodes[ref.node].inputs[0]
        return ref

    def folded(self) -> Graph:
        """The graph without the folded layers."""
        graph = self.graph
        places = [index for index in range(len(graph.nodes)) if index not in self.folds]
        place = {index: number for number, index in enumerate(places)}
        taking = Counter(each.into for each in self.folds.values())

        def moved(ref: Ref) -> Ref:
            source = self.source(ref)
            return Ref(place[source.node], source.output)

        def node(index: int) -> Node:
            old = graph.nodes[index]
            op = old.op.with_map_folded_in() if index in taking else old.op
            return replace(old, op=op, inputs=tuple(map(moved, old.inputs)))

        nodes = tuple(map(node, places))

        def renamed(outputs: Mapping[str, Ref]) -> dict[str, Ref]:
            """An output that has its name from a layer has it from the layer that now makes it."""
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
