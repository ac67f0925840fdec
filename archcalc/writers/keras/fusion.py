"""Activations as arguments of the layers before them."""

from __future__ import annotations

from collections import Counter

from archcalc.graph import Graph, Ref
from archcalc.writers.code.classes import shared_with
from archcalc.writers.code.modules import Module
from archcalc.writers.keras.activation import word_for

ACTIVATED = frozenset(("conv", "dwconv", "sepconv", "upconv", "fc", "linear"))
"""Operators whose layers in Keras have an activation."""


def fuse_activations(root: Module, graph: Graph) -> None:
    """Join activations with the layers that they follow, in a tree of modules: one leaf stands for both."""
    uses = Counter(ref for node in graph.nodes for ref in node.inputs)
    uses.update([*graph.outputs.values(), *graph.training_outputs.values()])
    whole = {index for each in inline_sharing(root, graph) for index in each.nodes}
    for index, node in enumerate(graph.nodes):  # a layer that is called in several places has no activation
        if node.tied and index not in whole:
            uses.update([Ref(index), *map(Ref, node.tied.values())])
    _fuse(root, graph, uses)


def inline_sharing(module: Module, graph: Graph) -> list[Module]:
    """Put the layers of modules in place of those that share weights with layers elsewhere, in a tree of modules.

    A layer that is called in several places is constructed in the function that calls it. Returned are the modules that
    share all that they store with an earlier one, and remain.
    """
    ends = {end for index, node in enumerate(graph.nodes) for owner in node.tied.values() for end in (index, owner)}
    parts = {child.nodes.start: len(child.nodes) for child in module.children if not child.is_layer}
    whole = [(shared_with(graph, child.nodes), child.nodes) for child in module.children if not child.is_layer]
    kept = {start for owner, own in whole if parts.get(owner or 0) == len(own) for start in (owner, own.start)}
    found: list[Module] = []
    remaining: list[Module] = []
    for child in module.children:
        if child.is_layer or child.nodes.start in kept or not ends.intersection(child.nodes):
            found.append(child)
            remaining += [] if child.is_layer or child.nodes.start not in kept else [child]
            continue
        remaining += inline_sharing(child, graph)
        for each in child.children:
            each.name = f"{child.name}_{each.name}"
            found.append(each)
    module.children = found
    return remaining


def without_sources(module: Module) -> list[Module]:
    """Return the children of a module, with the layers of those that read nothing in place of them.

    A function that builds layers has a tensor to start from.
    """
    found: list[Module] = []
    for child in module.children:
        if child.is_layer or child.inputs:
            found.append(child)
            continue
        for each in without_sources(child):
            each.name = f"{child.name}_{each.name}"
            found.append(each)
    return found


def _fuse(module: Module, graph: Graph, uses: Counter[Ref]) -> None:
    found: list[Module] = []
    for child in without_sources(module):
        before = found[-1] if found else None
        if before is not None and _is_activated(before, child, graph, uses):
            before.nodes = range(before.nodes.start, child.nodes.stop)
            before.outputs = child.outputs
            continue
        found.append(child)
    module.children = found
    for place, child in enumerate(found):
        _fuse(child, graph, uses)
        if len(child.children) == 1 and not graph.nodes[child.nodes[0]].origin:
            (only,) = child.children
            only.name, only.label = child.name, only.label or child.label
            found[place] = only


def _is_activated(before: Module, child: Module, graph: Graph, uses: Counter[Ref]) -> bool:
    """Return whether a layer is the activation of the layer before it."""
    if not (before.is_layer and child.is_layer) or len(before.nodes) > 1:
        return False
    one, other = before.nodes[0], child.nodes[0]
    node = graph.nodes[other]
    return (
        graph.nodes[one].op.name in ACTIVATED
        and node.inputs == (Ref(one),)
        and uses[Ref(one)] == 1
        and word_for(node.op, len(node.output)) is not None
    )


def activation_of(leaf: Module, graph: Graph) -> str | None:
    """Return Keras's name of the activation that a leaf contains."""
    if len(leaf.nodes) == 1:
        return None
    node = graph.nodes[leaf.nodes[-1]]
    return word_for(node.op, len(node.output))
