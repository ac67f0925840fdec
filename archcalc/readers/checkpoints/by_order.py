"""Layers and tensors with different names: which belong together, by their shapes and their order.

They do only if all layers and all tensors fit, since layers with the same shapes could be confused otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from archcalc.arrays.texts import shape_text
from archcalc.executor.kernel import Sizes
from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph, Node
from archcalc.readers.checkpoints.array_names import namings
from archcalc.readers.checkpoints.checkpoint import Tensor
from archcalc.readers.checkpoints.sources import Naming, Source, in_module, names_of, other_shape, without_ones

LEARNED = "value"
"""The array of layers that are only a learned tensor. They have no fixed place among the others."""


class Ordered(NamedTuple):
    """The tensors of layers, or why the order does not tell which these are."""

    namings: Sequence[Naming] = ()
    """The tensors of every layer; empty if they do not fit."""
    reason: str = ""
    """The first difference, as a sentence; empty if all fit."""


def by_order(graph: Graph, nodes: Sequence[Node], tensors: Mapping[str, Tensor], separator: str) -> Ordered:
    """Return the tensors of every layer.

    Args:
        graph: the network.
        nodes: the layers, in the order of the graph.
        tensors: the tensors, in the order of the file.
        separator: what separates the names of modules.
    """
    learned = _learned(graph, nodes, tensors)
    taken = {name for naming in learned.values() for name in names_of(naming)}
    rest = [name for name in tensors if name not in taken]
    found: list[Naming] = []
    at = 0
    for node in nodes:
        naming = learned.get(node.name) or _next(graph, node, rest, at, tensors, separator)
        if naming is None:
            needed = ", ".join(f"{name} {shape_text(shape)}" for name, shape in stored_shapes(graph, node).items())
            return Ordered(reason=f"{node.name} needs {needed}, where the file has {_listed(rest, at, tensors)}")
        found.append(naming)
        at += 0 if node.name in learned else len(names_of(naming))
    if at < len(rest):
        return Ordered(reason=f"after the last layer, the file has {_listed(rest, at, tensors)}")
    return Ordered(found)


def _listed(names: Sequence[str], at: int, tensors: Mapping[str, Tensor]) -> str:
    """Return a tensor with its shape in words."""
    return f"'{names[at]}' ({shape_text(tensors[names[at]].shape)})" if at < len(names) else "no more tensors"


def _learned(graph: Graph, nodes: Sequence[Node], tensors: Mapping[str, Tensor]) -> dict[str, Naming]:
    """Return the tensors of learned layers that are the only ones with their shapes, by name of the layer."""
    layers: dict[Sizes, list[Node]] = defaultdict(list)
    for node in nodes:
        for array, shape in stored_shapes(graph, node).items():
            if array not in node.tied:
                layers[without_ones(shape)].append(node)
    stored: dict[Sizes, list[str]] = defaultdict(list)
    for name, tensor in tensors.items():
        stored[without_ones(tensor.shape)].append(name)
    return {
        same[0].name: {LEARNED: Source((stored[shape][0],))}
        for shape, same in layers.items()
        if [*stored_shapes(graph, same[0])] == [LEARNED] and len(same) == len(stored[shape]) == 1
    }


def _next(
    graph: Graph, node: Node, names: Sequence[str], at: int, tensors: Mapping[str, Tensor], separator: str
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
