"""From a target to its derivations: of a layer, a stage, or the network."""

from __future__ import annotations

from archcalc.analysis.explain import (
    Derivation,
    explain_layer,
    explain_memory,
    explain_sums,
    heading,
    stored,
)
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.claims.targets import find_row, layer_behind
from archcalc.spec.errors import fail

EVERYTHING = ("shape", "params", "macs", "rf")
"""What is derived where no quantity is named (costs without MACs are derived as operations)."""


def explain(
    analysis: Analysis, layer: str | None, quantity: str | None, *, dtype: str = "float32", latex: bool = False
) -> list[tuple[str, list[Derivation]]]:
    """Titles and derivations of what was asked for.

    Raises:
        SpecError: there is no such layer.
    """
    place = layer or ""
    try:
        row = find_row(place, analysis)
        if quantity in ("shape", "rf") or (isinstance(row, Group) and not row.layers):
            row = layer_behind(place, analysis)
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="LAYER")
    if isinstance(row, Group) and len(row.layers) == 1:
        row = row.layers[0]
    if isinstance(row, Layer):
        derivations = explain_layer(analysis, row, wanted(row, quantity), dtype=dtype, latex=latex)
        return [(heading(row, analysis.graph), derivations)]
    title = analysis.graph.name if row is None else row.name
    if quantity == "memory":
        memory = explain_memory(analysis, dtype, latex=latex) if row is None else stored(title, row, dtype, latex=latex)
        return [(title, [memory])]
    parts = [
        part
        for part in (analysis.folded(1) if row is None else row.layers)
        if row is not None or analysis.training or not part.training
    ]
    quantities = (quantity,) if quantity else ("params", "macs")
    whole = analysis.totals if row is None else row
    return [(title, explain_sums(title, whole, parts, quantities, latex=latex))]


def wanted(layer: Layer, quantity: str | None) -> tuple[str, ...]:
    """The quantities to derive of a layer."""
    if quantity is not None:
        return (quantity,)
    return tuple("flops" if name == "macs" and not layer.macs else name for name in EVERYTHING)
