"""Windows of a tensor, side by side in a buffer.

They are gathered block by block of output positions, so that the buffer stays in cache and memory is bounded whatever
the size of the input.
"""

from __future__ import annotations

from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Sizes, Work
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


def gather(sample: Array, axes: list[Axis], block: Block, work: Work) -> Array:
    """The windows of a block of positions of one sample (C×n…), as an array C×taps×positions; padding is zeros."""
    columns = work.scratch("columns", sizes_of(sample, axes, block), sample.dtype)
    work.copy(windows(sample, axes, block, work), columns)
    return columns.reshape(len(sample), -1, prod(block.sizes))


def gather_together(sample: Array, axes: list[Axis], block: Block, work: Work) -> Array:
    """As `gather`, as the matrix taps×positions: every lane gathers the windows of some maps."""
    columns = work.common("columns", sizes_of(sample, axes, block), sample.dtype)
    some = work.lane.part(len(sample))
    if some.start < some.stop:
        work.copy(windows(sample[some], axes, block, work), columns[some])
    work.do(work.lane.meet)
    return columns.reshape(-1, prod(block.sizes))


def sizes_of(sample: Array, axes: list[Axis], block: Block) -> Sizes:
    """The sizes of `windows`."""
    return (len(sample), *(axis.kernel for axis in axes), *block.sizes)


def windows(sample: Array, axes: list[Axis], block: Block, work: Work) -> Array:
    """The windows of a block of positions of one sample (C×n…), where they are: C×k…×positions…"""
    framed, first = frame(sample, axes, block, work)
    steps = framed.strides[1:]
    apart = (axis.dilation * step for axis, step in zip(axes, steps, strict=True))
    onward = (axis.stride * step for axis, step in zip(axes, steps, strict=True))
    strides = (framed.strides[0], *apart, *onward)
    return np.ndarray(sizes_of(sample, axes, block), framed.dtype, framed, first, strides)


def frame(sample: Array, axes: list[Axis], block: Block, work: Work) -> tuple[Array, int]:
    """What the windows of a block reach, with its padding: an array, and the offset in it (in bytes) of the first
    place. Without padding this is the sample itself."""
    reached = [axis.reached(*bounds) for axis, bounds in zip(axes, block.ranges, strict=True)]
    inside = [(max(first, 0), min(last, axis.size)) for axis, (first, last) in zip(axes, reached, strict=True)]
    if inside == reached:
        return sample, sum(first * step for (first, _), step in zip(reached, sample.strides[1:], strict=True))
    framed = work.scratch("frame", (len(sample), *(last - first for first, last in reached)), sample.dtype)
    work.copy(0, framed)
    target = [
        slice(low - first, max(high, low) - first) for (first, _), (low, high) in zip(reached, inside, strict=True)
    ]
    work.copy(sample[index(slice(low, max(high, low)) for low, high in inside)], framed[index(target)])
    return framed, 0
