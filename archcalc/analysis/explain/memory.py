"""Derivations of memory: parameters, activations, and the tensors that are live at the peak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.analysis.counts import Counts
from archcalc.analysis.explain.steps import Derivation, Step, agree, steps
from archcalc.analysis.explain.sums import shares
from archcalc.analysis.memory import DTYPES, live_tensors, peak_at
from archcalc.analysis.propagate import Analysis
from archcalc.graph import write_shape
from archcalc.numeric import product
from archcalc.numeric.traced import Notation, leaf


def stored(target: str, counts: Counts, dtype: str, *, latex: bool = False) -> Derivation:
    """Derive the bytes of the parameters and activations of a layer or stage."""
    return Derivation(target, "memory", tuple(_stored(Notation(latex), counts, dtype)))


def explain_memory(analysis: Analysis, dtype: str, *, latex: bool = False) -> Derivation:
    """Derive the memory of a network, including the tensors that are live at the peak, the largest first.

    Raises:
        Contradiction: the result differs from the analysis.
    """
    notation, graph = Notation(latex), analysis.graph
    at = peak_at(graph, training=analysis.training)
    parts = []
    for ref in live_tensors(graph, at, training=analysis.training):
        shape = graph.shape(ref)
        name = f"{graph.nodes[ref.node].name}, {write_shape(shape, graph.layout)}"
        parts.append((notation.text(name), product(shape) * (analysis.batch or 1)))
    live = sum(part for _, part in parts)
    agree(graph.name, "peak", live * DTYPES[dtype], analysis.memory(dtype).peak)
    lines = [
        *_stored(notation, analysis.totals, dtype),
        *shares(notation, notation.symbol("live"), parts),
        *_in_bytes(notation, "peak", "live", live, dtype, f"while {graph.nodes[at].name} runs"),
    ]
    return Derivation(graph.name, "memory", tuple(lines))


def _stored(notation: Notation, counts: Counts, dtype: str) -> Iterator[Step]:
    for name, number in (("params", counts.params), ("activations", counts.activations)):
        if number:
            yield from _in_bytes(notation, f"bytes_{name}", name, number, dtype, bytes_each(dtype))


def bytes_each(dtype: str) -> str:
    """Return the note on the bytes of a number."""
    return f"{dtype}: {DTYPES[dtype]} byte{'s' * (DTYPES[dtype] > 1)} each"


def _in_bytes(notation: Notation, symbol: str, name: str, elements: Any, dtype: str, note: str) -> Iterator[Step]:
    return steps(notation, symbol, leaf(name, elements) * DTYPES[dtype], note)
