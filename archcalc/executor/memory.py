"""The memory of a run: which tensors are alive, who shares memory with whom, and where all of them were.

Tensors that are views of one array (reshaped, sliced, transposed) live and die as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Sizes, fresh, owner
from archcalc.graph import Ref


@dataclass(slots=True)
class Block:
    """Memory that a run took. Time is counted in layers."""

    size: int
    """In bytes."""
    begin: int
    """Before which layer it was taken, or in which."""
    end: int | None = None
    """Before which layer nobody needed it any more; none if it outlived the run."""


class Spot(NamedTuple):
    """Where a tensor was, and how."""

    block: int
    """The number of its block."""
    offset: int
    """Bytes from there to its first number."""
    shape: Sizes
    strides: Sizes
    dtype: np.dtype[Any]


class Taken(NamedTuple):
    """A block that is alive."""

    memory: Any
    """What owns it: it keeps its identity as long as it is held here."""
    address: int
    """Where it begins."""
    number: int


class Memory:
    """The tensors that are alive during one run."""

    def __init__(self, foreign: Iterable[Array]) -> None:
        """Start without tensors.

        Args:
            foreign: arrays of somebody else, whose memory is never lent: stored ones.
        """
        self.tensors: dict[Ref, Array] = {}
        self.spots: dict[Ref, Spot] = {}
        """Where every tensor is or was."""
        self.blocks: list[Block] = []
        """All that were taken."""
        self.live = 0
        """Bytes of all memory that live tensors are in."""
        self.peak = 0
        """The most bytes at one time."""
        self.now = 0
        """The layer that is being evaluated, counted from the first."""
        self._foreign = {id(owner(array)) for array in foreign}
        self._readers: dict[int, int] = {}
        self._taken: dict[int, Taken] = {}
        """By the identity of what owns them."""

    def allocate(self, size: int) -> Array:
        """A block of at least so many bytes, with an owner of its own."""
        array = fresh(size)
        self._take(array, array.ctypes.data, size)
        return array

    def _take(self, memory: Any, address: int, size: int) -> Taken:
        self.blocks.append(Block(size, self.now))
        taken = self._taken[id(memory)] = Taken(memory, address, len(self.blocks) - 1)
        return taken

    def knows(self, array: Array) -> bool:
        """Whether an array is in memory that somebody else has."""
        return id(owner(array)) in self._foreign

    def take_in(self, ref: Ref, array: Array) -> None:
        """A tensor comes from outside, in one piece: its memory is never lent."""
        self._foreign.add(id(owner(array)))
        self._take(owner(array), array.ctypes.data, array.nbytes)
        self.hold(ref, array)

    def hold(self, ref: Ref, array: Array) -> None:
        """A tensor comes to life."""
        memory = owner(array)
        self.tensors[ref] = array
        self.spots[ref] = self._spot(array, memory)
        readers = self._readers[id(memory)] = self._readers.get(id(memory), 0) + 1
        if readers == 1:
            self.live += size_of(memory, array)
            self.peak = max(self.peak, self.live)

    def _spot(self, array: Array, memory: Any) -> Spot:
        taken = self._taken.get(id(memory))
        if taken is None and id(memory) not in self._foreign:
            whole = memory if isinstance(memory, np.ndarray) else array
            taken = self._take(memory, whole.ctypes.data, whole.nbytes)
        if taken is None:  # a view of a stored array, which is no block: the tensor stands for itself
            self.blocks.append(Block(array.nbytes, self.now))
            return Spot(len(self.blocks) - 1, 0, array.shape, np.empty(array.shape, array.dtype).strides, array.dtype)
        return Spot(taken.number, array.ctypes.data - taken.address, array.shape, array.strides, array.dtype)

    def release(self, ref: Ref) -> None:
        """Nobody needs a tensor any more."""
        array = self.tensors.pop(ref)
        memory = owner(array)
        self._readers[id(memory)] -= 1
        if self._readers[id(memory)]:
            return
        del self._readers[id(memory)]
        self.live -= size_of(memory, array)
        taken = self._taken.pop(id(memory), None)
        if taken is not None:
            self.blocks[taken.number].end = self.now + 1
            self._foreign.discard(id(memory))  # it may be gone, and another array have its identity

    def lendable(self, ref: Ref) -> bool:
        """Whether a tensor may be overwritten: nobody else is in its memory, and that is ours."""
        array = self.tensors[ref]
        memory = id(owner(array))
        return self._readers[memory] == 1 and memory not in self._foreign and array.flags.writeable


def size_of(memory: Any, array: Array) -> int:
    """Bytes of the memory that an array is in, as far as its owner knows."""
    return int(getattr(memory, "nbytes", array.nbytes))
