"""What one output position of an operator depends on, along one axis of one input."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
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

    In other words, which also say what a dilation does: the input positions stand ``up`` apart, x = up·j, a kernel of
    size + up − 1 places reaches from x = stride·i − padding − up + 1 to x = stride·i − padding + size − 1, and the
    output sees what stands at its taps, every ``dilation``-th place from the first.
    """

    size: Number = 1
    stride: Number = 1
    padding: Number = 0
    up: Number = 1
    axis: int | None = None
    """The output axis that moves this window, where it is not the input's own (counted among the spatial axes)."""
    dilation: Number = 1
    outputs: tuple[Number | None, Number | None] | None = None
    """The first and the last output position that have this window (``None``: no bound), where not all have: the others
    see other inputs (tensors joined along the axis)."""

    def positions(self, i: int) -> range:
        """The input positions that output position i sees, if it has this window, in plain sizes."""
        first = self.stride * i - self.padding - self.up + 1
        last = self.stride * i - self.padding + self.size - 1
        if self.up == 1:
            return range(first, last + 1, self.dilation)
        if self.dilation == 1:
            return range(-(-first // self.up), last // self.up + 1)
        # up·j = first + dilation·m: soluble where the common divisor divides first, then every (dilation/common)-th j
        common = gcd(self.up, self.dilation)
        step = self.dilation // common
        if first % common:
            return range(0)
        lowest = -(-first // self.up)
        start = first // common * pow(self.up // common, -1, step) if step > 1 else lowest
        return range(lowest + (start - lowest) % step, last // self.up + 1, step)

    @property
    def is_pointwise(self) -> bool:
        """Whether every output position plainly sees its own input position, on the same axis."""
        return (
            type(self.size) is type(self.stride) is type(self.padding) is type(self.up) is int
            and self.size == self.stride == self.up == 1
            and self.padding == 0
            and self.axis is None
            and self.outputs is None
        )


Reach: TypeAlias = tuple[Window | None, ...]
"""One entry per spatial axis of an input; ``None``: every output position sees the whole axis (a global field)."""
