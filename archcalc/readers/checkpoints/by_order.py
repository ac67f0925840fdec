"""Layers and tensors with different names: which belong together, by their shapes and their order.

They do only if all layers and all tensors fit, since layers with the same shapes could be confused otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from archcalc.arrays.texts import shape_text
from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph, Node
from archcalc.readers.checkpoints.array_names import namings
from archcalc.readers.checkpoints.checkpoint import CheckpointTensor
from archcalc.readers.checkpoints.sources import Naming, WeightSource, in_module, names_of, other_shape, without_ones

LEARNED = "value"
"""The array of layers that are only a learned tensor: a file has them before the other tensors of their module."""
MODULE_ARRAYS = ("weight", "bias")
"""The names of tensors that are not a learned layer, but belong to a module of another kind."""


class OrderMatch(NamedTuple):
    """The tensors of layers, or why the order does not tell which these are."""

    namings: Sequence[Naming] = ()
    """The tensors of every layer; empty if they do not fit."""
    reason: str = ""
    """The first difference, as a sentence; empty if all fit."""


def by_order(
    graph: Graph, nodes: Sequence[Node], tensors: Mapping[str, CheckpointTensor], separator: str
) -> OrderMatch:
    """Return the tensors of every layer.

    Args:
        graph: the network.
        nodes: the layers, in the order of the graph.
        tensors: the tensors, in the order of the file.
        separator: what separates the names of modules.
    """
    learned = [node for node in nodes if _is_learned(graph, node)]
    shapes = {without_ones(stored_shapes(graph, node)[LEARNED]) for node in learned}
    names = [*tensors]
    alone: list[str] = []
    found: dict[str, Naming] = {}
    at = 0

    def skip() -> bool:
        """Pass a tensor that may be one of the learned layers, which a file has before or among the others."""
        nonlocal at
        if at == len(names) or names[at].rpartition(separator)[2] in MODULE_ARRAYS:
            return False
        if without_ones(tensors[names[at]].shape) not in shapes:
            return False
        alone.append(names[at])
        at += 1
        return True

    for node in nodes:
        if _is_learned(graph, node):
            continue
        while (naming := _next(graph, node, names, at, tensors, separator)) is None:
            if not skip():
                needed = ", ".join(f"{name} {shape_text(shape)}" for name, shape in stored_shapes(graph, node).items())
                return OrderMatch(
                    reason=f"{node.name} needs {needed}, where the file has {_listed(names, at, tensors)}"
                )
        found[node.name] = naming
        at += len(names_of(naming))
    while skip():
        pass
    if at < len(names):
        return OrderMatch(reason=f"after the last layer, the file has {_listed(names, at, tensors)}")
    for index, node in enumerate(learned):
        shape = stored_shapes(graph, node)[LEARNED]
        if index >= len(alone) or without_ones(tensors[alone[index]].shape) != without_ones(shape):
            reason = f"{node.name} needs {shape_text(shape)}, where the file has {_listed(alone, index, tensors)}"
            return OrderMatch(reason=reason)
        found[node.name] = {LEARNED: WeightSource((alone[index],))}
    if len(alone) > len(learned):
        return OrderMatch(reason=f"after the last layer, the file has {_listed(alone, len(learned), tensors)}")
    return OrderMatch([found[node.name] for node in nodes])


def _is_learned(graph: Graph, node: Node) -> bool:
    """Return whether a layer is only a learned tensor."""
    return [*stored_shapes(graph, node)] == [LEARNED]


def _listed(names: Sequence[str], at: int, tensors: Mapping[str, CheckpointTensor]) -> str:
    """Return a tensor with its shape in words."""
    return f"'{names[at]}' ({shape_text(tensors[names[at]].shape)})" if at < len(names) else "no more tensors"


def _next(
    graph: Graph, node: Node, names: Sequence[str], at: int, tensors: Mapping[str, CheckpointTensor], separator: str
) -> Naming | None:
    """Return the tensors from an index on as those of a layer; ``None`` if they are not."""
    shapes = stored_shapes(graph, node)
    for naming in namings(graph, node):
        needed = names_of(naming)
        taken = names[at : at + len(needed)]
        for module in _modules(taken[0], needed, separator) if len(taken) == len(needed) else ():
            full = in_module(naming, module, separator)
            if names_of(full) == {*taken} and not any(other_shape(full[each], shapes[each], tensors) for each in full):
                return full
    return None


def _modules(name: str, needed: Collection[str], separator: str) -> Iterator[str]:
    """Yield the modules in which a tensor has one of some names."""
    for local in needed:
        if not local:
            yield name
        elif name == local:
            yield ""
        elif name.endswith(f"{separator}{local}"):
            yield name.removesuffix(f"{separator}{local}")
