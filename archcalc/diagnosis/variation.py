"""Variations of a network under mistakes: operators or their inputs are changed, and the same formulas run again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from archcalc.analysis.counts import Counts, counts_of
from archcalc.graph import Graph, Node
from archcalc.ops.base import Operator, Shape, Shapes


class Site(NamedTuple):
    """An operator of a network with the shapes of its inputs."""

    op: Operator
    inputs: Shapes

    @property
    def shape(self) -> Shape:
        """The shape of the first input; without axes if there is none."""
        return self.inputs[0] if self.inputs else ()


Change: TypeAlias = Callable[[Site], Site | None]
"""Returns the site as a mistake changes it; ``None`` if the mistake cannot be made there."""


OutputChange: TypeAlias = Callable[[Site], Shape | None]
"""Returns the shape that a mistake takes the (only) output of a site for; ``None`` if it cannot be made there."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rewrite:
    """A mistake that replaces the operator of a layer or its input, or takes its output for another one."""

    change: Change | None = None
    output: OutputChange | None = None
    propagates: bool = True
    """Whether later layers read the changed output (mistakes about shapes), not the correct one (mistakes in
    counting)."""


@dataclass(frozen=True, eq=False)
class Variation:
    """The changes of a graph under mistakes: the sites and the output shapes that differ, by node."""

    graph: Graph
    sites: Mapping[int, Site]
    outputs: Mapping[int, Shapes]
    taken: Mapping[int, Shapes]
    """The outputs that are taken for others than those of their layers."""

    def counts(self, node: int) -> Counts:
        """Return the counts of a changed node."""
        site = self.sites[node]
        return counts_of(site.op, site.inputs, self.taken.get(node) or site.op.outputs(site.inputs))

    def shapes(self, node: int) -> Shapes:
        """Return the output shapes of a node."""
        return self.outputs.get(node) or self.graph.nodes[node].outputs

    def whole_graph(self) -> Graph:
        """Return the graph with the changed operators and shapes."""
        nodes = tuple(
            replace(node, op=self.sites[index].op if index in self.sites else node.op, outputs=self.shapes(index))
            for index, node in enumerate(self.graph.nodes)
        )
        return replace(self.graph, nodes=nodes)

    def changed_graph(self) -> Graph:
        """Return the graph with the changed operators and the original shapes.

        Receptive fields depend on sizes at borders only, which do not matter to mistakes about windows.
        """
        nodes = tuple(
            replace(node, op=self.sites[index].op) if index in self.sites else node
            for index, node in enumerate(self.graph.nodes)
        )
        return replace(self.graph, nodes=nodes)


def vary(
    graph: Graph,
    rewrites: Sequence[Rewrite],
    *,
    where: Collection[int] | None = None,
    last: int | None = None,
    given: Mapping[int, Shapes] | None = None,
) -> Variation | None:
    """Return the variation of a graph under mistakes; ``None`` if they change nothing or one of them is not possible.

    Args:
        graph: any graph.
        rewrites: the mistakes; each must be possible at some node.
        where: the nodes at which they are made; ``None`` means all nodes.
        last: the last node to evaluate; ``None`` means the last one of the graph.
        given: output shapes of nodes that replace the computed ones.

    Raises:
        Impossible: a layer cannot exist on its changed inputs.
    """
    outputs: dict[int, Shapes] = dict(given or {})
    taken: dict[int, Shapes] = {}
    sites: dict[int, Site] = {}
    made = [False] * len(rewrites)
    first = 0 if where is None else min([*where, *outputs], default=0)
    for index in range(first, len(graph.nodes) if last is None else last + 1):
        node = graph.nodes[index]
        if not node.inputs:
            continue  # an input, or another source
        reads_changes = any(ref.node in outputs for ref in node.inputs)
        here = where is None or index in where
        if not (reads_changes or here):
            continue
        correct = _site(graph, node, outputs) if reads_changes else Site(node.op, graph.input_shapes(node))
        counted = flowing = correct
        output: Shape | None = None
        if here:
            for number, rewrite in enumerate(rewrites):
                if rewrite.output is not None:
                    output = rewrite.output(correct)
                    made[number] |= output is not None
                changed = rewrite.change(counted) if rewrite.change is not None else None
                if changed is None:
                    continue
                made[number] = True
                counted = changed
                if rewrite.change is not None and rewrite.propagates:
                    flowing = rewrite.change(flowing) or flowing
        if reads_changes or counted is not correct or flowing is not correct or output is not None:
            sites[index] = counted
            if output is not None:
                taken[index] = outputs[index] = (output,)
            elif (reads_changes or flowing is not correct) and not (given and index in given):
                shapes = flowing.op.outputs(flowing.inputs)
                if shapes != node.outputs:
                    outputs[index] = shapes
    return Variation(graph, sites, outputs, taken) if all(made) and (sites or outputs) else None


def _site(graph: Graph, node: Node, outputs: Mapping[int, Shapes]) -> Site:
    return Site(
        node.op,
        tuple([(outputs.get(ref.node) or graph.nodes[ref.node].outputs)[ref.output] for ref in node.inputs]),
    )
