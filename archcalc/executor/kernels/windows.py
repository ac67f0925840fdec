"""The geometry of sliding windows: padding, output positions, and the part of the input under each tap of a kernel.

Everything follows from the definitions of stride, padding and dilation; no formula of `archcalc.ops` is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from archcalc.executor.kernel import Sizes


def index(ranges: Iterable[slice | int], *before: slice) -> tuple[Any, ...]:
    """Return an index of an array: all channels (or ``before``), and a slice or a position of every spatial axis."""
    return (*(before or (slice(None),)), *ranges)


class WindowAxis(NamedTuple):
    """One spatial axis under a sliding window."""

    size: int
    """The positions of the input."""
    before: int
    """The padding before the input."""
    after: int
    """The padding after the input."""
    kernel: int
    stride: int
    dilation: int
    positions: int
    """The number of windows."""

    @property
    def is_pointwise(self) -> bool:
        """Whether every window is one position of the input, and every position one window."""
        return self.kernel == self.stride == 1 and not (self.before or self.after) and self.positions == self.size

    def overlap(self, tap: int, start: int, stop: int) -> tuple[slice, slice]:
        """Return which of the windows ``start`` … ``stop`` − 1 have a tap on the input, and the positions under it.

        Returns:
            A slice of windows, counted from ``start``, and a slice of input positions.
        """
        shift = tap * self.dilation - self.before
        first = max(start, -(shift // self.stride))
        last = max(first, min(stop, -((shift - self.size) // self.stride)))
        at = first * self.stride + shift
        return slice(first - start, last - start), slice(at, at + (last - first) * self.stride, self.stride)

    def reached(self, start: int, stop: int) -> tuple[int, int]:
        """Return the positions from the first tap of window ``start`` to after the last tap of window ``stop`` − 1.

        Positions before 0 and after the input are padding.
        """
        last = (stop - 1) * self.stride - self.before + (self.kernel - 1) * self.dilation
        return start * self.stride - self.before, last + 1


def axes_of(op: Any, sizes: Sizes, *, ceil: bool = False) -> list[WindowAxis]:
    """Return the spatial axes of an operator with sliding windows.

    With ``ceil``, there is a further window if the last one leaves padded positions uncovered and the further one
    starts before the padding after the input, as in PyTorch.
    """
    strides = op.kernel if op.stride is None else op.stride
    pads: Sequence[Any] = (op.pad,) * len(sizes) if isinstance(op.pad, str) else op.pad
    found = []
    for n, k, s, d, pad in zip(sizes, op.kernel, strides, op.dilation, pads, strict=True):
        reach = range(0, k * d, d)[-1] + 1
        before, after = pad if isinstance(pad, tuple) else padding(pad, n, reach, s)
        end = n + before + after
        starts = range(0, min(end - reach + s, n + before), s) if ceil else range(0, end - reach + 1, s)
        found.append(WindowAxis(n, before, after, k, s, d, len(starts)))
    return found


def padding(word: str, n: int, reach: int, stride: int) -> tuple[int, int]:
    """Return the padding before and after an axis for a word, with a kernel that extends over ``reach`` positions."""
    if word == "same":  # a window for every stride-th position; of an odd total, the larger part is after the axis
        last = range(0, n, stride)[-1]
        total = max(last + reach - n, 0)
        return total // 2, total - total // 2
    each = {"valid": 0, "half": (reach - 1) // 2, "full": reach - 1}[word]
    return each, each


def positions(axes: Sequence[WindowAxis]) -> Sizes:
    """Return the spatial sizes of the output."""
    return tuple(axis.positions for axis in axes)


def taps(axes: Sequence[WindowAxis]) -> Iterator[Sizes]:
    """Yield the taps of a kernel as indices, the last axis fastest."""
    return product(*(range(axis.kernel) for axis in axes))


class WindowBlock(NamedTuple):
    """Neighbouring output positions: a range along every axis, contiguous when the axes are flattened."""

    ranges: tuple[tuple[int, int], ...]
    start: int
    """The first position in the flattened axes."""
    stop: int
    """One after the last position in the flattened axes."""

    @property
    def sizes(self) -> Sizes:
        """The number of positions along every axis."""
        return tuple(stop - start for start, stop in self.ranges)


def blocks(sizes: Sizes, limit: int, rows: slice = slice(None)) -> Iterator[WindowBlock]:
    """Cut positions into blocks of about equal size with at most ``limit`` positions each.

    Complete rows (planes, …) stay together unless a single one exceeds the limit. The first block is the largest, so
    its buffers are large enough for all. ``rows`` restricts the blocks to a range of the first axis.
    """
    row = prod(sizes[1:])
    first, last, _ = rows.indices(sizes[0])
    if len(sizes) > 1 and row > limit:
        for number in range(first, last):
            for inner in blocks(sizes[1:], limit):
                yield WindowBlock(
                    ((number, number + 1), *inner.ranges), number * row + inner.start, number * row + inner.stop
                )
        return
    count = -(-(last - first) // max(limit // row, 1))
    rest = tuple((0, size) for size in sizes[1:])
    for part in range(count):
        start, stop = (first - (-each * (last - first) // count) for each in (part, part + 1))
        yield WindowBlock(((start, stop), *rest), start * row, stop * row)
