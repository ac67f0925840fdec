"""Variations of a network: on other input sizes, or with fewer channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from archcalc.graph import Graph, Input, Node, Ref
from archcalc.numeric import Impossible
from archcalc.ops.base import Operator, Shape, Shapes

FIRST_SIZES = 64
"""Sizes below this are tried one by one; beyond, each is a quarter larger than the one before."""


def resized(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """Return the network on inputs of other shapes.

    Raises:
        Impossible: no such network exists.
    """
    return _rebuilt(graph, lambda op: op, shapes)


def narrowed(graph: Graph, divisor: int) -> Graph:
    """Return the network with its channels and features divided by a number and rounded up.

    Inputs keep their channels, and layers with connection tables their maps.

    Raises:
        Impossible: branches or groups no longer fit together.
    """
    return _rebuilt(graph, lambda op: op.narrowed(divisor), graph.inputs)


def smallest(graph: Graph, min_size: int = 1) -> Graph:
    """Return the network on the smallest possible input with at least ``min_size`` positions per axis (at most as
    now)."""
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


def _rebuilt(graph: Graph, change: Callable[[Operator], Operator], shapes: Mapping[str, Shape]) -> Graph:
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.is_input:
            shape = tuple(shapes[node.name])
            nodes.append(replace(node, op=Input(shape), outputs=(shape,)))
            continue
        read = tuple([_shape(nodes, ref) for ref in node.inputs])
        op = _fitting(nodes, node, (change(node.op), node.op), read)
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
