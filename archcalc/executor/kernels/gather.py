"""Gathering the windows of a tensor as columns of a matrix (im2col).

They are gathered by blocks of output positions, so that the buffer stays in the cache and memory is bounded for any
size of the input.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Context, Sizes
from archcalc.executor.kernels.windows import WindowAxis, WindowBlock, index

MAX_BLOCK_BYTES = 1 << 22
"""The bytes of a block of gathered windows. A larger block is slightly faster (fewer products of larger matrices), but
takes memory that is not part of the analysis."""
MIN_POSITIONS = 128
"""Matrix products with fewer columns are slow, so a block has this many even if it is larger than `MAX_BLOCK_BYTES`."""


def block_positions(bytes_per_position: int) -> int:
    """Return how many output positions are gathered at once."""
    return max(MAX_BLOCK_BYTES // bytes_per_position, MIN_POSITIONS)


def maps_together(bytes_of_one: int) -> int:
    """Return for how many maps the windows at all positions are gathered at once."""
    return max(MAX_BLOCK_BYTES // bytes_of_one, 1)


def gather(sample: Array, axes: list[WindowAxis], block: WindowBlock, context: Context) -> Array:
    """Return the windows of a block of positions of one sample (C×n…), as an array C×taps×positions, with zero
    padding."""
    frame = frame_of(sample, axes, block)
    if frame.is_view:
        framed = sample
    else:
        framed = context.scratch("frame", frame.shape, sample.dtype)
        framed[...] = 0
        framed[frame.target] = sample[frame.source]
    columns = context.scratch("columns", sizes_of(sample, axes, block), sample.dtype)
    columns[...] = windows(framed, frame.first, axes, block)
    return columns.reshape(len(sample), -1, prod(block.sizes))


class PaddedRegion(NamedTuple):
    """The part of a sample, with padding, that the windows of a block cover."""

    is_view: bool
    """Whether no padding is covered, so that the sample itself is used."""
    shape: Sizes
    source: tuple[slice, ...]
    """The index of the covered part in the sample."""
    target: tuple[slice, ...]
    """The index of that part in the frame; the rest is padding."""
    first: Sizes
    """The position of the first tap of the first window along every spatial axis, in the frame or the sample."""


def frame_of(sample: Array, axes: list[WindowAxis], block: WindowBlock) -> PaddedRegion:
    """Return the frame of a block of positions of one sample (C×n…)."""
    reached = [axis.reached(*bounds) for axis, bounds in zip(axes, block.ranges, strict=True)]
    inside = [(max(first, 0), min(last, axis.size)) for axis, (first, last) in zip(axes, reached, strict=True)]
    is_view = inside == reached
    stops = [(low, max(high, low)) for low, high in inside]
    return PaddedRegion(
        is_view,
        (len(sample), *(last - first for first, last in reached)),
        index(slice(low, high) for low, high in stops),
        index(slice(low - first, high - first) for (first, _), (low, high) in zip(reached, stops, strict=True)),
        tuple(first if is_view else 0 for first, _ in reached),
    )


def sizes_of(sample: Array, axes: list[WindowAxis], block: WindowBlock) -> Sizes:
    """Return the shape of `windows`."""
    return (len(sample), *(axis.kernel for axis in axes), *block.sizes)


def windows(framed: Array, first: Sizes, axes: list[WindowAxis], block: WindowBlock) -> Array:
    """Return the windows of a block of positions as a view C×k…×positions… of a frame or sample (C×n…)."""
    steps = framed.strides[1:]
    tap_strides = (axis.dilation * step for axis, step in zip(axes, steps, strict=True))
    window_strides = (axis.stride * step for axis, step in zip(axes, steps, strict=True))
    offset = sum(place * step for place, step in zip(first, steps, strict=True))
    strides = (framed.strides[0], *tap_strides, *window_strides)
    return np.ndarray(sizes_of(framed, axes, block), framed.dtype, framed, offset, strides)
