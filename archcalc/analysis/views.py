"""Chains of reshapes and transpositions in a graph, each as one view of the tensor that it begins with.

Windows of attention are cut by a reshape and joined again by another one; between them, layers combine the positions
of a window. `MixedViews` follows positions through both.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from archcalc.analysis.fields import Fields
from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import known_equal
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


class MixedViews:
    """The views of tensors whose positions are reordered, and combined along whole axes.

    They must be requested in the order of the nodes. A view begins where positions cannot be followed axis by axis, and
    ends where they can be again.
    """

    def __init__(self, graph: Graph) -> None:
        """Start without views."""
        self.graph = graph
        self.found: dict[int, tuple[Ref, View]] = {}

    def of(self, index: int, seen: Sequence[Fields]) -> tuple[Ref, View] | None:
        """Return the tensor that a node views, and the view; ``None`` if it is not a view of a single tensor.

        Args:
            index: the index of the node.
            seen: what the nodes up to it see of the inputs; empty for those that depend on none.
        """
        node = self.graph.nodes[index]
        if not node.op.reorders:
            found = self.combined(index, node, seen)
        else:
            (ref,) = node.inputs
            unknown = any(axis.is_unknown for field in seen[index].values() for axis in field)
            if ref.output or (ref.node not in self.found and not unknown):
                return None
            origin, view = self.found.get(ref.node, (ref, View.of(self.graph.shape(ref))))
            further = node.op.rearranged(view, node.output)
            found = None if further is None else (origin, further)
        if found is not None and found[1].entangles(self.graph.position_axes(found[0])):
            self.found[index] = found
        return found

    def combined(self, index: int, node: Node, seen: Sequence[Fields]) -> tuple[Ref, View] | None:
        """Return the view of a layer that only combines elements along whole axes of the views that it reads."""
        features = self.graph.feature_axes
        shapes = self.graph.input_shapes(node)
        result: tuple[Ref, View] | None = None
        for ref, shape, reach in zip(node.inputs, shapes, node.op.windows(shapes), strict=True):
            if not seen[ref.node]:
                continue
            read = self.found.get(ref.node)
            if read is None or ref.output or features[ref.node] != features[index] or len(shape) != len(node.output):
                return None
            origin, view = read
            positions = self.graph.position_axes(ref)
            windows = [(axis, reach[axis]) for axis in positions]
            if not all(window is None or window.is_pointwise for _, window in windows):
                return None
            if not all(known_equal(shape[axis], node.output[axis]) for axis in positions):
                return None
            view = view.combined([axis for axis, window in windows if window is None], features[index], node.output)
            if result is None:
                result = origin, view
                continue
            united = result[1].united(view, features[index]) if result[0] == origin else None
            if united is None:
                return None
            result = origin, united
        return result
