"""Joins of many tensors, some of which another join has joined."""

from __future__ import annotations

from archcalc.graph import Graph, Ref
from archcalc.ops.joins import Concat
from archcalc.writers.recognition.rewriting import Rewriting


def with_nested_concatenations(graph: Graph) -> Graph:
    """Return a graph in which a concatenation reads another one that has its first tensors, as in a dense block."""
    rewriting = Rewriting(graph)
    known: dict[tuple[int, tuple[Ref, ...]], int] = {}
    for index, node in graph.layers():
        if not isinstance(node.op, Concat) or node.op.crop != "none":
            continue
        axis = node.op.axis % len(node.output)
        for count in range(len(node.inputs) - 1, 1, -1):
            earlier = known.get((axis, node.inputs[:count]))
            if earlier is not None:
                rewriting.replace(index, node.op, (Ref(earlier), *node.inputs[count:]))
                break
        known[axis, node.inputs] = index
    return rewriting.finished()
