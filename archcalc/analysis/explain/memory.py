"""Derivations of memory: parameters, activations, and the tensors that are live at the peak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.analysis.explain.steps import Derivation, DerivationStep, check_agreement, steps
from archcalc.analysis.explain.sums import shares
from archcalc.analysis.formats import KINDS, bytes_note, in_bytes, kind_of, read_formats, stored_arrays, stored_bytes
from archcalc.analysis.memory import live_tensors, peak_at
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.graph import write_shape
from archcalc.numeric import Number, product
from archcalc.numeric.traced import Form, Notation, leaf, value_of


def explain_stored(
    target: str, analysis: Analysis, row: Layer | Group, dtype: str, *, form: Form = "text"
) -> Derivation:
    """Derive the bytes of the parameters and activations of a layer or stage."""
    return Derivation(target, "memory", tuple(_stored(Notation(form), analysis, row, dtype)))


def explain_memory(analysis: Analysis, dtype: str, *, form: Form = "text") -> Derivation:
    """Derive the memory of a network, including the tensors that are live at the peak, the largest first.

    Raises:
        Contradiction: the result differs from the analysis.
    """
    notation, graph = Notation(form), analysis.graph
    at = peak_at(graph, training=analysis.training)
    parts = []
    for ref in live_tensors(graph, at, training=analysis.training):
        shape = graph.shape(ref)
        name = f"{graph.nodes[ref.node].name}, {write_shape(shape, graph.layout, analysis.batch)}"
        parts.append((notation.text(name), product(shape) * (analysis.batch or 1)))
    live = sum(part for _, part in parts)
    stored_as = read_formats(dtype).activations
    check_agreement(graph.name, "peak", in_bytes(live, stored_as), analysis.memory(dtype).peak)
    lines = [
        *_stored(notation, analysis, None, dtype),
        *shares(notation, notation.symbol("live"), parts),
        *_in_bytes(notation, "peak", "live", live, stored_as, f"while {graph.nodes[at].name} runs"),
    ]
    return Derivation(graph.name, "memory", tuple(lines))


def _stored(notation: Notation, analysis: Analysis, row: Layer | Group | None, dtype: str) -> Iterator[DerivationStep]:
    """Yield the bytes of the parameters and activations of a row, or of the network."""
    formats, counts = read_formats(dtype), analysis.totals if row is None else row
    if formats.are_equal and counts.params:
        yield from _in_bytes(notation, "bytes_params", "params", counts.params, formats.weights)
    elif counts.params:
        layers = [layer.node for layer in (analysis.counted if row is None else row.layers)]
        numbers: dict[str, Number] = {}
        for _, op, weight in stored_arrays(analysis.graph, layers):
            kind = kind_of(op, weight)
            numbers[kind] = numbers.get(kind, 0) + weight.count
        by_form: dict[str, list[str]] = {}
        for kind in KINDS:
            if kind in numbers:
                by_form.setdefault(str(getattr(formats, kind)), []).append(kind)
        parts = []
        for form, kinds in by_form.items():
            symbol = f"bytes_{kinds[0] if len(kinds) == 1 else form}"
            number = in_bytes(sum(leaf(kind, numbers[kind]) for kind in kinds), form)
            yield from steps(notation, symbol, number, bytes_note(form))
            parts.append(leaf(symbol, value_of(number)))
        name = analysis.graph.name if row is None else row.name
        check_agreement(name, "memory", value_of(sum(parts)), stored_bytes(analysis.graph, layers, formats))
        yield from steps(notation, "bytes_params", sum(parts)) if len(parts) > 1 else ()
    if counts.activations:
        yield from _in_bytes(notation, "bytes_activations", "activations", counts.activations, formats.activations)


def _in_bytes(
    notation: Notation, symbol: str, name: str, elements: Any, form: str, note: str | None = None
) -> Iterator[DerivationStep]:
    number = in_bytes(leaf(name, elements), form)
    return steps(notation, symbol, number, bytes_note(form) if note is None else note)
