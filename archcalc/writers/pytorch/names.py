"""The names of parameters in a ``state_dict``, and the lines by which modules share them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence

from archcalc.executor.weights import own_shapes, stored_shapes
from archcalc.graph import Graph
from archcalc.readers.checkpoints.array_names import SIMPLE
from archcalc.writers.code.calls import LayerCode, literal
from archcalc.writers.code.classes import Classes, ModulePlace
from archcalc.writers.code.modules import Module
from archcalc.writers.code.names import is_identifier


def names_of_arrays(graph: Graph, codes: Mapping[int, LayerCode], classes: Classes) -> dict[str, tuple[str, ...]]:
    """Return the names in the ``state_dict`` of each stored array, by ``layer.array``."""
    found: dict[str, tuple[str, ...]] = {}
    for place in classes.places():
        node = graph.nodes[place.layer]
        for array in own_shapes(graph, node):
            found[f"{node.name}.{array}"] = _names(codes, classes, place, array)
    return found


def _names(codes: Mapping[int, LayerCode], classes: Classes, place: ModulePlace, array: str) -> tuple[str, ...]:
    label, *names = codes[place.first].arrays.get(array, ("", SIMPLE.get(array, array)))
    own = classes.part_names[place.module, label]
    return tuple([".".join(filter(None, (*place.path, own, name))) for name in names])


def tied_lines(graph: Graph, codes: Mapping[int, LayerCode], classes: Classes) -> Iterator[str]:
    """Yield the statements by which modules in other places share parameters."""
    places = {place.layer: place for place in classes.places()}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for index, place in places.items():
        node = graph.nodes[index]
        for array in stored_shapes(graph, node):
            if array in node.tied and node.tied[array] in places:
                own = _names(codes, classes, place, array)
                other = _names(codes, classes, places[node.tied[array]], array)
                shared |= {(*one.split("."),): (*two.split("."),) for one, two in zip(own, other, strict=True)}
    stored = {
        (*name.split("."),): codes[place.first].key
        for place in places.values()
        for array in stored_shapes(graph, graph.nodes[place.layer])
        for name in _names(codes, classes, place, array)
    }
    numbered = _numbered(places.values(), classes)
    for (*path, name), other in _joined(shared, stored).items():
        holder = _module(path, numbered)
        if is_identifier(name):
            yield f"{holder}.{name} = {_module(other, numbered)}"
        else:
            yield f"setattr({holder}, {literal(name)}, {_module(other, numbered)})"


def _numbered(places: Iterable[ModulePlace], classes: Classes) -> set[tuple[str, ...]]:
    """Return the paths of modules in which the names of all parts are numbers from 0 on."""
    own = defaultdict[Module, list[str]](list)
    for (module, _), name in classes.part_names.items():
        own[module].append(name)
    parts = defaultdict[tuple[str, ...], dict[str, None]](dict)
    for place in places:
        for name in own[place.module]:
            path = (*place.path, name)
            for depth, each in enumerate(path):
                parts[path[:depth]][each] = None
    return {path for path, names in parts.items() if [*names] == [str(number) for number in range(len(names))]}


def _joined(
    shared: Mapping[tuple[str, ...], tuple[str, ...]], stored: Mapping[tuple[str, ...], Hashable]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return whole modules in place of parameters where a module shares all that it stores with another."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for own, other in shared.items():
        depth = next(
            depth
            for depth in range(1, len(own) + 1)
            if depth == len(own) or _is_shared(own[:depth], other[: len(other) - len(own) + depth], shared, stored)
        )
        found[own[:depth]] = other[: len(other) - len(own) + depth]
    return found


def _is_shared(
    own: tuple[str, ...],
    other: tuple[str, ...],
    shared: Mapping[tuple[str, ...], tuple[str, ...]],
    stored: Mapping[tuple[str, ...], Hashable],
) -> bool:
    """Return whether two modules store the same parameters for the same layers."""
    if not other or own == other:
        return False
    inside = {name[len(own) :]: code for name, code in stored.items() if name[: len(own)] == own}
    theirs = {name[len(other) :]: code for name, code in stored.items() if name[: len(other)] == other}
    return inside == theirs and all(shared.get((*own, *rest)) == (*other, *rest) for rest in inside)


def _module(path: Sequence[str], numbered: Container[tuple[str, ...]]) -> str:
    """Return the expression for a module or parameter; those in a sequence that is numbered from 0 have an index."""
    text = "self"
    for place, name in enumerate(path):
        if is_identifier(name):
            text += f".{name}"
        elif tuple(path[:place]) in numbered:
            text += f"[{name}]"
        else:
            text = f"getattr({text}, {literal(name)})"
    return text
