"""What one output position of an operator depends on, along one axis of one input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from archcalc.numeric import Number


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Output position i sees the input positions ⌊(stride·i − padding)/up⌋ … ⌊(stride·i − padding + size − 1)/up⌋.

    With ``up`` = 1 this is the familiar sliding window: ``size`` is the effective kernel, ``stride`` and ``padding``
    are the operator's. Larger ``up`` covers everything that makes planes larger or resamples them by a ratio: a
    transposed convolution of kernel k, stride s, padding p is ``Window(k - s + 1, 1, k - p - s, s)``, nearest
    upsampling by f is ``Window(1, 1, 0, f)``, adaptive pooling from n to m is ``Window(n, n, 0, m)``. A window may be
    empty (its last position before its first): a transposed convolution with k < s leaves outputs that see nothing.
    """

    size: Number = 1
    stride: Number = 1
    padding: Number = 0
    up: Number = 1
    axis: int | None = None
    """The output axis that moves this window, where it is not the input's own (counted among the spatial axes)."""


Reach: TypeAlias = tuple[Window | None, ...]
"""One entry per spatial axis of an input; ``None``: every output position sees the whole axis (a global field)."""
