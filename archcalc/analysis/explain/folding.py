"""Derivations of folding: the linear maps that are folded into a layer, and the counts that this saves."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.analysis.explain.steps import Derivation, DerivationStep, check_agreement
from archcalc.analysis.explain.sums import shares
from archcalc.analysis.fold import FoldedLayer, Folding, UnfoldedLayer, fold
from archcalc.analysis.propagate import Analysis, Group, Layer, analyze
from archcalc.numeric.traced import Form, Notation, leaf

SAVED = ("params", "mults", "flops")
"""The counts that folding reduces."""


def explain_folding(analysis: Analysis, layer: Layer | None, *, form: Form = "text") -> Derivation:
    """Derive what folding does to a layer, or what it saves in the network.

    Raises:
        Contradiction: the savings of the layers do not add up to those of the network.
    """
    folding, notation = fold(analysis.graph), Notation(form)
    if layer is None:
        return Derivation(analysis.graph.name, "folding", tuple(_network(folding, notation)))
    return Derivation(layer.name, "folding", tuple(_layer(folding, layer, notation)))


def explain_stage_folding(analysis: Analysis, stage: Group, *, form: Form = "text") -> list[Derivation]:
    """Derive what folding does to the layers of a stage: each change once, then the layers that cannot be folded."""
    folding, notation = fold(analysis.graph), Notation(form)
    places = {layer.node for layer in stage.layers}
    changes = [
        tuple(_change(folding, change, notation))
        for change in folding.changes()
        if change.is_changed and not places.isdisjoint(_nodes(change))
    ]
    kept = tuple([_stays(folding, kept, notation) for kept in folding.kept if kept.node in places])
    found = [*changes, kept] if kept else changes
    return [Derivation(stage.name, "folding", steps) for steps in found or [(_nothing(notation),)]]


def _layer(folding: Folding, layer: Layer, notation: Notation) -> Iterator[DerivationStep]:
    for kept in folding.kept:
        if kept.node == layer.node:
            yield DerivationStep(notation.text("stays"), "", "", notation.text("as it is"), kept.reason)
            return
    for change in folding.changes():
        if change.is_changed and layer.node in _nodes(change):
            yield from _change(folding, change, notation)
            return
    yield _nothing(notation)


def _nodes(change: FoldedLayer) -> set[int]:
    return {change.layer.node, *(one.node for one in change.absorbed)}


def _change(folding: Folding, change: FoldedLayer, notation: Notation) -> Iterator[DerivationStep]:
    yield from _maps(folding, change, notation)
    for quantity in SAVED:
        before, after = (getattr(side, quantity) for side in (change.before, change.after))
        saved = leaf("before", before) - leaf("after", after)
        symbol = notation.symbol(f"{quantity}_saved")
        yield DerivationStep(symbol, notation.symbols(saved), notation.numbers(saved), notation.value(saved))


def _stays(folding: Folding, kept: UnfoldedLayer, notation: Notation) -> DerivationStep:
    return DerivationStep(
        notation.text(folding.graph.nodes[kept.node].name), "", "", notation.text("stays"), kept.reason
    )


def _nothing(notation: Notation) -> DerivationStep:
    return DerivationStep(notation.symbol("saved"), "", "", notation.value(0), "no layer is folded into it")


def _maps(folding: Folding, change: FoldedLayer, notation: Notation) -> Iterator[DerivationStep]:
    """Yield the map of every layer that is folded in, and how it changes the weights."""
    ways = {one.node: one.forward for one in folding.folds}
    dot, plus, prime = notation.sign("·", r" \cdot "), notation.sign(" + "), notation.sign("′", "'")
    weight, bias, a, b = map(notation.symbol, ("weight", "bias", "a", "b"))
    if change.gains_merged:
        norm = notation.sign("‖", r"\lVert ") + weight + notation.sign("‖", r" \rVert")
        gain = notation.symbol("gain")
        note = f"weight norm of {change.layer.name}, per output channel"
        yield DerivationStep(f"{weight}{prime}", "", "", f"{gain}{dot}{weight}{notation.sign('/')}{norm}", note)
    for absorbed in change.absorbed:
        channel_map = folding.graph.nodes[absorbed.node].op.channel_map
        assert channel_map is not None  # only layers with one are folded
        factor, offset = channel_map.latex if notation.form == "latex" else map(notation.text, channel_map.written)
        forward = ways[absorbed.node]
        where = f"{absorbed.name} is folded into {change.layer.name}, the layer {'after' if forward else 'before'} it"
        yield DerivationStep(a, "", "", factor, f"per channel; {where}")
        yield DerivationStep(b, "", "", offset)
        yield DerivationStep(
            f"{weight}{prime}", "", "", f"{a}{dot}{weight}", f"per {'input' if forward else 'output'} channel"
        )
        if forward:
            sums = f"{bias}{plus}{notation.text('sums of ')}{weight}{dot}{b}"
            yield DerivationStep(f"{bias}{prime}", "", "", sums, "with the original weights")
        else:
            yield DerivationStep(f"{bias}{prime}", "", "", f"{a}{dot}{bias}{plus}{b}", "0 if there was no bias")


def _network(folding: Folding, notation: Notation) -> Iterator[DerivationStep]:
    before, after = (analyze(graph, receptive=False).totals for graph in (folding.graph, folding.folded))
    changes = folding.changes()
    for quantity in SAVED:
        saved = getattr(before, quantity) - getattr(after, quantity)
        parts = [
            (notation.text(change.layer.name), getattr(change.before, quantity) - getattr(change.after, quantity))
            for change in changes
            if not change.layer.training
        ]
        check_agreement(folding.graph.name, f"{quantity} saved", sum(part for _, part in parts), saved)
        if saved:
            yield from shares(notation, notation.symbol(f"{quantity}_saved"), parts)
    if not folding.kept and not any(change.is_changed for change in changes):
        yield DerivationStep(notation.symbol("saved"), "", "", notation.value(0), "there is nothing to fold")
    for kept in folding.kept:
        yield _stays(folding, kept, notation)
