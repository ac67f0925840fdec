"""Derivations of sums: of a stage from its layers, of a network from its stages, the largest terms first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archcalc.analysis.explain.steps import Derivation, DerivationStep, check_agreement
from archcalc.analysis.propagate import Group, Layer, Totals, counted_before
from archcalc.numeric.traced import Form, Notation

MAX_TERMS = 8
"""The maximum number of terms with which a sum is written out."""


def explain_sums(
    target: str,
    total: Group | Totals,
    rows: Sequence[Layer | Group],
    quantities: Iterable[str],
    *,
    form: Form = "text",
) -> list[Derivation]:
    """Derive counts from the rows of a stage or network.

    Raises:
        Contradiction: the rows do not add up to ``total``.
    """
    notation = Notation(form)
    result = []
    layers = [layer for row in rows for layer in row.layers]
    for quantity in quantities:
        before = counted_before(layers, quantity)
        elsewhere = [sum([before.get(layer.node, 0) for layer in row.layers]) for row in rows]
        numbers = [sum([layer.of(quantity) for layer in row.layers]) for row in rows]
        parts = [
            (notation.text(row.name), number - counted)
            for row, number, counted in zip(rows, numbers, elsewhere, strict=True)
        ]
        repeated = [
            DerivationStep(notation.text(row.name), "", "", notation.value(counted), "shared, counted once")
            for row, counted in zip(rows, elsewhere, strict=True)
            if counted
        ]
        steps = (*repeated, *shares(notation, notation.symbol(quantity), parts))
        check_agreement(target, quantity, sum(part for _, part in parts), total.of(quantity))
        result.append(Derivation(target, quantity, steps))
    return result


def shares(notation: Notation, symbol: str, parts: Sequence[tuple[str, Any]]) -> Iterator[DerivationStep]:
    """Yield a step for each part with its share, the largest first, and one for their sum."""
    total = sum(part for _, part in parts)
    ranked = sorted([(name, part) for name, part in parts if part], key=lambda row: -row[1])
    for name, part in ranked:
        yield DerivationStep(name, "", "", notation.value(part), f"{100 * part / total:.1f} %")
    plus = notation.sign(" + ")
    more = plus + notation.sign("…", r"\dots") if len(ranked) > MAX_TERMS else ""
    written = plus.join(notation.value(part) for _, part in ranked[:MAX_TERMS]) + more
    yield DerivationStep(symbol, "", written if len(ranked) > 1 else "", notation.value(total))
