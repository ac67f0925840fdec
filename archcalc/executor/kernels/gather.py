"""Windows of a tensor, side by side in a buffer.

They are gathered block by block of output positions, so that the buffer stays in cache and memory is bounded whatever
the size of the input.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Context, Sizes
from archcalc.executor.kernels.windows import Axis, Block, index

BLOCK_BYTES = 1 << 22
"""What a block of gathered windows may take: more is a little faster (fewer products, each of more columns), but is
memory that no analysis foresees."""
LEAST_POSITIONS = 128
"""Fewer columns than this make matrix products slow, so a block may be larger than `BLOCK_BYTES` to have them."""


def block_positions(bytes_per_position: int) -> int:
    """How many output positions are gathered at once."""
    return max(BLOCK_BYTES // bytes_per_position, LEAST_POSITIONS)


def maps_together(bytes_of_one: int) -> int:
    """The windows of how many maps, all positions of each, are gathered at once."""
    return max(BLOCK_BYTES // bytes_of_one, 1)


def gather(sample: Array, axes: list[Axis], block: Block, context: Context) -> Array:
    """The windows of a block of positions of one sample (C×n…), as an array C×taps×positions; padding is zeros."""
    frame = frame_of(sample, axes, block)
    if frame.whole:
        framed = sample
    else:
        framed = context.scratch("frame", frame.shape, sample.dtype)
        framed[...] = 0
        framed[frame.target] = sample[frame.source]
    columns = context.scratch("columns", sizes_of(sample, axes, block), sample.dtype)
    columns[...] = windows(framed, frame.first, axes, block)
    return columns.reshape(len(sample), -1, prod(block.sizes))


class Frame(NamedTuple):
    """The part of a sample, with padding, that the windows of a block reach."""

    whole: bool
    """Whether the sample itself does for it: no padding is reached."""
    shape: Sizes
    source: tuple[slice, ...]
    """What of the sample is in it."""
    target: tuple[slice, ...]
    """Where in it that is; the rest is padding."""
    first: Sizes
    """The place of the first tap of the first window along every spatial axis: in the sample if that does."""


def frame_of(sample: Array, axes: list[Axis], block: Block) -> Frame:
    """What the windows of a block of positions of one sample (C×n…) reach."""
    reached = [axis.reached(*bounds) for axis, bounds in zip(axes, block.ranges, strict=True)]
    inside = [(max(first, 0), min(last, axis.size)) for axis, (first, last) in zip(axes, reached, strict=True)]
    whole = inside == reached
    stops = [(low, max(high, low)) for low, high in inside]
    return Frame(
        whole,
        (len(sample), *(last - first for first, last in reached)),
        index(slice(low, high) for low, high in stops),
        index(slice(low - first, high - first) for (first, _), (low, high) in zip(reached, stops, strict=True)),
        tuple(first if whole else 0 for first, _ in reached),
    )


def sizes_of(sample: Array, axes: list[Axis], block: Block) -> Sizes:
    """The sizes of `windows`."""
    return (len(sample), *(axis.kernel for axis in axes), *block.sizes)


def windows(framed: Array, first: Sizes, axes: list[Axis], block: Block) -> Array:
    """The windows of a block of positions where they are: a view C×k…×positions… of what they reach (C×n…)."""
    steps = framed.strides[1:]
    apart = (axis.dilation * step for axis, step in zip(axes, steps, strict=True))
    onward = (axis.stride * step for axis, step in zip(axes, steps, strict=True))
    offset = sum(place * step for place, step in zip(first, steps, strict=True))
    strides = (framed.strides[0], *apart, *onward)
    return np.ndarray(sizes_of(framed, axes, block), framed.dtype, framed, offset, strides)
