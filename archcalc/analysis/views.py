"""Chains of reshapes and transpositions in a graph, each as one view of the tensor that it begins with."""

from __future__ import annotations

from collections.abc import Collection

from archcalc.graph import Graph, Ref
from archcalc.ops.view import View


def views(graph: Graph, stops: Collection[int] = ()) -> dict[int, tuple[Ref, View]]:
    """Return the tensor that each reordering node views, and the view, by the index of the node.

    Args:
        graph: the graph.
        stops: the indices of nodes that no view passes through.
    """
    found: dict[int, tuple[Ref, View]] = {}
    for index, node in enumerate(graph.nodes):
        if index in stops or not node.op.reorders:
            continue
        (ref,) = node.inputs
        first = found.get(ref.node)
        origin, view = first if first is not None else (ref, View.of(graph.shape(ref)))
        further = node.op.rearranged(view, node.output)
        if further is not None:
            found[index] = origin, further
    return found
