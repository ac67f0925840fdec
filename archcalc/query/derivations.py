"""Derivations of a target: a quantity of a layer, a stage, or the network."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis.cache import CACHED
from archcalc.analysis.counts import FORMULAS, TRAINING
from archcalc.analysis.explain import (
    Derivation,
    DerivationStep,
    explain_cache,
    explain_folding,
    explain_layer,
    explain_memory,
    explain_stage_folding,
    explain_stored,
    explain_sums,
    explain_training,
    heading,
)
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.numeric.traced import Form
from archcalc.query.places import find_place
from archcalc.query.quantities import DERIVED, SIZES, find_quantity, is_size
from archcalc.query.targets import Evaluator, Target, check_scope, find_row, output_layer
from archcalc.spec.errors import fail
from archcalc.terminal import display_width

DEFAULT_QUANTITIES = ("shape", "params", "macs", "rf")
"""The quantities that are derived if none is named; layers without MACs have FLOPs in their place."""


def explain(
    analysis: Analysis, layer: str | None, quantity: str | None, *, dtype: str = "float32", form: Form = "text"
) -> list[tuple[str, list[Derivation]]]:
    """Return titles, each with its derivations.

    Args:
        analysis: the analysis of the network.
        layer: the name of a layer, a stage or a block call; without it, the totals of the network are derived.
        quantity: one of `archcalc.query.quantities.DERIVED` or the size of an axis; without it, the most common ones.
        dtype: the number format for memory.
        form: how formulas are written.

    Raises:
        SpecError: there is no such layer or quantity.
    """
    place = layer or ""
    if quantity is not None:
        quantity = _derivation(quantity, place, analysis)
    try:
        row = find_row(place, analysis)
        if quantity in ("shape", "neurons", "rf") or (isinstance(row, Group) and not row.layers):
            last_layer = output_layer(place, analysis)
            row = (
                _shape_layer(last_layer, row, analysis)
                if isinstance(row, Group) and quantity in ("shape", "neurons")
                else last_layer
            )
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="LAYER")
    if row is None and quantity not in ("memory", "folding", "training_memory"):
        row = _only_contributor(analysis.counted, quantity, analysis)
    elif isinstance(row, Group):
        row = _only_contributor(row.layers, quantity, analysis) or row
    if isinstance(row, Layer):
        derivations = explain_layer(analysis, row, quantities_to_derive(row, quantity), dtype=dtype, form=form)
        return [(heading(row, analysis.graph), derivations)]
    title = analysis.graph.name if row is None else row.name
    if quantity == "memory":
        if row is None:
            return [(title, [explain_memory(analysis, dtype, form=form)])]
        return [(title, [explain_stored(title, analysis, row, dtype, form=form)])]
    if quantity == "folding":
        if row is None:
            return [(title, [explain_folding(analysis, None, form=form)])]
        return [(title, explain_stage_folding(analysis, row, form=form))]
    parts = [
        part
        for part in (analysis.folded(1) if row is None else row.layers)
        if row is not None or analysis.training or not part.training
    ]
    if quantity is not None and quantity in CACHED:
        return [(title, [explain_cache(title, analysis, parts, quantity, dtype, form=form)])]
    if quantity is not None and quantity in TRAINING:
        return [(title, [explain_training(title, analysis, parts, quantity, dtype, form=form)])]
    quantities = (quantity,) if quantity else ("params", "macs")
    whole = analysis.totals if row is None else row
    return [(title, explain_sums(title, whole, parts, quantities, form=form))]


def _derivation(word: str, place: str, analysis: Analysis) -> str:
    """Return the name of the derivation for a quantity of a place."""
    try:
        quantity = find_quantity(word, DERIVED, [name for name in DERIVED if name not in SIZES])
    except LookupError as error:
        fail("argument", error.args[0], hint=error.args[1], origin="QUANTITY")
    try:
        target = Target(find_place(place, analysis.graph), quantity)
        check_scope(target)
        if is_size(word):
            Evaluator.of(analysis).values(target)  # raises an error if there is no such axis
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="LAYER")
    return quantity.derivation


def _shape_layer(last: Layer, stage: Group, analysis: Analysis) -> Layer:
    """Return the layer of a stage that determines the shape of its output: the last one that changes the shape."""
    layers = {layer.node: layer for layer in stage.layers}
    found = last
    while True:
        node = analysis.graph.nodes[found.node]
        before = layers.get(node.inputs[0].node) if len(node.inputs) == 1 else None
        if before is None or analysis.graph.input_shapes(node) != (node.output,):
            return found
        found = before


def _only_contributor(layers: Sequence[Layer], quantity: str | None, analysis: Analysis) -> Layer | None:
    """Return the only one of several layers that contributes to a quantity, whose derivation is that of the sum."""
    if quantity is not None and quantity in FORMULAS:
        layers = [layer for layer in layers if layer.of(quantity)]
    elif quantity in ("backward_macs", "training_macs"):
        cost = analysis.training_cost
        layers = [layer for layer in layers if cost.training_macs([layer.node])]
    return layers[0] if len(layers) == 1 else None


def quantities_to_derive(layer: Layer, quantity: str | None) -> tuple[str, ...]:
    """Return the quantities to derive for a layer."""
    if quantity is not None:
        return (quantity,)
    return tuple("flops" if name == "macs" and not layer.macs else name for name in DEFAULT_QUANTITIES)


def derivation_lines(derivation: Derivation) -> list[str]:
    """Return a derivation as text, one line per step, with the equals signs and the terms of a sum aligned."""
    width = max((display_width(step.symbol) for step in derivation.steps), default=0)
    parts = max((len(step.value) for step in derivation.steps if _is_part(step)), default=0)
    lines = []
    for step in derivation.steps:
        value = step.value.rjust(parts) if _is_part(step) else step.value
        symbol = step.symbol + " " * (width - display_width(step.symbol))
        equation = " = ".join(part for part in (symbol, step.formula, step.numbers, value) if part)
        lines.append(equation + (f"    ({step.note})" if step.note else ""))
    return lines


def _is_part(step: DerivationStep) -> bool:
    """Return whether a step is a term of a sum, one of several that are listed with their shares."""
    return not step.formula and not step.numbers and step.note.endswith("%")
