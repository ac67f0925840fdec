"""Where the tensors of a run are: which of them share memory, how long it is needed, and a place for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.interpreter import LayerTrace
from archcalc.executor.kernel import Array, Sizes, owner
from archcalc.graph import Node, Ref

ALIGNED = 64
"""Blocks begin at multiples of so many bytes: a line of the cache."""


@dataclass(slots=True)
class Block:
    """Memory that one tensor, and others that are views of it, are in. Time is counted in layers."""

    size: int
    """In bytes."""
    begin: int
    """The layer that writes to it (inputs: 0)."""
    end: float
    """The layer from which on nobody needs it; infinite if it outlives the run."""


class Placement(NamedTuple):
    """Where a tensor is, and how."""

    block: int
    """The number of its block."""
    offset: int
    """Bytes from there to its first number."""
    shape: Sizes
    strides: Sizes
    dtype: np.dtype[Any]


class PlacedLayer(NamedTuple):
    """A layer, with where its tensors are."""

    node: Node
    weights: Mapping[str, Array]
    inputs: tuple[Placement, ...]
    outputs: tuple[Placement, ...]
    is_view: bool
    """Whether its outputs are its inputs, looked at in another way: there is nothing to do."""


class Layout:
    """The memory of one run, by watching it."""

    def __init__(self, inputs: Mapping[Ref, Array]) -> None:
        """Start with the inputs of the run."""
        self.blocks: list[Block] = []
        self.layers: list[PlacedLayer] = []
        self.placements: dict[Ref, Placement] = {}
        for ref, array in inputs.items():
            whole = np.empty(array.shape, array.dtype)
            self.placements[ref] = self._new(whole, whole)

    def observe(self, trace: LayerTrace) -> None:
        """Take in a layer that has just been evaluated."""
        read = tuple([self.placements[ref] for ref in trace.node.inputs])
        for placement in read:
            self.blocks[placement.block].end = len(self.layers) + 1
        before = len(self.blocks)
        written = tuple([self._place(array, trace.inputs, read) for array in trace.outputs])
        self.placements.update({Ref(trace.number, output): each for output, each in enumerate(written)})
        self.layers.append(PlacedLayer(trace.node, trace.weights, read, written, len(self.blocks) == before))

    def _place(self, array: Array, inputs: Sequence[Array], placements: Sequence[Placement]) -> Placement:
        """Place an output of a layer: in a block of its own unless it is a view of an input."""
        memory = owner(array)
        for given, placement in zip(inputs, placements, strict=True):
            if owner(given) is memory:
                offset = placement.offset + array.ctypes.data - given.ctypes.data
                return Placement(placement.block, offset, array.shape, array.strides, array.dtype)
        return self._new(array, memory if isinstance(memory, np.ndarray) else array)

    def _new(self, array: Array, whole: Array) -> Placement:
        self.blocks.append(Block(whole.nbytes, len(self.layers), len(self.layers) + 1))
        offset = array.ctypes.data - whole.ctypes.data
        return Placement(len(self.blocks) - 1, offset, array.shape, array.strides, array.dtype)

    def keep(self, results: Iterable[Ref]) -> None:
        """Let tensors outlive the run."""
        for ref in results:
            self.blocks[self.placements[ref].block].end = inf


class Place(NamedTuple):
    """A range of bytes."""

    start: int
    stop: int


def places(blocks: Sequence[Block]) -> list[Place]:
    """A place for every block, such that blocks alive at the same time do not meet: the largest first, each in the
    smallest gap between those it would meet (greedy by size: Pisarchyk and Lee 2020, arXiv:2001.03288)."""
    found: dict[int, Place] = {}
    for number in sorted(range(len(blocks)), key=lambda number: -blocks[number].size):
        block = blocks[number]
        size = -(-block.size // ALIGNED) * ALIGNED
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
        found[number] = Place(start, start + size)
    return [found[number] for number in range(len(blocks))]
