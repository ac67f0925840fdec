"""Sliding windows, by moving them step by step: their starts, and the positions they cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from archcalc.executor.loops.scalar import Scalar
from archcalc.executor.loops.tensor import Index, Tensor
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv
from archcalc.ops.pool import AvgPool, MaxPool, Subsample
from archcalc.ops.sampling import DeformableConv

Sliding = Conv | DepthwiseConv | SeparableConv | DeformableConv | MaxPool | AvgPool | Subsample


@dataclass(frozen=True)
class SlidingAxis:
    """The windows along one axis."""

    size: int
    starts: tuple[int, ...]
    """The start of every window as a position of the input; negative in the padding before it."""
    taps: tuple[int, ...]
    """The offsets that a window covers, counted from its start."""
    before: int
    """The padding before the input."""
    after: int
    """The padding after the input."""
    border: str = "zeros"
    """The values of the padding."""

    def place(self, at: int) -> int:
        """Return the position of the input that is read at a position; outside of the input if zero is read."""
        return place_of(at, self.size, self.border)


def place_of(at: int, size: int, border: str) -> int:
    """Return the position of an axis that is read at a position, which may be in the padding."""
    if border == "reflect":
        return -at if at < 0 else min(at, 2 * (size - 1) - at)
    if border == "replicate":
        return min(max(at, 0), size - 1)
    return at % size if border == "circular" else at


@dataclass(frozen=True)
class PlacedWindow:
    """A window: the index of its output, and the indices of the inputs that it covers."""

    output: Index
    covered: tuple[Index, ...]


def axes_of(op: Sliding, size: Index, *, ceil: bool = False) -> list[SlidingAxis]:
    """Return the windows along every spatial axis of an input."""
    strides = op.kernel if op.stride is None else op.stride
    pads: Sequence[str | tuple[int, int]] = (op.pad,) * len(size) if isinstance(op.pad, str) else op.pad
    rows = zip(size, op.kernel, strides, op.dilation, pads, strict=True)
    border = getattr(op, "border", "zeros")
    return [replace(_slide(n, tuple(range(0, k * d, d)), s, pad, ceil), border=border) for n, k, s, d, pad in rows]


def _slide(n: int, taps: tuple[int, ...], stride: int, pad: str | tuple[int, int], ceil: bool) -> SlidingAxis:
    last = taps[-1]
    if (
        pad == "same"
    ):  # a window at every stride-th position; what they extend beyond the end is split between both sides
        beyond = max(range(0, n, stride)[-1] + last - (n - 1), 0)
        before, after = beyond // 2, beyond - beyond // 2
    else:
        before, after = sides(pad, last)
    starts = []
    start = -before
    while _exists(start, last, stride, n, after, ceil):
        starts.append(start)
        start += stride
    return SlidingAxis(n, tuple(starts), taps, before, after)


def sides(pad: str | tuple[int, int], span: int) -> tuple[int, int]:
    """Return the padding on both sides: as given, or for a word, from the distance of the first and the last tap."""
    if not isinstance(pad, str):
        return pad
    each = {"valid": 0, "half": span // 2, "full": span}[pad]
    return each, each


def _exists(start: int, last: int, stride: int, n: int, after: int, ceil: bool) -> bool:
    """Return whether there is a window at a start: it must lie completely on the padded input.

    With ``ceil``, there is also one that starts on the input or in the padding before it, and covers part of the padded
    input that the previous window did not cover.
    """
    end = n + after
    if ceil:
        return start < n and start - stride + last < end - 1
    return start + last < end


def windows(axes: list[SlidingAxis]) -> Iterator[PlacedWindow]:
    """Yield every window, in the order of the outputs."""
    for place in product(*(range(len(axis.starts)) for axis in axes)):
        corner = [axis.starts[i] for axis, i in zip(axes, place, strict=True)]
        reached = product(*([axis.place(at + tap) for tap in axis.taps] for axis, at in zip(axes, corner, strict=True)))
        yield PlacedWindow(place, tuple(reached))


def seen(x: Tensor, channel: int, window: PlacedWindow, outside: Scalar) -> list[Scalar]:
    """Return the numbers of one channel in a window, with ``outside`` for padding."""
    return [x.get((channel, *place), outside) for place in window.covered]
