"""The memory of a run: which tensors are alive, who shares memory with whom, and where tensors of later runs go.

Tensors that are views of one array (reshaped, sliced, transposed) live and die as one.

Asking the system for fresh pages costs as much as filling them. So the first run of a network notes what memory was
taken when, and for how long; from that the places of all blocks in one piece of memory are found, in which later runs
take the same blocks. A place is a suggestion only: where a run takes another course, its blocks are fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, fresh, owner
from archcalc.graph import Ref

ALIGNED = 64
"""Blocks begin at multiples of so many bytes: a line of the cache."""
MOST_BLOCKS = 1_000
"""Beyond so many blocks no places are found: that takes time by the square of their number."""


@dataclass(slots=True)
class Block:
    """Memory that a run took. Time is counted in blocks taken."""

    size: int
    """In bytes."""
    begin: int
    """How many blocks had been taken before it."""
    end: int | None = None
    """How many had been taken when nobody needed it any more; none if it outlived the run."""


class Place(NamedTuple):
    """A range of bytes."""

    start: int
    stop: int

    def meets(self, other: Place) -> bool:
        return self.start < other.stop and other.start < self.stop


def places(blocks: Sequence[Block]) -> list[Place | None]:
    """A place for every block that ended, such that blocks alive at the same time do not meet: the largest first, each
    in the smallest gap between those it would meet (greedy by size: Pisarchyk and Lee 2020, arXiv:2001.03288)."""
    found: list[Place | None] = [None] * len(blocks)
    if len(blocks) > MOST_BLOCKS:
        return found
    placed: list[tuple[Place, int, int]] = []
    for number in sorted(range(len(blocks)), key=lambda number: -blocks[number].size):
        block = blocks[number]
        if block.end is None:
            continue
        size, at, least = -(-block.size // ALIGNED) * ALIGNED, None, 0
        free = 0
        for place in sorted(place for place, begin, end in placed if begin < block.end and block.begin < end):
            if place.start - free >= size and (at is None or place.start - free < least):
                at, least = free, place.start - free
            free = max(free, place.stop)
        start = free if at is None else at
        place = found[number] = Place(start, start + size)
        placed.append((place, block.begin, block.end))
    return found


class Layout:
    """Where the blocks of a run go. Each run learns from the one before it."""

    def __init__(self) -> None:
        self.blocks: Sequence[Block] = ()
        """What the last run took."""
        self.places: Sequence[Place | None] = ()
        self.memory = fresh(0)
        """What the places are in."""
        self._planned: Sequence[Block] = ()

    def prepare(self) -> None:
        """Find the places for what the last run took, if that has changed."""
        if self._planned != self.blocks:
            self._planned = self.blocks
            self.places = places(self.blocks)
            self.memory = fresh(0)  # the old is gone before the new is there
            size = max((place.stop for place in self.places if place is not None), default=0)
            memory = fresh(size + ALIGNED)
            first = -memory.ctypes.data % ALIGNED
            self.memory = memory[first : first + size]


class Memory:
    """The tensors that are alive during one run."""

    def __init__(self, layout: Layout, foreign: frozenset[int]) -> None:
        """Start without tensors.

        Args:
            layout: where blocks may go; this run is noted there at its end.
            foreign: arrays (by identity) whose memory is never lent: stored ones, and those of whoever called.
        """
        layout.prepare()
        self.layout = layout
        self.foreign = foreign
        self.tensors: dict[Ref, Array] = {}
        self.live = 0
        """Bytes of all memory that live tensors are in."""
        self.peak = layout.memory.nbytes
        """The most bytes at one time, all of the layout's memory among them."""
        self._beside = layout.memory.nbytes
        """Bytes of the layout's memory and of live tensors that are not in it."""
        self._readers: dict[int, int] = {}
        self._blocks: list[Block] = []
        self._taken: dict[int, tuple[Any, Block, Place | None]] = {}
        """Live blocks by the identity of what owns their memory, which is kept alive with them."""

    def allocate(self, size: int) -> Array:
        """A block of at least so many bytes, with an owner of its own."""
        number = len(self._blocks)
        block = Block(size, number)
        self._blocks.append(block)
        place = self._place(number, size)
        if place is None:
            array = fresh(size)
        else:
            array = np.frombuffer(self.layout.memory.data[place.start : place.stop], np.uint8)
        memory = owner(array)
        self._taken[id(memory)] = memory, block, place
        return array

    def _place(self, number: int, size: int) -> Place | None:
        """Where a block goes, if that is known and nobody is there."""
        known = self.layout.blocks
        if number >= len(known) or known[number].size != size:
            return None
        place = self.layout.places[number]
        if place is None or any(other.meets(place) for _, _, other in self._taken.values() if other is not None):
            return None
        return place

    def hold(self, ref: Ref, array: Array) -> None:
        """A tensor comes to life."""
        memory = owner(array)
        self.tensors[ref] = array
        readers = self._readers[id(memory)] = self._readers.get(id(memory), 0) + 1
        if readers == 1:
            self._change(memory, array, 1)
            self.peak = max(self.peak, self._beside)

    def release(self, ref: Ref) -> None:
        """Nobody needs a tensor any more."""
        array = self.tensors.pop(ref)
        memory = owner(array)
        self._readers[id(memory)] -= 1
        if not self._readers[id(memory)]:
            del self._readers[id(memory)]
            self.foreign -= {id(memory)}  # it may be gone, and another array have its identity
            self._change(memory, array, -1)
            if id(memory) in self._taken:
                _, block, _ = self._taken.pop(id(memory))
                block.end = len(self._blocks)

    def _change(self, memory: Any, array: Array, sign: int) -> None:
        size = sign * int(getattr(memory, "nbytes", array.nbytes))
        self.live += size
        taken = self._taken.get(id(memory))
        if taken is None or taken[2] is None:
            self._beside += size

    def lendable(self, ref: Ref) -> bool:
        """Whether a tensor may be overwritten: nobody else is in its memory, and that is ours."""
        array = self.tensors[ref]
        memory = id(owner(array))
        return self._readers[memory] == 1 and memory not in self.foreign and array.flags.writeable

    def finish(self, refs: Iterable[Ref]) -> dict[Ref, Array]:
        """The tensors that outlive the run, in memory that no later run uses. Nothing is taken afterwards."""
        used = {id(memory) for memory, _, place in self._taken.values() if place is not None}
        found = {ref: self.tensors[ref] for ref in refs}
        found = {ref: array.copy() if id(owner(array)) in used else array for ref, array in found.items()}
        self.layout.blocks = self._blocks
        return found
