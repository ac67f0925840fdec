"""Windows: the input positions that an output position depends on, along one axis of one input."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TypeAlias

from archcalc.numeric import Number


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Output position i sees the input positions ⌊(stride·i − padding)/up⌋ … ⌊(stride·i − padding + size − 1)/up⌋.

    With ``up`` = 1 this is the usual sliding window: ``size`` is the effective kernel, ``stride`` and ``padding`` are
    those of the operator. A larger ``up`` describes operators that upsample or resample by a ratio: a transposed
    convolution of kernel k, stride s and padding p is ``Window(k - s + 1, 1, k - p - s, s)``, nearest upsampling by f
    is ``Window(1, 1, 0, f)``, adaptive pooling from n to m is ``Window(n, n, 0, m)``. A window may be empty (its last
    position precedes its first): in a transposed convolution with k < s, some outputs see nothing.

    With a dilation, place the input positions ``up`` apart, at x = up·j. A kernel of size + up − 1 places extends from
    x = stride·i − padding − up + 1 to x = stride·i − padding + size − 1, and the output sees the input positions at
    every ``dilation``-th place from the first.
    """

    size: Number = 1
    stride: Number = 1
    padding: Number = 0
    up: Number = 1
    axis: int | None = None
    """The output axis along which this window moves, if it is not that of the input."""
    dilation: Number = 1
    outputs: tuple[Number | None, Number | None] | None = None
    """The first and last output position with this window (``None``: unbounded), if not all positions have it: the
    others see other inputs, concatenated along the axis."""

    from_start: bool = False
    """Whether the window extends back to the first position of the axis, as in causal attention."""
    border: str = "zeros"
    """What an output sees where the window extends beyond the input (`archcalc.ops.border`): nothing for ``zeros``."""
    known: bool = True
    """False if the positions cannot be followed: what an output sees is then not known."""

    def positions(self, i: int) -> range:
        """Return the input positions that output position i sees, for plain sizes; from the start, from 0."""
        if self.from_start:
            return range((self.stride * i - self.padding + self.size - 1) // self.up + 1)
        first = self.stride * i - self.padding - self.up + 1
        last = self.stride * i - self.padding + self.size - 1
        if self.up == 1:
            return range(first, last + 1, self.dilation)
        if self.dilation == 1:
            return range(-(-first // self.up), last // self.up + 1)
        # up·j = first + dilation·m is solvable iff the common divisor divides first; then every (dilation/common)-th j.
        common = gcd(self.up, self.dilation)
        step = self.dilation // common
        if first % common:
            return range(0)
        lowest = -(-first // self.up)
        start = first // common * pow(self.up // common, -1, step) if step > 1 else lowest
        return range(lowest + (start - lowest) % step, last // self.up + 1, step)

    @property
    def is_pointwise(self) -> bool:
        """Whether every output position is known to see exactly its own input position, on the same axis."""
        return (
            type(self.size) is type(self.stride) is type(self.padding) is type(self.up) is int
            and self.size == self.stride == self.up == 1
            and self.padding == 0
            and self.axis is None
            and self.outputs is None
            and self.known
            and not self.from_start
        )


UNKNOWN = Window(known=False)
"""The window of an output whose positions cannot be followed."""

Reach: TypeAlias = tuple[Window | None, ...]
"""One window per axis of an input, channels included; ``None``: every output sees the entire axis (a global field)."""
