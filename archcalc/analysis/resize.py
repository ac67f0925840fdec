"""Variations of a network: on other input sizes, or with fewer channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import replace

from archcalc.graph import Graph, Input, Node, Ref
from archcalc.numeric import Impossible
from archcalc.ops.base import Operator, Shape, Shapes
from archcalc.ops.view import View

FIRST_SIZES = 64
"""Sizes below this are tried one by one; beyond, each is a quarter larger than the one before."""


def resized(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """Return the network on inputs of other shapes.

    Raises:
        Impossible: no such network exists.
    """
    return _rebuilt(graph, lambda index, op: op, shapes)


def narrowed(graph: Graph, divisor: int) -> Graph:
    """Return the network with its channels and features divided by a number and rounded up.

    Inputs keep their channels, layers with connection tables their maps, and tensors whose features have a meaning of
    their own, such as offsets, these features.

    Raises:
        Impossible: branches or groups no longer fit together.
    """
    fixed, stored = _fixed(graph), _stored(graph)

    def change(index: int, op: Operator) -> Operator:
        if index in fixed:
            return op
        axis = _source_features(graph, index, stored) if op.arity == 0 else None
        return op.narrowed(divisor) if axis is None else op.narrowed_along(axis, divisor)

    return _rebuilt(graph, change, graph.inputs)


def _fixed(graph: Graph) -> set[int]:
    """Return the layers that determine features which a narrower network keeps."""
    found = set[int]()
    wanted = [
        ref.node
        for node in graph.nodes
        for place, ref in enumerate(node.inputs)
        if (argument := node.op.argument_of(place, len(node.inputs))) is not None and argument.fixed
    ]
    while wanted:
        index = wanted.pop()
        node = graph.nodes[index]
        if index not in found:
            found.add(index)
            wanted += [] if node.op.widths else [ref.node for ref in node.inputs]
    return found


def _stored(graph: Graph) -> set[int]:
    """Return the sources and the layers that read nothing else: what they compute depends on no input."""
    found = set[int]()
    for index, node in graph.layers():
        if all(ref.node in found for ref in node.inputs):
            found.add(index)
    return found


def _source_features(graph: Graph, index: int, stored: Set[int]) -> int | None:
    """Return the axis of features of a stored tensor, as its readers see it; ``None`` if it has none.

    Where layers reorder it, or join it with other stored tensors only, the readers of these layers decide.
    """
    shape, wanted = graph.nodes[index].output, graph.features_wanted.get(index)
    if wanted is not None:
        return {"first": 0, "last": len(shape) - 1}.get(wanted)
    for reader, node in graph.layers():
        place = next((place for place, ref in enumerate(node.inputs) if ref.node == index), None)
        if place is not None:
            matching = node.op.matching_axis(place, graph.input_shapes(node), [*map(graph.features_of, node.inputs)])
            if matching is not None:
                return matching
            features = _source_features(graph, reader, stored) if reader in stored else graph.feature_axes[reader]
            if node.op.reorders:
                return _reordered_from(node, shape, features)
            if features is None or len(shape) == len(node.output):
                return features
            return 0 if len(shape) == 1 and features == 0 else None
    return None


def _reordered_from(node: Node, shape: Shape, features: int | None) -> int | None:
    """Return the axis of a tensor of this shape that becomes the axis of features when a layer reorders it."""
    view = node.op.rearranged(View.of(shape), node.output)
    if view is None or features is None:
        return None
    return next((axis for axis in range(len(shape)) if view.source[axis] and view.holder(axis) == features), None)


def with_smallest_inputs(graph: Graph, min_size: int = 1) -> Graph:
    """Return the network on the smallest possible input with at least ``min_size`` positions per axis (or all
    that it has now)."""
    for size in _sizes(graph, min_size):
        shapes = {
            node.name: tuple([n if axis == features else min(n, size) for axis, n in enumerate(node.output)])
            for node, features in zip(graph.nodes, graph.feature_axes, strict=True)
            if node.is_input
        }
        try:
            return resized(graph, shapes)
        except Impossible:
            continue
    return graph


def _sizes(graph: Graph, min_size: int) -> Iterator[int]:
    size, largest = min_size, max((n for shape in graph.inputs.values() for n in shape), default=1)
    while size < largest:
        yield size
        size += 1 if size < FIRST_SIZES else size // 4


def _rebuilt(graph: Graph, change: Callable[[int, Operator], Operator], shapes: Mapping[str, Shape]) -> Graph:
    nodes: list[Node] = []
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            shape = tuple(shapes[node.name])
            nodes.append(replace(node, op=Input(shape), outputs=(shape,)))
            continue
        read = tuple([_shape(nodes, ref) for ref in node.inputs])
        op = _fitting(nodes, node, (change(index, node.op), node.op), read)
        nodes.append(replace(node, op=op, outputs=op.outputs(read)))
    return replace(graph, nodes=tuple(nodes))


def _fitting(nodes: list[Node], node: Node, candidates: tuple[Operator, ...], read: Shapes) -> Operator:
    """Return the first operator whose weights have the shapes of those that the layer shares with others.

    Raises:
        Impossible: there is none.
    """
    if not node.tied:
        return candidates[0]
    for op in candidates:
        shapes = {weight.name: weight.shape for weight in op.weights(read)}
        owners = {name: nodes[owner] for name, owner in node.tied.items()}
        stored = {name: _weight_shape(nodes, owner, name) for name, owner in owners.items()}
        if all(shapes[name] == shape for name, shape in stored.items()):
            return op
    raise Impossible("{what} would not fit the weights that it shares", what=node.name)


def _weight_shape(nodes: list[Node], owner: Node, name: str) -> Shape:
    weights = owner.op.weights(tuple([_shape(nodes, ref) for ref in owner.inputs]))
    return next(weight.shape for weight in weights if weight.name == name)


def _shape(nodes: list[Node], ref: Ref) -> Shape:
    return nodes[ref.node].outputs[ref.output]
