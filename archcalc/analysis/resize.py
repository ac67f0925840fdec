"""The same network on other input sizes, or with fewer channels: small enough to be gone through in detail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from archcalc.graph import Graph, Input, Node, Ref
from archcalc.numeric import Impossible
from archcalc.ops.base import Operator, Shape

FIRST_SIZES = 64
"""Sizes that are tried one by one before they grow by a quarter at a time."""


def resized(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """The network on inputs of other shapes.

    Raises:
        Impossible: there is no such network.
    """
    return _rebuilt(graph, lambda op: op, shapes)


def narrowed(graph: Graph, divisor: int) -> Graph:
    """The network with as many channels and features as it has, divided by a number and rounded up.

    Inputs keep their channels, connection tables their maps.

    Raises:
        Impossible: its branches or groups do not fit together any more.
    """
    return _rebuilt(graph, lambda op: op.narrowed(divisor), graph.inputs)


def smallest(graph: Graph, least: int = 1) -> Graph:
    """The network on the smallest input it can have, of at least so many positions per axis (or as many as it has)."""
    for size in _sizes(graph, least):
        shapes = {name: (shape[0], *(min(n, size) for n in shape[1:])) for name, shape in graph.inputs.items()}
        try:
            return resized(graph, shapes)
        except Impossible:
            continue
    return graph


def _sizes(graph: Graph, least: int) -> Iterator[int]:
    size, largest = least, max((n for shape in graph.inputs.values() for n in shape[1:]), default=1)
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
        op = change(node.op)
        read = tuple([_shape(nodes, ref) for ref in node.inputs])
        nodes.append(replace(node, op=op, outputs=op.outputs(read)))
    return replace(graph, nodes=tuple(nodes))


def _shape(nodes: list[Node], ref: Ref) -> Shape:
    return nodes[ref.node].outputs[ref.output]
