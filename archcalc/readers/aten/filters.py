"""How many positions filters against aliasing read."""

from __future__ import annotations

from math import ceil

WIDTHS = {"bilinear": 2, "bicubic": 4}
"""The widths of filters, in positions, where there are as many results as positions."""


def tap_count(scale: float, mode: str) -> int:
    """Return the number of positions that a result reads at most, given the distance between results."""
    return ceil(WIDTHS[mode] / 2 * max(scale, 1.0)) * 2 + 1
