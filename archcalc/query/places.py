"""What targets refer to: a layer, several layers under one name (a stage, head, input or block call), or the
network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archcalc.graph import Graph, Ref
from archcalc.query.quantities import Scope
from archcalc.spec.errors import suggest


@dataclass(frozen=True, slots=True)
class Place:
    """A layer, a group of layers under one name, or the network as a whole."""

    name: str
    """The name in targets; empty for the network."""
    scope: Scope
    layers: tuple[int, ...]
    """The indices of its layers among the nodes; for the network, of those that count in the totals."""
    tensor: Ref
    """Its output; for the network, the main output."""


def heads_in(targets: Iterable[str]) -> frozenset[str]:
    """Return the stages that targets name: training heads are needed if they are among them."""
    return frozenset(target.rpartition(".")[0].partition("/")[0] for target in targets)


def find_place(name: str, graph: Graph, *, training: bool = False) -> Place:
    """Return what a name refers to.

    Args:
        name: the name of a layer, stage, head, input or block call; empty for the network.
        graph: the graph; its sizes may be of any kind of number.
        training: whether training heads count for the network.

    Raises:
        LookupError: the name refers to nothing; the arguments are a message and a hint.
    """
    if not name:
        counted = tuple([index for index, _ in graph.running(training=training)])
        return Place(name, "network", counted, next(iter(graph.outputs.values())))
    tensor = graph.find(name)
    if tensor is None:
        if impossible := graph.impossible_head(name):
            raise LookupError(impossible, "")
        known = dict.fromkeys([*graph.stages, *(node.name for node in graph.nodes)])
        hint = suggest(name, known, "`archcalc show --depth all` lists the layers")
        raise LookupError(f"no layer or stage '{name[:60]}'", hint)
    for index, node in graph.layers():
        if node.name == name:
            return Place(name, "layer", (index,), tensor)
    path = tuple(name.split("/"))
    inside = tuple([index for index, node in graph.layers() if node.path[: len(path)] == path])
    return Place(name, "stage", inside, tensor)
