"""A network under a mistake: operators or their inputs changed, and the same formulas run again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from archcalc.analysis.counts import Counts, counts_of
from archcalc.graph import Graph, Node
from archcalc.ops.base import Operator, Shape, Shapes


class Site(NamedTuple):
    """An operator where it stands: with the shapes that it reads."""

    op: Operator
    inputs: Shapes

    @property
    def shape(self) -> Shape:
        """The shape of the first input."""
        return self.inputs[0]

    def counts(self) -> Counts:
        """What is counted of it."""
        return counts_of(self.op, self.inputs, self.op.outputs(self.inputs))


Change: TypeAlias = Callable[[Site], Site | None]
"""What a mistake makes of a layer; ``None`` where it cannot be made."""


@dataclass(frozen=True, eq=False)
class Rewrite:
    """A mistake that takes a layer for another one, or its input."""

    change: Change
    flows: bool
    """Whether later layers read what comes out (a mistake about shapes), or the right shape (a mistake in counting)."""


@dataclass(frozen=True, eq=False)
class Variation:
    """What changes in a graph under mistakes: the sites that differ, and the shapes."""

    graph: Graph
    sites: Mapping[int, Site]
    outputs: Mapping[int, Shapes]

    def shapes(self, node: int) -> Shapes:
        """What a node puts out."""
        return self.outputs.get(node) or self.graph.nodes[node].outputs

    def changed_graph(self) -> Graph:
        """The graph with the changed operators, between tensors of their old shapes.

        Receptive fields depend on sizes nowhere but at a border, where a wrong idea of the windows meets no right size.
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
    """The graph as it is under mistakes; ``None`` where they change nothing.

    Args:
        graph: any graph.
        rewrites: the mistakes; each must be possible somewhere.
        where: the nodes at which they are made; ``None``: everywhere.
        last: the last node that matters.
        given: what nodes put out, whatever they compute.

    Raises:
        Impossible: some layer cannot exist on what it then reads.
    """
    outputs: dict[int, Shapes] = dict(given or {})
    sites: dict[int, Site] = {}
    made = [False] * len(rewrites)
    first = 0 if where is None else min([*where, *outputs], default=0)
    for index in range(first, len(graph.nodes) if last is None else last + 1):
        node = graph.nodes[index]
        if node.is_input:
            continue
        reads_changes = any(ref.node in outputs for ref in node.inputs)
        here = where is None or index in where
        if not (reads_changes or here):
            continue
        right = _site(graph, node, outputs) if reads_changes else Site(node.op, graph.input_shapes(node))
        counted = flowing = right
        if here:
            for number, rewrite in enumerate(rewrites):
                changed = rewrite.change(counted)
                if changed is None:
                    continue
                made[number] = True
                counted = changed
                if rewrite.flows:
                    flowing = rewrite.change(flowing) or flowing
        if reads_changes or counted is not right or flowing is not right:
            sites[index] = counted
            if (reads_changes or flowing is not right) and not (given and index in given):
                shapes = flowing.op.outputs(flowing.inputs)
                if shapes != node.outputs:
                    outputs[index] = shapes
    return Variation(graph, sites, outputs) if all(made) and (sites or outputs) else None


def _site(graph: Graph, node: Node, outputs: Mapping[int, Shapes]) -> Site:
    return Site(
        node.op,
        tuple([(outputs.get(ref.node) or graph.nodes[ref.node].outputs)[ref.output] for ref in node.inputs]),
    )
