"""What a comparison of analysis and measurement comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Layer
from archcalc.graph import write_shape

FAILURES = (ValueError, IndexError)
"""What the executor raises where shapes do not fit."""


class Difference(NamedTuple):
    """Where the two sides do not agree."""

    layer: str
    quantity: str
    claimed: str
    measured: str


class Comparison(NamedTuple):
    """One aspect, compared: how many numbers (or shapes, or fields), those that differ, and how it was measured.

    Where nothing was compared, ``detail`` says why.
    """

    compared: int
    differences: tuple[Difference, ...]
    detail: str


def nothing(reason: str) -> Comparison:
    """Nothing could be compared."""
    return Comparison(0, (), reason)


def apart(layer: str, rows: Iterable[tuple[str, Any, Any]]) -> list[Difference]:
    """The rows of one layer (quantity, claimed, measured) that differ."""
    return [Difference(layer, quantity, _text(a), _text(b)) for quantity, a, b in rows if a != b]


def by_kind(layer: Layer, seen: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Operations by kind and MACs, as rows for `apart`."""
    claimed = {**layer.operations, "macs": layer.macs}
    return [(kind, claimed.get(kind, 0), seen.get(kind, 0)) for kind in sorted({*claimed, *seen})]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(write_shape(part) if isinstance(part, tuple) else str(part) for part in value) or "nothing"
    return f"{value:,}"
