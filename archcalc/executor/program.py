"""A run that can be repeated: a list of NumPy's calls on the places of one piece of memory.

The first run of a network notes what memory was taken when, and for how long. From that places are found for all
tensors, in one piece of memory as large as what was alive at one time, or little larger. On these places every kernel
writes down which functions of NumPy it calls on what (`Work.call`). A later run is no more than these calls. It asks
the system for no memory (fresh pages cost as much as filling them), and does next to nothing in Python (whose code and
data have left the cache whenever a matrix product is done). Since all is known beforehand, several processes can divide
it: `archcalc.executor.workers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple, Protocol

import numpy as np

from archcalc.executor.kernel import (
    DIVISIONS,
    TAPED,
    Array,
    Arrays,
    Call,
    Division,
    Kernel,
    Lane,
    Work,
    fresh,
    settings,
)
from archcalc.executor.memory import Block, Spot
from archcalc.graph import Node, Ref

ALIGNED = 64
"""Blocks begin at multiples of so many bytes: a line of the cache."""
MOST_BLOCKS = 1_000
"""Beyond so many blocks no places are found: that takes time by the square of their number."""


class Place(NamedTuple):
    """A range of bytes."""

    start: int
    stop: int

    def meets(self, other: Place) -> bool:
        return self.start < other.stop and other.start < self.stop


def places(blocks: Sequence[Block]) -> list[Place]:
    """A place for every block, such that blocks alive at the same time do not meet: the largest first, each in the
    smallest gap between those it would meet (greedy by size: Pisarchyk and Lee 2020, arXiv:2001.03288)."""
    found: dict[int, Place] = {}
    placed: list[tuple[Place, int, float]] = []
    for number in sorted(range(len(blocks)), key=lambda number: -blocks[number].size):
        block = blocks[number]
        last = float("inf") if block.end is None else block.end
        size, at, least = -(-block.size // ALIGNED) * ALIGNED, None, 0
        free = 0
        for place in sorted(place for place, begin, end in placed if begin < last and block.begin < end):
            if place.start - free >= size and (at is None or place.start - free < least):
                at, least = free, place.start - free
            free = max(free, place.stop)
        start = free if at is None else at
        place = found[number] = Place(start, start + size)
        placed.append((place, block.begin, last))
    return [found[number] for number in range(len(blocks))]


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """What a run did at one layer."""

    node: Node
    kernel: Kernel
    weights: Mapping[str, Array]
    lent: bool
    """Whether its first input was lent for overwriting."""
    inputs: tuple[Spot, ...]
    taken: tuple[int, ...]
    """The blocks that its kernel asked for."""
    outputs: tuple[Spot, ...]

    @property
    def looks(self) -> bool:
        """Whether it did nothing but look at its inputs in another way."""
        known = {spot.block for spot in self.inputs}
        return not self.lent and not self.taken and all(spot.block in known for spot in self.outputs)

    @property
    def copied(self) -> bool:
        """Whether there are results in memory of the kernel's own, which have to be brought to their places."""
        known = {*self.taken, *(spot.block for spot in self.inputs)}
        return any(spot.block not in known for spot in self.outputs)

    @property
    def division(self) -> Division | None:
        """How lanes divide it, if they can."""
        return None if self.copied else DIVISIONS.get(type(self.node.op))


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a run did."""

    notes: Sequence[Note]
    blocks: Sequence[Block]
    inputs: Mapping[str, Spot]
    results: Mapping[Ref, Spot]
    common: Mapping[str, int]
    """Bytes of scratch memory, by purpose, of kinds that lanes have in common."""

    @property
    def repeatable(self) -> bool:
        """Whether it is short enough for finding places."""
        return len(self.blocks) <= MOST_BLOCKS


def meetings(notes: Sequence[Note], where: Sequence[Place]) -> list[bool]:
    """Before which layers all lanes have to meet: where one reads what others may not have written yet, or writes where
    others may still read. What is not divided is done by the first lane while the others go on."""
    found = []
    written: set[int] = set()
    """Blocks written to since the last meeting."""
    touched: dict[int, Spot | None] = {}
    """Blocks written to or read since then: as which tensor, if every lane touched its share of that one and no more.
    Shares of another tensor in the same memory (reshaped, sliced) lie elsewhere."""
    for note in notes:
        division, result = note.division, note.outputs[0]
        shares = [spot for spot in note.inputs if division is Division.LOCAL and spot.shape == result.shape]
        others = {spot.block for spot in note.inputs if spot not in shares}
        targets = {spot.block for spot in note.outputs} | ({note.inputs[0].block} if note.lent else set())

        def disturbs(target: int, block: int) -> bool:
            safe = target == block and division is Division.LOCAL and touched[block] == result  # noqa: B023
            return where[target].meets(where[block]) and not safe

        waits = (
            not others.isdisjoint(written)
            or any(spot.block in written and touched[spot.block] != spot for spot in shares)
            or any(disturbs(target, block) for target in targets for block in touched)
        )
        if waits:
            written, touched = set(), {}
        found.append(waits)
        shared = division in (Division.SHARE, Division.LOCAL) and len(note.outputs) == 1
        written |= targets
        for block, spot in [
            *((spot.block, spot) for spot in shares),
            *((block, None) for block in others),
            *((block, result if shared else None) for block in targets),
        ]:
            touched[block] = spot if touched.get(block, spot) == spot else None
    return found


class Company(Protocol):
    """Who evaluates a program: one process or several."""

    @property
    def lanes(self) -> Sequence[Lane]:
        """Their parts."""
        ...

    def memory(self, size: int) -> Array:
        """So many bytes that all of them have in common."""
        ...

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """What does a task of each lane at the same time."""
        ...

    def close(self) -> None:
        """No more is to be done."""
        ...


class Alone:
    """This process and no other."""

    lanes: Sequence[Lane] = (Lane(),)

    def memory(self, size: int) -> Array:
        return fresh(size)

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        return tasks[0]

    def close(self) -> None:
        pass


class Program:
    """A run, ready to be repeated on other inputs of the same shapes."""

    def __init__(self, record: Record, buffers: dict[str, Array], company: Company, *, minimal: bool = False) -> None:
        """Find the places, and write down what is to be done on them.

        Args:
            record: the run.
            buffers: scratch memory of the kernels, as large as the run needed it.
            company: who is to do it.
            minimal: whether convolutions may multiply less than by their definition.

        Raises:
            OSError: the system does not give what several processes need.
        """
        where = places(record.blocks)
        size = max((place.stop for place in where), default=0)
        memory = company.memory(size + ALIGNED)
        memory = memory[-memory.ctypes.data % ALIGNED :]
        self._blocks = [memory[place.start : place.stop] for place in where]
        self._buffers, self._common = buffers, dict[str, Array | None]()
        self._minimal, self._constants = minimal, dict[str, dict[str, Array]]()
        if len(company.lanes) > 1:
            self._common = {purpose: company.memory(size) for purpose, size in record.common.items()}
        self._inputs = {name: self._at(spot) for name, spot in record.inputs.items()}
        self._results = {ref: self._at(spot) for ref, spot in record.results.items()}
        notes = [note for note in record.notes if not note.looks]
        waits = meetings(notes, where)
        known = self._buffered
        tapes = [self._tape(zip(notes, waits, strict=True), lane) for lane in company.lanes]
        if self._buffered != known:  # calls before the last enlargement are on memory of their own: it is given back
            tapes = [self._tape(zip(notes, waits, strict=True), lane) for lane in company.lanes]
        self.size = size
        """Bytes of all tensors."""
        constants = sum(array.nbytes for of_layer in self._constants.values() for array in of_layer.values())
        common = sum(record.common.values()) if len(tapes) > 1 else 0
        self.scratch = len(tapes) * self._buffered + common + constants
        """Bytes of work buffers: those of every lane, those in common, and what was made of stored arrays."""
        self._play = company.start([partial(play, tape) for tape in tapes])
        self.close = company.close

    @property
    def _buffered(self) -> int:
        """Bytes of scratch memory of a lane."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    def _at(self, spot: Spot) -> Array:
        return np.ndarray(spot.shape, spot.dtype, self._blocks[spot.block], spot.offset, spot.strides)

    def _tape(self, notes: Iterable[tuple[Note, bool]], lane: Lane) -> list[Call]:
        """What a lane does. What is not divided, the first one does."""
        tape: list[Call] = []
        for note, waits in notes:
            if waits and lane.count > 1:
                tape.append((lane.meet, (), {}))
            divided = note.division is not None
            if lane.number and not divided:
                continue
            inputs, outputs = (tuple(map(self._at, spots)) for spots in (note.inputs, note.outputs))
            work = Work(
                lane=lane if divided else Lane(),
                overwrite=note.lent,
                buffers=self._buffers,
                common_buffers=self._common if divided else {},
                constants=self._constants.setdefault(note.node.name, {}),
                minimal=self._minimal,
                allocate=Given([self._blocks[number] for number in note.taken]),
            )
            arguments = (note.node.op, inputs, note.weights, work)
            if note.copied:
                tape.append((bring, (note.kernel, arguments, outputs), {}))
            elif type(note.node.op) in TAPED:
                work.tape = tape
                note.kernel(*arguments)
            else:
                tape.append((note.kernel, arguments, {}))
        if lane.count > 1:
            tape.append((lane.meet, (), {}))
        return tape

    def run(self, inputs: Mapping[str, Array]) -> dict[Ref, Array]:
        """Repeat the run; its results, in memory of their own.

        Raises:
            OSError: another process is gone.
        """
        for name, array in inputs.items():
            self._inputs[name][...] = array
        self._play()
        return {ref: array.copy() for ref, array in self._results.items()}


def play(tape: Sequence[Call]) -> None:
    """Make all calls."""
    with settings():
        for function, operands, options in tape:
            function(*operands, **options)


def bring(kernel: Kernel, arguments: tuple[Any, ...], outputs: Arrays) -> None:
    """Evaluate a layer whose results are in memory of its own, and bring them to their places."""
    for output, array in zip(outputs, kernel(*arguments), strict=True):
        output[...] = array


class Given:
    """The blocks that a kernel asks for, one after another, again whenever it is called."""

    def __init__(self, blocks: Iterable[Array]) -> None:
        self._next = cycle(blocks).__next__

    def __call__(self, size: int) -> Array:
        return self._next()
