"""Padding with other numbers than zeros: the padded input is made before windows slide over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.kernels.windows import WindowAxis

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""The names of borders in NumPy."""


def extended(x: Array, border: str, sides: Sequence[tuple[int, int]]) -> Array:
    """Return an input (N×C×n…) with padding of other numbers than zeros, before and after every spatial axis."""
    padded: Array = np.pad(x, [(0, 0), (0, 0), *sides], mode=MODES[border])  # type: ignore[call-overload]
    return padded


def without_padding(x: Array, border: str, axes: list[WindowAxis]) -> tuple[Array, list[WindowAxis]]:
    """Return an input that contains its padding, with axes that have none, unless the padding consists of zeros."""
    if border == "zeros":
        return x, axes
    sides = [(axis.before, axis.after) for axis in axes]
    whole = [axis._replace(size=axis.before + axis.size + axis.after, before=0, after=0) for axis in axes]
    return extended(x, border, sides), whole
