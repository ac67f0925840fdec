"""From a target to its derivations: of a layer, a stage, or the network."""

from __future__ import annotations

from archcalc.analysis.explain import SUMS, Derivation, explain_layer, explain_sum, heading
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.claims.targets import find_row, main_layer
from archcalc.spec.errors import fail

EVERYTHING = ("shape", "params", "macs", "rf")
"""What is derived where no quantity is named (costs without MACs are derived as operations)."""


def explain(
    analysis: Analysis, layer: str | None, quantity: str | None, *, latex: bool
) -> list[tuple[str, list[Derivation]]]:
    """Titles and derivations of what was asked for.

    Raises:
        SpecError: there is no such layer.
    """
    sums = (quantity,) if quantity in SUMS else () if quantity else ("params", "macs")
    if layer is None:
        rows = analysis.folded(1)
        if quantity in ("shape", "rf"):
            return explain(analysis, main_layer(analysis).name, quantity, latex=latex)
        return [(analysis.graph.name, explain_sum(analysis.graph.name, rows, sums, latex=latex))]
    try:
        row = find_row(layer, analysis)
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="LAYER")
    if isinstance(row, Group) and len(row.layers) == 1:
        row = row.layers[0]
    if isinstance(row, Layer):
        return [(heading(row, analysis.graph), explain_layer(analysis, row, wanted(row, quantity), latex=latex))]
    assert isinstance(row, Group)
    if quantity in ("shape", "rf"):
        last = row.layers[-1]
        return [(heading(last, analysis.graph), explain_layer(analysis, last, (quantity,), latex=latex))]
    inside = list(row.layers)
    return [(row.name, explain_sum(row.name, list(inside), sums, latex=latex))]


def wanted(layer: Layer, quantity: str | None) -> tuple[str, ...]:
    """The quantities to derive of a layer."""
    if quantity is not None:
        return (quantity,)
    return tuple("flops" if name == "macs" and not layer.macs else name for name in EVERYTHING)
