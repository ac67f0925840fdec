"""The gradient of padding with other numbers than zeros: it returns to the numbers that were repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.executor.gradients.structure import numbered_indices, scattered_sums
from archcalc.executor.kernel import Array, Sizes
from archcalc.executor.kernels.border import extended
from archcalc.executor.kernels.windows import axes_of


def border_gradient(g: Array, border: str, sides: Sequence[tuple[int, int]], shape: Sizes) -> Array:
    """Return the gradient of an input of a shape, for that of the input with its padding."""
    return scattered_sums(g, extended(numbered_indices(1, shape[1:]), border, sides), shape)


def unpadded_gradient(g: Array | None, op: Any, shape: Sizes) -> Array | None:
    """Return the gradient of the input of a layer with windows, for that of the array that the windows slide over."""
    if g is None or op.border == "zeros":
        return g
    return border_gradient(g, op.border, [(axis.before, axis.after) for axis in axes_of(op, shape[2:])], shape)
