"""Inputs with the channels last, as TensorFlow has them: read channels first if the model turns them at once.

Receptive fields and the names of sizes follow the axes behind the channels. Where a model only scales such an input
before its channels become the first axis, that transposition is moved to the input.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

SCALING = frozenset(("Add", "Div", "Identity", "Mul", "Sub"))
"""The operators that may be before the transposition: on each element, with constants for all elements or channels."""

MIN_AXES = 3
"""The number of axes of an input that has positions: the batch, a position, and the channels."""


def put_channels_first(graph: Any, without_batch: Collection[str] = ()) -> list[str]:
    """Put the channels of inputs first where a graph allows it, and return the names of these inputs.

    Args:
        graph: the graph, which is changed.
        without_batch: the inputs whose first axis is not the batch, so that their last one need not be the channels.
    """
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for each in graph.output:
        readers.setdefault(each.name, []).append(None)
    stored = {each.name: each for each in graph.initializer}
    changed = []
    for given in graph.input:
        dims = given.type.tensor_type.shape.dim
        if given.name in stored or given.name in without_batch or len(dims) < MIN_AXES:
            continue
        way = list(_way_to_transposition(given.name, len(dims), readers, stored))
        if not way or way[-1].op_type != "Transpose":
            continue
        *scaling, transposition = way
        copies = [type(dims[0]).FromString(each.SerializeToString()) for each in dims]
        for dim, other in zip(dims, [copies[0], copies[-1], *copies[1:-1]], strict=True):
            dim.CopyFrom(other)
        for node in scaling:
            _turn_constants(graph, node, stored, readers, len(dims))
        transposition.op_type = "Identity"
        del transposition.attribute[:]
        changed.append(given.name)
    return changed


def _way_to_transposition(name: str, rank: int, readers: dict[str, list[Any]], stored: dict[str, Any]) -> Iterator[Any]:
    """Yield the nodes from an input to the transposition that puts its channels first, if they are the only readers."""
    order = [0, rank - 1, *range(1, rank - 1)]
    while True:
        reading = readers.get(name, [])
        if len(reading) != 1 or reading[0] is None or reading[0].domain:
            return
        (node,) = reading
        if node.op_type == "Transpose":
            if any(each.name == "perm" and list(each.ints) == order for each in node.attribute):
                yield node
            return
        constants = [stored.get(other) for other in node.input if other != name]
        fits = all(each is not None and _is_per_channel(each.dims, rank) for each in constants)
        if node.op_type not in SCALING or not fits or len(node.output) != 1:
            return
        yield node
        name = node.output[0]


def _is_per_channel(sizes: Sequence[int], rank: int) -> bool:
    return len(sizes) <= rank and all(size == 1 for size in sizes[:-1])


def _turn_constants(graph: Any, node: Any, stored: dict[str, Any], readers: dict[str, list[Any]], rank: int) -> None:
    """Give the constants of a node the sizes that belong to inputs with the channels first; their numbers stay."""
    for index, name in enumerate(node.input):
        if name not in stored or not stored[name].dims:
            continue
        turned = stored[name]
        if len(readers[name]) > 1:  # other nodes need it as it is
            turned = graph.initializer.add()
            turned.CopyFrom(stored[name])
            turned.name = node.input[index] = f"{name}=turned"
        turned.dims[:] = [turned.dims[-1], *[1] * (rank - 2)]
