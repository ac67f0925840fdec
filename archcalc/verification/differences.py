"""The result of comparing the analysis with measurements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Layer
from archcalc.graph import write_shape

FAILURES = (ValueError, IndexError)
"""The exceptions that the executor raises if shapes do not fit."""


class Difference(NamedTuple):
    """A figure of a layer that differs between analysis and measurement."""

    layer: str
    quantity: str
    claimed: str
    measured: str


class AspectComparison(NamedTuple):
    """The comparison of one aspect of a network."""

    compared: int
    """How many figures (or shapes, or receptive fields) were compared."""
    differences: tuple[Difference, ...]
    detail: str
    """How the aspect was measured, or why nothing was compared."""


def not_compared(reason: str) -> AspectComparison:
    """Return a comparison of nothing, for the given reason."""
    return AspectComparison(0, (), reason)


def layer_differences(layer: str, rows: Iterable[tuple[str, Any, Any]]) -> list[Difference]:
    """Return the differences among the rows (quantity, claimed, measured) of one layer."""
    return [Difference(layer, quantity, _text(a), _text(b)) for quantity, a, b in rows if a != b]


def operation_rows(layer: Layer, seen: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the operations by kind and the MACs of a layer as rows for `layer_differences`."""
    claimed = {**layer.operations, "macs": layer.macs}
    return [(kind, claimed.get(kind, 0), seen.get(kind, 0)) for kind in sorted({*claimed, *seen})]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(write_shape(part) if isinstance(part, tuple) else str(part) for part in value) or "nothing"
    return f"{value:,}"
