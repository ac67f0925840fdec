"""From a target to its derivations: of a layer, a stage, or the network."""

from __future__ import annotations

from archcalc.analysis.counts import FORMULAS
from archcalc.analysis.explain import (
    Derivation,
    Step,
    explain_folding,
    explain_layer,
    explain_memory,
    explain_stage_folding,
    explain_sums,
    heading,
    stored,
)
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.query.places import find_place
from archcalc.query.quantities import DERIVED, SIZES, find_quantity, is_size
from archcalc.query.targets import Evaluator, Target, check_scope, find_row, layer_behind
from archcalc.spec.errors import fail

EVERYTHING = ("shape", "params", "macs", "rf")
"""What is derived where no quantity is named (costs without MACs are derived as operations)."""


def explain(
    analysis: Analysis, layer: str | None, quantity: str | None, *, dtype: str = "float32", latex: bool = False
) -> list[tuple[str, list[Derivation]]]:
    """Titles and derivations of what was asked for.

    Args:
        analysis: of the network.
        layer: a layer, a stage or a block in one; without it, the sums of the whole network are derived.
        quantity: one of `archcalc.query.quantities.DERIVED` or the size of an axis; without it, the most asked for.
        dtype: the number format of memory.
        latex: whether formulas are written in LaTeX.

    Raises:
        SpecError: there is no such layer or quantity.
    """
    place = layer or ""
    if quantity is not None:
        quantity = _derivation(quantity, place, analysis)
    try:
        row = find_row(place, analysis)
        if quantity in ("shape", "rf") or (isinstance(row, Group) and not row.layers):
            behind = layer_behind(place, analysis)
            row = _shaping(behind, row, analysis) if isinstance(row, Group) and quantity == "shape" else behind
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="LAYER")
    if isinstance(row, Group):
        row = _alone(row, quantity)
    if isinstance(row, Layer):
        derivations = explain_layer(analysis, row, wanted(row, quantity), dtype=dtype, latex=latex)
        return [(heading(row, analysis.graph), derivations)]
    title = analysis.graph.name if row is None else row.name
    if quantity == "memory":
        memory = explain_memory(analysis, dtype, latex=latex) if row is None else stored(title, row, dtype, latex=latex)
        return [(title, [memory])]
    if quantity == "folding":
        if row is None:
            return [(title, [explain_folding(analysis, None, latex=latex)])]
        return [(title, explain_stage_folding(analysis, row, latex=latex))]
    parts = [
        part
        for part in (analysis.folded(1) if row is None else row.layers)
        if row is not None or analysis.training or not part.training
    ]
    quantities = (quantity,) if quantity else ("params", "macs")
    whole = analysis.totals if row is None else row
    return [(title, explain_sums(title, whole, parts, quantities, latex=latex))]


def _derivation(word: str, place: str, analysis: Analysis) -> str:
    """What is derived for a quantity of a place."""
    try:
        quantity = find_quantity(word, DERIVED, [name for name in DERIVED if name not in SIZES])
    except LookupError as error:
        fail("argument", error.args[0], hint=error.args[1], origin="QUANTITY")
    try:
        target = Target(find_place(place, analysis.graph), quantity)
        check_scope(target)
        if is_size(word):
            Evaluator.of(analysis).values(target)  # says that there is no such axis
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="LAYER")
    return quantity.derivation


def _shaping(last: Layer, stage: Group, analysis: Analysis) -> Layer:
    """The layer of a stage that gives its output the shape: the last one, but for those that leave it as it was."""
    layers = {layer.node: layer for layer in stage.layers}
    found = last
    while True:
        node = analysis.graph.nodes[found.node]
        before = layers.get(node.inputs[0].node) if len(node.inputs) == 1 else None
        if before is None or analysis.graph.input_shapes(node) != (node.output,):
            return found
        found = before


def _alone(row: Group, quantity: str | None) -> Layer | Group:
    """The one layer of a stage, or the one that its sum comes from, whose derivation says more than the sum's."""
    parts = row.layers
    if quantity is not None and quantity in FORMULAS:
        parts = tuple(layer for layer in parts if layer.of(quantity))
    return parts[0] if len(parts) == 1 else row


def wanted(layer: Layer, quantity: str | None) -> tuple[str, ...]:
    """The quantities to derive of a layer."""
    if quantity is not None:
        return (quantity,)
    return tuple("flops" if name == "macs" and not layer.macs else name for name in EVERYTHING)


def derivation_lines(derivation: Derivation) -> list[str]:
    """A derivation as text, one line a step, the equals signs and the parts of a sum below one another."""
    width = max((len(step.symbol) for step in derivation.steps), default=0)
    parts = max((len(step.value) for step in derivation.steps if _is_part(step)), default=0)
    lines = []
    for step in derivation.steps:
        value = step.value.rjust(parts) if _is_part(step) else step.value
        equation = " = ".join(part for part in (step.symbol.ljust(width), step.formula, step.numbers, value) if part)
        lines.append(equation + (f"    ({step.note})" if step.note else ""))
    return lines


def _is_part(step: Step) -> bool:
    """Whether it is a part of a sum, of which there are several below one another."""
    return not step.formula and not step.numbers and step.note.endswith("%")
