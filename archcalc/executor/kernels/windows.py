"""Where windows stand on an input: padding, positions, and which part of the input each tap of a kernel meets.

Found by laying windows on the axis, from the definitions of the words; no formula of `archcalc.ops` is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from archcalc.executor.kernel import Sizes


def index(ranges: Iterable[slice | int], *before: slice) -> tuple[Any, ...]:
    """An index of an array: channels (all, unless told which), and a range or a place of every spatial axis."""
    return (*(before or (slice(None),)), *ranges)


class Axis(NamedTuple):
    """One spatial axis under a sliding window."""

    size: int
    """Positions of the input."""
    before: int
    """Padding before the input."""
    after: int
    """Padding after it."""
    kernel: int
    stride: int
    dilation: int
    positions: int
    """How many windows there are."""

    def met(self, tap: int, start: int, stop: int) -> tuple[slice, slice]:
        """Of the windows ``start`` … ``stop`` − 1, those whose tap lies on the input (counted from ``start``), and
        what they meet there."""
        shift = tap * self.dilation - self.before
        first = max(start, -(shift // self.stride))
        last = max(first, min(stop, -((shift - self.size) // self.stride)))
        at = first * self.stride + shift
        return slice(first - start, last - start), slice(at, at + (last - first) * self.stride, self.stride)

    def reached(self, start: int, stop: int) -> tuple[int, int]:
        """The places from the first tap of window ``start`` to behind the last tap of window ``stop`` − 1; those
        before 0 and behind the input are padding."""
        last = (stop - 1) * self.stride - self.before + (self.kernel - 1) * self.dilation
        return start * self.stride - self.before, last + 1


def axes_of(op: Any, sizes: Sizes, *, ceil: bool = False) -> list[Axis]:
    """The spatial axes of a sliding operator, by its kernel, stride, padding and dilation.

    With ``ceil``, a further window stands where the one before leaves padded positions uncovered, as long as it starts
    before the padding after the input (PyTorch).
    """
    strides = op.kernel if op.stride is None else op.stride
    pads: Sequence[Any] = (op.pad,) * len(sizes) if isinstance(op.pad, str) else op.pad
    found = []
    for n, k, s, d, pad in zip(sizes, op.kernel, strides, op.dilation, pads, strict=True):
        reach = range(0, k * d, d)[-1] + 1
        before, after = pad if isinstance(pad, tuple) else padding(pad, n, reach, s)
        end = n + before + after
        starts = range(0, min(end - reach + s, n + before), s) if ceil else range(0, end - reach + 1, s)
        found.append(Axis(n, before, after, k, s, d, len(starts)))
    return found


def padding(word: str, n: int, reach: int, stride: int) -> tuple[int, int]:
    """The padding that a word stands for, before and after an axis, under a kernel that reaches over so many places."""
    if word == "same":  # a window for every stride-th position, the last one complete; the odd place is at the end
        last = range(0, n, stride)[-1]
        total = max(last + reach - n, 0)
        return total // 2, total - total // 2
    each = {"valid": 0, "half": (reach - 1) // 2, "full": reach - 1}[word]
    return each, each


def positions(axes: Sequence[Axis]) -> Sizes:
    """The spatial sizes of the output."""
    return tuple(axis.positions for axis in axes)


def taps(axes: Sequence[Axis]) -> Iterator[Sizes]:
    """The places of a kernel, the last axis fastest."""
    return product(*(range(axis.kernel) for axis in axes))


class Block(NamedTuple):
    """Neighbouring output positions: a range along every axis, contiguous when all axes are laid out in a row."""

    ranges: tuple[tuple[int, int], ...]
    start: int
    stop: int

    @property
    def sizes(self) -> Sizes:
        return tuple(stop - start for start, stop in self.ranges)


def blocks(sizes: Sizes, most: int, rows: slice = slice(None)) -> Iterator[Block]:
    """Cut positions into blocks of about equal size, of at most ``most`` positions where single ones allow it.

    Whole rows (planes, …) stay together unless one alone is too large. The first is the largest: buffers for it do for
    all. ``rows`` are those of the first axis to cut, all of them unless given.
    """
    row = prod(sizes[1:])
    first, last, _ = rows.indices(sizes[0])
    if len(sizes) > 1 and row > most:
        for number in range(first, last):
            for inner in blocks(sizes[1:], most):
                yield Block(
                    ((number, number + 1), *inner.ranges), number * row + inner.start, number * row + inner.stop
                )
        return
    count = -(-(last - first) // max(most // row, 1))
    rest = tuple((0, size) for size in sizes[1:])
    for part in range(count):
        start, stop = (first - (-each * (last - first) // count) for each in (part, part + 1))
        yield Block(((start, stop), *rest), start * row, stop * row)
