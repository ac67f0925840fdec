"""The memory layout of a run: which tensors share memory, how long it is live, and where it is allocated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.interpreter import LayerTrace
from archcalc.executor.kernel import Array, Sizes, owner
from archcalc.graph import Node, Ref

ALIGNMENT = 64
"""The alignment of blocks in bytes: a cache line."""


@dataclass(slots=True)
class MemoryBlock:
    """The memory of a tensor and of its views. Times are indices of layers."""

    size: int
    """The size in bytes."""
    begin: int
    """The layer that writes to the block (0 for inputs)."""
    end: float
    """The first layer at which the block is free again; infinite if it outlives the run."""


class Placement(NamedTuple):
    """The memory of a tensor: its block, and its layout there."""

    block: int
    """The index of the block."""
    offset: int
    """The bytes from the start of the block to the first number."""
    shape: Sizes
    strides: Sizes
    dtype: np.dtype[Any]


class PlacedLayer(NamedTuple):
    """A layer with the placements of its tensors."""

    node: Node
    weights: Mapping[str, Array]
    inputs: tuple[Placement, ...]
    outputs: tuple[Placement, ...]
    is_view: bool
    """Whether all outputs are views of inputs, so that there is nothing to compute."""


class MemoryLayout:
    """The memory layout of a run, built by observing it."""

    def __init__(self, inputs: Mapping[Ref, Array]) -> None:
        """Start with the inputs of the run, by reference."""
        self.blocks: list[MemoryBlock] = []
        self.layers: list[PlacedLayer] = []
        self.placements: dict[Ref, Placement] = {}
        for ref, array in inputs.items():
            memory = np.empty(array.shape, array.dtype)
            self.placements[ref] = self._new(memory, memory)

    def observe(self, trace: LayerTrace) -> None:
        """Add a layer that has just been evaluated."""
        read = tuple([self.placements[ref] for ref in trace.node.inputs])
        for placement in read:
            self.blocks[placement.block].end = len(self.layers) + 1
        before = len(self.blocks)
        written = tuple([self._place(array, trace.inputs, read) for array in trace.outputs])
        self.placements.update({Ref(trace.number, output): each for output, each in enumerate(written)})
        self.layers.append(PlacedLayer(trace.node, trace.weights, read, written, len(self.blocks) == before))

    def _place(self, array: Array, inputs: Sequence[Array], placements: Sequence[Placement]) -> Placement:
        """Return the placement of an output of a layer: in a new block unless it is a view of an input."""
        memory = owner(array)
        for given, placement in zip(inputs, placements, strict=True):
            if owner(given) is memory:
                offset = placement.offset + array.ctypes.data - given.ctypes.data
                return Placement(placement.block, offset, array.shape, array.strides, array.dtype)
        return self._new(array, memory if isinstance(memory, np.ndarray) else array)

    def _new(self, array: Array, memory: Array) -> Placement:
        self.blocks.append(MemoryBlock(memory.nbytes, len(self.layers), len(self.layers) + 1))
        offset = array.ctypes.data - memory.ctypes.data
        return Placement(len(self.blocks) - 1, offset, array.shape, array.strides, array.dtype)

    def keep(self, results: Iterable[Ref]) -> None:
        """Mark tensors as outliving the run."""
        for ref in results:
            self.blocks[self.placements[ref].block].end = inf


class ByteRange(NamedTuple):
    """A range of bytes, ``stop`` excluded."""

    start: int
    stop: int


def byte_ranges(blocks: Sequence[MemoryBlock]) -> list[ByteRange]:
    """Return a range of bytes for every block, such that blocks that are live at the same time do not overlap.

    The largest block is placed first, and each in the smallest gap that fits among the conflicting blocks (greedy by
    size: Pisarchyk and Lee 2020, arXiv:2001.03288).
    """
    found: dict[int, ByteRange] = {}
    for number in sorted(range(len(blocks)), key=lambda number: -blocks[number].size):
        block = blocks[number]
        size = -(-block.size // ALIGNMENT) * ALIGNMENT
        gaps, free = [], 0
        for place in sorted(
            place
            for other, place in found.items()
            if blocks[other].begin < block.end and block.begin < blocks[other].end
        ):
            if place.start - free >= size:
                gaps.append((place.start - free, free))
            free = max(free, place.stop)
        start = min(gaps)[1] if gaps else free
        found[number] = ByteRange(start, start + size)
    return [found[number] for number in range(len(blocks))]
