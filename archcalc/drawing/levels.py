"""Levels of resolution: which layers of a U-shaped network are on which side of the U, and how far down."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import log2
from typing import NoReturn

from archcalc.graph import Graph, Ref
from archcalc.numeric import product
from archcalc.spec.errors import fail


@dataclass(frozen=True)
class Levels:
    """The layers of a U-shaped network by level, from the highest resolution to the lowest one."""

    left: tuple[tuple[int, ...], ...]
    """The encoder: the layers before the lowest resolution, by level."""
    right: tuple[tuple[int, ...], ...]
    """The decoder: the layers after it, by level."""
    bottom: tuple[int, ...]
    """The layers at the lowest resolution from which it increases again."""


def levels(graph: Graph, drawn: Collection[int], name: str) -> Levels:
    """Return the levels of a network.

    Args:
        graph: the network.
        drawn: the indices of its nodes that are drawn, in topological order.
        name: what the network is called in errors.

    Raises:
        SpecError: the resolution does not decrease and then increase again.
    """
    read = _resolved_by(graph, drawn)
    halvings: dict[int, int] = {}
    for index in drawn:
        main = read.get(index)
        halvings[index] = 0 if main is None else halvings[main.node] + _step(graph, index, main)
    steps = [(main.node, index, halvings[index] - halvings[main.node]) for index, main in read.items()]
    if all(step <= 0 for _, _, step in steps):
        _fail(name, "its resolution never decreases")
    lowest = max([halvings[source] for source, _, step in steps if step < 0], default=None)
    if lowest is None:
        _fail(name, "its resolution never increases")
    bottom = {index for index in drawn if halvings[index] >= lowest}  # also what only outputs of their own follow
    right: set[int] = set()
    for index in drawn:
        if index not in bottom and any(ref.node in bottom or ref.node in right for ref in graph.nodes[index].inputs):
            right.add(index)
    left = {*drawn} - bottom - right
    if not any(step > 0 and source in left for source, _, step in steps):
        _fail(name, "its resolution only decreases after it has increased")
    for source, index, step in steps:
        if source in right and (step > 0 or index in bottom):
            _fail(name, f"its resolution decreases again at '{graph.nodes[index].name}'")
        if index in left and step < 0:
            _fail(name, f"its resolution increases at '{graph.nodes[index].name}', before it is lowest")
    counts = sorted({halvings[index] for index in left | right})
    sides = [
        tuple([tuple([index for index in drawn if index in side and halvings[index] == count]) for count in counts])
        for side in (left, right)
    ]
    return Levels(sides[0], sides[1], tuple([index for index in drawn if index in bottom]))


def _fail(name: str, reason: str) -> NoReturn:
    hint = "--style graph draws every network"
    fail("argument", f"'{name[:60]}' is not U-shaped: {reason}", hint=hint, origin="--style")


def _resolved_by(graph: Graph, drawn: Collection[int]) -> dict[int, Ref]:
    """Return the tensor whose resolution each node has or changes: the first one that it reads with several positions.

    Inputs of the network have none, nor have stored tensors and what follows from them only.
    """
    found: dict[int, Ref] = {}
    for index in drawn:
        read = [ref for ref in graph.nodes[index].inputs if ref.node in found or graph.nodes[ref.node].is_input]
        if read:
            found[index] = next((ref for ref in read if _positions(graph, ref) > 1), read[0])
    return found


def _step(graph: Graph, index: int, read: Ref) -> int:
    """Return how often a node halves the resolution of a tensor; less than 0 if it increases the resolution.

    Global poolings and other layers with a single position before or after them, and reshapes to another number of
    axes, leave it as it is.
    """
    node, output = graph.nodes[index], Ref(index)
    axes = graph.position_axes(read)
    if min(_positions(graph, read), _positions(graph, output)) <= 1 or len(axes) != len(graph.position_axes(output)):
        return 0
    reach = node.op.windows(graph.input_shapes(node))[node.inputs.index(read)]
    windows = [window for axis in axes if (window := reach[axis]) is not None and window.known and window.stride]
    octaves = [round(log2(window.stride) - log2(window.up)) for window in windows]
    most, least = max(octaves, default=0), min(octaves, default=0)
    return most if most >= -least else least


def _positions(graph: Graph, ref: Ref) -> int:
    """Return the number of positions of a tensor."""
    shape = graph.shape(ref)
    return int(product(shape[axis] for axis in graph.position_axes(ref)))
