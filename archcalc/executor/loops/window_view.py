"""The window of one output of a convolution or a pooling: the padded input, and the weights that are laid over it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from archcalc.executor.kernel import Array, Weights
from archcalc.executor.loops.conv import kernels_of, with_gain
from archcalc.executor.loops.pool import parts_of
from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.sliding import SlidingAxis, axes_of
from archcalc.executor.loops.tensor import Index, counting
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv, DepthwiseConv
from archcalc.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    Subsample,
)


@dataclass(frozen=True, eq=False)
class WindowView:
    """The window of one output."""

    input: Array
    """The input with its padding, channels first, without batch."""
    before: Index
    """The padding before the input, per spatial axis."""
    sizes: Index
    """The sizes of the input itself, per spatial axis."""
    channels: tuple[int, ...]
    """The channels that the output sees."""
    covered: tuple[tuple[int, ...], ...]
    """The positions of the window on the padded input, per spatial axis."""
    weights: Array | None
    """The weights as they are laid over the window, for each of the channels; ``None`` without weights."""

    @property
    def is_padded(self) -> bool:
        return self.input.shape[1:] != self.sizes

    @property
    def values(self) -> Array:
        """The numbers under the window, for each of the channels."""
        found: Array = self.input[np.ix_(self.channels, *self.covered)]
        return found

    def indices(self) -> tuple[Index, ...]:
        """Return the indices of the numbers under the window in the padded input."""
        return tuple(product(self.channels, *self.covered))


def window_view(op: Operator, x: Array, weights: Weights, index: Index) -> WindowView | None:
    """Return the window of an output; ``None`` for operators other than convolutions and poolings.

    Args:
        op: the operator.
        x: its input, without batch.
        weights: its stored arrays by name.
        index: the output, channel first.
    """
    channels: tuple[int, ...]
    channel, *at = index
    size = x.shape[1:]
    if isinstance(op, GlobalAvgPool | GlobalMaxPool | AdaptiveAvgPool | AdaptiveMaxPool):
        return WindowView(x, (0,) * len(size), size, (channel,), parts_of(op, size, tuple(at)), None)
    channels, laid = (channel,), None
    if isinstance(op, MaxPool | AvgPool | Subsample):
        axes = axes_of(op, size, ceil=op.ceil)
    elif isinstance(op, Conv | DepthwiseConv):
        axes = axes_of(op, size)
        tally = Tally()
        stored = {name: counting(array, tally) for name, array in weights.items()}
        kernels = kernels_of(op, len(x), stored, tally)[channel]
        channels = tuple(kernels)
        row = with_gain([weight for kernel in kernels.values() for weight in kernel], stored, channel)
        laid = np.array([weight.value for weight in row]).reshape(len(channels), *op.kernel)
    else:
        return None
    starts = [axis.starts[place] for axis, place in zip(axes, at, strict=True)]
    covered = tuple(
        tuple(start + tap + axis.before for tap in axis.taps) for axis, start in zip(axes, starts, strict=True)
    )
    padded = _padded(x, axes, -math.inf if isinstance(op, MaxPool) else 0.0)
    return WindowView(padded, tuple(axis.before for axis in axes), size, channels, covered, laid)


def _padded(x: Array, axes: list[SlidingAxis], outside: float) -> Array:
    """Return an input with its padding, and with what windows reach beyond it."""
    reached = [axis.starts[-1] + axis.taps[-1] for axis in axes]
    ends = [max(axis.size + axis.after, last + 1) for axis, last in zip(axes, reached, strict=True)]
    shape = [axis.before + end for axis, end in zip(axes, ends, strict=True)]
    found = np.full((len(x), *shape), outside, x.dtype if x.dtype == object else float)
    for place in product(*map(range, shape)):
        source = [axis.place(at - axis.before) for axis, at in zip(axes, place, strict=True)]
        if all(0 <= at < axis.size for axis, at in zip(axes, source, strict=True)):
            for channel, own in enumerate(x):
                found[channel, *place] = own[tuple(source)]
    return found
