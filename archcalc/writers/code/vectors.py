"""Slices that take one vector of several, such as that of a class token: ``x[:, 0]`` instead of ``x[:, 0:1]``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from archcalc.graph import Graph, Node, Ref
from archcalc.writers.code.classes import readers_in
from archcalc.writers.code.registry import LayerContext, Sizes

FLATTENING = frozenset(("fc", "flatten"))
"""Operators to which an axis of size 1 makes no difference."""


def vectors_taken(graph: Graph) -> frozenset[int]:
    """Return the indices of the slices whose axis can be left out: only layers next to them that flatten read them."""
    readers = readers_in(graph)
    returned = {*graph.outputs.values(), *graph.training_outputs.values()}

    def is_taken(index: int, node: Node) -> bool:
        op: Any = node.op
        if op.name != "slice" or len(node.output) != 2 or node.output[op.axis] != 1:
            return False
        reading = [graph.nodes[reader] for reader in readers[Ref(index)]]
        return Ref(index) not in returned and all(
            each.op.name in FLATTENING and each.path[:-1] == node.path[:-1] for each in reading
        )

    return frozenset([index for index, node in enumerate(graph.nodes) if is_taken(index, node)])


def shapes_read(graph: Graph, node: Node, taken: Collection[int]) -> tuple[Sizes, ...]:
    """Return the shapes of the tensors that a layer reads, without the axes that are left out."""
    shapes = [tuple(map(int, shape)) for shape in graph.input_shapes(node)]
    return tuple(
        [
            _taken(shape, graph.nodes[ref.node].op) if ref.node in taken else shape
            for ref, shape in zip(node.inputs, shapes, strict=True)
        ]
    )


def shape_made(node: Node, index: int, taken: Collection[int]) -> Sizes:
    """Return the shape of what a layer makes, without an axis that is left out."""
    shape = tuple(map(int, node.output))
    return _taken(shape, node.op) if index in taken else shape


def selection(context: LayerContext) -> str:
    """Return what a slice takes of its axis, as in brackets: one index where the axis is left out."""
    op = context.op
    if len(context.output) < len(context.shape):
        return str(op.range[0] or 0)
    sides = ":".join("" if side is None else str(side) for side in op.range)
    return f"{sides}:{op.step}" if op.step != 1 else sides


def _taken(shape: Sizes, op: Any) -> Sizes:
    axis = op.axis % len(shape)
    return (*shape[:axis], *shape[axis + 1 :])
