"""The memory of a run: which tensors are alive, who shares memory with whom, and what can be used again.

Tensors that are views of one array (reshaped, sliced, transposed) live and die as one. Memory that nobody reads any
more is kept for the next tensor of that size, as long as all of it together is no more than what was once alive at
one time: asking the system for fresh pages costs as much as filling them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, fresh, owner
from archcalc.graph import Ref

WASTE = 8
"""A block may be larger than what is asked for by one part in so many."""


class Pool:
    """Blocks of bytes that tensors were in and others may be in next. Outlives a run."""

    def __init__(self) -> None:
        self.free: list[Array] = []
        self.most = 0
        """The most bytes of tensors that were alive at one time, in any run."""

    @property
    def bytes(self) -> int:
        """What is kept for later."""
        return sum(block.nbytes for block in self.free)

    def take(self, size: int, live: int) -> Array:
        """A block of at least so many bytes, while so many are alive: the smallest that fits, or a new one."""
        fitting = [block for block in self.free if size <= block.nbytes <= size + size // WASTE]
        if fitting:
            found = min(fitting, key=lambda block: block.nbytes)
            self.free = [block for block in self.free if block is not found]
            return found
        self.free.sort(key=lambda block: block.nbytes)
        while self.free and live + self.bytes + size > self.most:
            self.free.pop()
        return fresh(size)


class Memory:
    """The tensors that are alive during one run."""

    def __init__(self, pool: Pool, foreign: frozenset[int]) -> None:
        """Start without tensors.

        Args:
            pool: where memory is taken from and returned to.
            foreign: arrays (by identity) whose memory is never lent: stored ones, and those of whoever called.
        """
        self.pool = pool
        self.foreign = foreign
        self.tensors: dict[Ref, Array] = {}
        self.live = 0
        """Bytes of all memory that live tensors are in."""
        self.peak = 0
        """The most bytes at one time, those kept for later among them."""
        self._readers: Counter[int] = Counter()
        self._blocks: dict[int, Array] = {}

    def allocate(self, size: int) -> Array:
        """A block of at least so many bytes."""
        block = self.pool.take(size, self.live)
        self._blocks[id(block)] = block
        return block

    def hold(self, ref: Ref, array: Array) -> None:
        """A tensor comes to life."""
        memory = owner(array)
        self.tensors[ref] = array
        self._readers[id(memory)] += 1
        if self._readers[id(memory)] == 1:
            self.live += _bytes(memory, array)
            self.pool.most = max(self.pool.most, self.live)
            self.peak = max(self.peak, self.live + self.pool.bytes)

    def release(self, ref: Ref) -> None:
        """Nobody needs a tensor any more."""
        array = self.tensors.pop(ref)
        memory = owner(array)
        self._readers[id(memory)] -= 1
        if not self._readers[id(memory)]:
            del self._readers[id(memory)]
            self.live -= _bytes(memory, array)
            block = self._blocks.pop(id(memory), None)
            if block is not None:
                self.pool.free.append(block)

    def lendable(self, ref: Ref) -> bool:
        """Whether a tensor may be overwritten: nobody else is in its memory, and that is ours."""
        array = self.tensors[ref]
        memory = id(owner(array))
        return self._readers[memory] == 1 and memory not in self.foreign and array.flags.writeable


def _bytes(memory: Any, array: Array) -> int:
    return int(memory.nbytes if isinstance(memory, np.ndarray) else array.nbytes)
