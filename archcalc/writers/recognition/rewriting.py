"""Changes of a graph: other operators in the place of layers, and layers that are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property

from archcalc.graph import Graph, Node, Ref
from archcalc.ops.base import Operator, Shape


def only_reorders(op: Operator) -> bool:
    """Return whether an operator makes the same elements in another order or shape; others repeat or reduce some."""
    return op.reorders and op.keeps_numbers


class Readers:
    """The layers that read each tensor of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def layers(self) -> dict[Ref, list[int]]:
        """The indices of the layers that read a tensor; a layer that reads it twice occurs twice."""
        found: dict[Ref, list[int]] = defaultdict(list)
        for index, node in enumerate(self.graph.nodes):
            for ref in node.inputs:
                found[ref].append(index)
        return found

    @cached_property
    def outputs(self) -> frozenset[int]:
        """The layers that make an output of the network."""
        graph = self.graph
        return frozenset(ref.node for ref in (*graph.outputs.values(), *graph.training_outputs.values()))

    def only(self, index: int) -> int | None:
        """Return the one layer that reads a layer, once; ``None`` if there are others, or it makes an output."""
        readers = [each for ref in self.graph.made_by(index) for each in self.layers.get(ref, ())]
        return readers[0] if len(readers) == 1 and index not in self.outputs else None

    def are_closed(self, layers: Collection[int], last: int) -> bool:
        """Return whether only these layers and the last one read them, and none makes an output or shares weights."""
        own = {*layers}
        read = {each for index in own for ref in self.graph.made_by(index) for each in self.layers.get(ref, ())}
        return read <= own | {last} and not own & self.outputs and not own & self.graph.sharing.keys()


class Rewriting:
    """The changes of a graph so far."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[int, Node] = {}
        """The layers that are replaced, by index."""
        self.read_instead: dict[Ref, Ref] = {}
        self.removed: set[int] = set()

    def replace(self, index: int, op: Operator, inputs: Sequence[Ref], path: tuple[str, ...] | None = None) -> None:
        """Replace the operator of a layer, and the tensors that it reads.

        Args:
            index: the layer.
            op: the operator, which must make a tensor of the same shape.
            inputs: the tensors that it reads.
            path: its path; by default, it keeps its own.
        """
        node = self.graph.nodes[index]
        shapes = tuple([self.shape(ref) for ref in inputs])
        path = node.path if path is None else path
        self.nodes[index] = replace(
            node, name="/".join(path), path=path, op=op, inputs=tuple(inputs), outputs=op.outputs(shapes)
        )

    def shape(self, ref: Ref) -> Shape:
        """Return the shape of a tensor, after the changes so far."""
        changed = self.nodes.get(ref.node)
        return self.graph.shape(ref) if changed is None else changed.outputs[ref.output]

    def leave_out(self, index: int, read: Ref) -> None:
        """Remove a layer; those that read it read another tensor."""
        self.read_instead[Ref(index)] = read
        self.removed.add(index)

    def remove(self, layers: Collection[int]) -> None:
        """Remove layers that nothing reads any more."""
        self.removed.update(layers)

    def finished(self) -> Graph:
        """Return the graph with the changes."""
        graph = self.graph
        kept = [index for index in range(len(graph.nodes)) if index not in self.removed]
        if len(kept) == len(graph.nodes) and not self.nodes:
            return graph
        numbers = {index: number for number, index in enumerate(kept)}

        def moved(ref: Ref) -> Ref:
            while ref in self.read_instead:
                ref = self.read_instead[ref]
            return Ref(numbers[ref.node], ref.output)

        nodes = []
        for index in kept:
            node = self.nodes.get(index, graph.nodes[index])
            tied = {name: numbers[owner] for name, owner in node.tied.items()}
            nodes.append(replace(node, inputs=tuple(map(moved, node.inputs)), tied=tied))
        populated = {node.stage for node in nodes}
        stages = {
            name: moved(ref)
            for name, ref in graph.stages.items()
            if ref.node not in self.removed or (ref in self.read_instead and name in populated)
        }
        return replace(
            graph,
            nodes=tuple(nodes),
            outputs={name: moved(ref) for name, ref in graph.outputs.items()},
            training_outputs={name: moved(ref) for name, ref in graph.training_outputs.items()},
            stages=stages,
        )
