"""Derivations of the key–value cache of stages and networks, the largest parts first."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis.cache import CACHED, cache_of
from archcalc.analysis.explain.steps import Derivation
from archcalc.analysis.explain.sums import shares
from archcalc.analysis.formats import in_bytes, read_formats
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.numeric import Number
from archcalc.numeric.traced import Form, Notation


def cache_bytes(analysis: Analysis, layers: Sequence[Layer], quantity: str, dtype: str) -> Number:
    """Return the bytes that layers keep for the complete batch."""
    elements = CACHED[quantity](cache_of(analysis.graph, [layer.node for layer in layers]))
    return in_bytes(elements * (analysis.batch or 1), read_formats(dtype).activations)


def explain_cache(
    target: str, analysis: Analysis, rows: Sequence[Layer | Group], quantity: str, dtype: str, *, form: Form = "text"
) -> Derivation:
    """Derive a quantity of the cache from the rows of a stage or network."""
    notation = Notation(form)
    parts = [(notation.text(row.name), cache_bytes(analysis, row.layers, quantity, dtype)) for row in rows]
    return Derivation(target, quantity, tuple(shares(notation, notation.symbol(quantity), parts)))
