"""The layers that differ between two aligned networks, each with what was changed and what that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from archcalc.analysis.propagate import Analysis, Layer
from archcalc.changes.align import Alignment
from archcalc.changes.signature import COMMUTATIVE, resolved_attributes
from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.spec.write import write_layer, written_argument

COUNTS = ("params", "macs", "flops", "activations")
"""The counts that are compared layer by layer."""

Kind: TypeAlias = Literal["added", "removed", "changed", "affected"]
"""What happened to a layer; ``affected``: it is as it was, but its shape or its counts follow from other changes."""

MAX_FOLLOWED = 32
"""The maximum number of layers of the other network that are followed for one tensor; of more, nothing is said."""


class AttributeChange(NamedTuple):
    """An attribute of a layer before and after, as it is written."""

    name: str
    before: str
    after: str
    is_width: bool = False
    """Whether it decides about the width of the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerChange:
    """A layer that differs: ``before`` is ``None`` for a new one, ``after`` for a removed one."""

    kind: Kind
    before: Layer | None
    after: Layer | None
    graphs: tuple[Graph, Graph]
    """The networks of both layers."""
    attributes: tuple[AttributeChange, ...] = ()
    reads: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """The layers that it reads before and after, if these are others and not only the neighbours of what was added."""
    deltas: Mapping[str, Number] = field(default_factory=dict)
    """What the change adds to each of `COUNTS`."""

    @property
    def layer(self) -> Layer:
        """The layer after the change; before it, if it was removed."""
        layer = self.after or self.before
        assert layer is not None
        return layer

    @property
    def operators(self) -> tuple[str, str]:
        """The layer before and after as a spec writes it; empty where there is none."""
        before, after = (
            "" if layer is None else write_layer(graph.nodes[layer.node].op, graph.layout)
            for graph, layer in zip(self.graphs, (self.before, self.after), strict=True)
        )
        return before, after


class LayerChanges:
    """Compares the layers of an alignment."""

    def __init__(self, alignment: Alignment) -> None:
        self.alignment = alignment
        self.old, self.new = alignment.old.analysis, alignment.new.analysis
        self.graphs = self.old.graph, self.new.graph
        self.reads = _Reads(alignment)

    def all(self) -> list[LayerChange]:
        """Return every difference, in the order of the new network; a removed layer stands where it was."""
        alignment, found = self.alignment, list[LayerChange]()
        pairs = {after: before for before, after in alignment.pairs.items()}
        waiting = [index for index in range(len(alignment.old.layers)) if index not in alignment.pairs]
        waiting.reverse()
        for index, layer in enumerate(alignment.new.layers):
            before = pairs.get(index)
            if before is None:
                found.append(self._lone(layer, "added"))
                continue
            while waiting and waiting[-1] < before:
                found.append(self._lone(alignment.old.layers[waiting.pop()], "removed"))
            change = self._pair(alignment.old.layers[before], layer)
            if change is not None:
                found.append(change)
        found += [self._lone(alignment.old.layers[index], "removed") for index in reversed(waiting)]
        return found

    def _lone(self, layer: Layer, kind: Kind) -> LayerChange:
        analysis, sign = (self.new, 1) if kind == "added" else (self.old, -1)
        deltas = {name: sign * count for name, count in zip(COUNTS, _counts(analysis, layer), strict=True)}
        sides = (None, layer) if kind == "added" else (layer, None)
        return LayerChange(kind=kind, before=sides[0], after=sides[1], graphs=self.graphs, deltas=deltas)

    def _pair(self, before: Layer, after: Layer) -> LayerChange | None:
        """Return how a pair differs; ``None`` if it does not."""
        attributes = self._attributes(before, after)
        reads = self.reads.changed(before, after)
        is_changed = bool(attributes or reads) or before.op != after.op
        counts = _counts(self.old, before), _counts(self.new, after)
        if not is_changed and before.outputs == after.outputs and counts[0] == counts[1]:
            return None
        return LayerChange(
            kind="changed" if is_changed else "affected",
            before=before,
            after=after,
            graphs=self.graphs,
            attributes=attributes,
            reads=reads,
            deltas={name: new - old for name, old, new in zip(COUNTS, *counts, strict=True)},
        )

    def _attributes(self, before: Layer, after: Layer) -> tuple[AttributeChange, ...]:
        old, new = self.old.graph, self.new.graph
        one, other = old.nodes[before.node], new.nodes[after.node]
        if one.op is other.op or one.op.name != other.op.name:
            return ()
        differing = [name for name, value in before.attributes.items() if value != after.attributes[name]]
        if not differing:
            return ()
        values = (
            resolved_attributes(one.op, old.input_shapes(one)),
            resolved_attributes(other.op, new.input_shapes(other)),
        )
        return tuple(
            AttributeChange(
                name,
                written_argument(one.op, name, old.layout),
                written_argument(other.op, name, new.layout),
                name in one.op.widths,
            )
            for name in differing
            if values[0][name] != values[1][name]
        )


def _counts(analysis: Analysis, layer: Layer) -> tuple[Number, ...]:
    """Return what a layer adds to the `COUNTS` of its network: weights that belong to layers before it count there."""
    if layer.training and not analysis.training:
        return (0,) * len(COUNTS)
    if analysis.shares_weights:
        return tuple([analysis.own_count(layer, name) for name in COUNTS])
    return layer.params, layer.macs, layer.flops, layer.activations


Followed: TypeAlias = frozenset[Any] | None
"""The layers that both networks have and a tensor comes from, by their identity; ``None``: too many to say."""


class _Reads:
    """Tells layers that read something else from those that read a neighbour that was added or removed."""

    def __init__(self, alignment: Alignment) -> None:
        old, new = alignment.old, alignment.new
        pairs = alignment.pairs
        self.analyses = old.analysis, new.analysis
        self.before = _followed(old.analysis, {old.layers[i].node: i for i in pairs})
        self.after = _followed(new.analysis, {new.layers[j].node: i for i, j in pairs.items()})

    def changed(self, before: Layer, after: Layer) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return the names of what a pair reads before and after; ``None`` if it is the same or follows from others."""
        one, other = (
            [followed[ref.node] for ref in analysis.graph.nodes[layer.node].inputs]
            for analysis, followed, layer in (
                (self.analyses[0], self.before, before),
                (self.analyses[1], self.after, after),
            )
        )
        if one == other:
            return None
        if len(one) == len(other):
            if before.op in COMMUTATIVE:
                same = all(any(map(_meet, [each] * len(other), other)) for each in one)
                same = same and all(any(map(_meet, [each] * len(one), one)) for each in other)
            else:
                same = all(map(_meet, one, other))
            if same:
                return None
        return before.inputs, after.inputs


def _meet(one: Followed, other: Followed) -> bool:
    return one is None or other is None or not one.isdisjoint(other) or one == other


def _followed(analysis: Analysis, identities: Mapping[int, int]) -> Sequence[Followed]:
    """Return for every node the layers of both networks that it is, or that it comes from."""
    inputs = {ref.node: f"input {number}" for number, ref in enumerate(analysis.graph.input_refs.values())}
    found: list[Followed] = []
    for index, node in enumerate(analysis.graph.nodes):
        if index in identities or index in inputs:
            found.append(frozenset([identities.get(index, inputs.get(index))]))
            continue
        read = [found[ref.node] for ref in node.inputs]
        if len(read) == 1:
            found.append(read[0])
            continue
        known = [each for each in read if each is not None]
        union: frozenset[Any] = frozenset().union(*known)
        found.append(union if len(known) == len(read) and len(union) <= MAX_FOLLOWED else None)
    return found
