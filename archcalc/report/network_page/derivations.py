"""The derivations of a page, in MathML: of the totals, of layers, and of a receptive field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from archcalc.analysis.explain import Derivation, explain_field, explain_layer, explain_sums, heading
from archcalc.analysis.propagate import Analysis, Layer
from archcalc.query.derivations import quantities_to_derive

MAX_CHARACTERS = 180_000
"""The size up to which derivations of layers are on the page; those of the layers with the most MACs come first."""
AROUND = 80
"""The approximate number of characters of the elements around each side of an equation."""
MAX_TERMS = 200
"""The largest number of stages whose sums are derived."""
MAX_DEPTH = 200
"""The number of layers before a layer up to which its receptive field is derived."""


class Line(NamedTuple):
    """A line of a derivation."""

    sides: tuple[Markup, ...]
    """What is equal, in MathML: the symbol, the formula, the formula with numbers, the value."""
    note: str


class QuantityDerivation(NamedTuple):
    """The derivation of one quantity."""

    quantity: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class LayerDerivations:
    """The derivations of the layers of a network; layers with the same operator and input shapes share theirs."""

    kinds: tuple[tuple[QuantityDerivation, ...], ...]
    layers: dict[int, tuple[str, int]]
    """A line about each layer, and the index of its derivations, by its index in the graph."""
    are_complete: bool
    """Whether every layer that was asked for has derivations."""


def layer_derivations(analysis: Analysis, nodes: Iterable[int]) -> LayerDerivations:
    """Return the derivations of the shape, parameters and MACs (or FLOPs) of layers.

    Args:
        analysis: the analysis of the network.
        nodes: the indices of the layers in the graph.
    """
    asked = [analysis.by_node[node] for node in nodes]
    layers = [layer for layer in asked if layer.is_complete]  # nothing is known of operators that cannot be counted
    different: dict[int, Layer] = {}
    for layer in layers:
        different.setdefault(id(layer.attributes), layer)
    size = 0
    kinds: list[tuple[QuantityDerivation, ...]] = []
    index_of: dict[int, int] = {}
    for key, layer in sorted(different.items(), key=lambda item: (-item[1].macs, item[1].node)):
        wanted = [quantity for quantity in quantities_to_derive(layer, None) if quantity != "rf"]
        found = tuple(map(_derived, explain_layer(analysis, layer, wanted, form="mathml")))
        size += sum(len(side) + AROUND for one in found for line in one.lines for side in line.sides)
        if size > MAX_CHARACTERS:
            break
        index_of[key] = len(kinds)
        kinds.append(found)
    listed = {
        layer.node: (heading(layer, analysis.graph), index_of[id(layer.attributes)])
        for layer in layers
        if id(layer.attributes) in index_of
    }
    return LayerDerivations(tuple(kinds), listed, len(listed) == len(asked))


def total_derivations(analysis: Analysis) -> list[QuantityDerivation]:
    """Return how the parameters and MACs of a network are the sums of those of its stages; nothing if these are too
    many to be read."""
    parts = [part for part in analysis.folded(1) if analysis.training or not part.training]
    if len(parts) > MAX_TERMS:
        return []
    name = analysis.graph.name
    return list(map(_derived, explain_sums(name, analysis.totals, parts, ("params", "macs"), form="mathml")))


def field_derivations(analysis: Analysis) -> tuple[str, list[QuantityDerivation]]:
    """Return the layer with the largest window, and the derivation of its receptive field; nothing if there is none."""
    windows = [
        (max(axis.size for axes in layer.fields.values() for axis in axes), -layer.node)
        for layer in analysis.layers[:MAX_DEPTH]
        if any(layer.fields.values()) and all(axis.is_local for axes in layer.fields.values() for axis in axes)
    ]
    if not windows:
        return "", []
    layer = analysis.by_node[-max(windows)[1]]
    return layer.name, list(map(_derived, explain_field(analysis, layer, form="mathml")))


def _derived(derivation: Derivation) -> QuantityDerivation:
    lines = []
    for step in derivation.steps:
        sides = [side for side in (step.symbol, step.formula, step.numbers, step.value) if side]
        lines.append(Line(tuple(map(Markup, sides)), step.note))
    return QuantityDerivation(derivation.quantity, tuple(lines))
