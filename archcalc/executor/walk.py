"""One evaluation of every layer in graph order, with everything noted.

Every tensor is freed as soon as nobody needs it. What a layer may overwrite is decided here, by who else still reads
that memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Kernel, Work, settings
from archcalc.executor.memory import Memory
from archcalc.executor.program import Note, Record
from archcalc.graph import Node, Ref


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One layer that has just been evaluated. Its arrays may be overwritten by what comes next."""

    node: Node
    inputs: Arrays
    """What it read; the first has new content if the layer worked in place."""
    outputs: Arrays
    weights: Mapping[str, Array]
    counts: Mapping[str, int]
    """Operations by kind, and ``macs``; nothing unless a tally was asked for."""
    seconds: float
    live: int
    """Bytes of all tensors alive when it had run."""


class Planned(NamedTuple):
    """A layer, prepared."""

    number: int
    """Its index in the graph."""
    node: Node
    kernel: Kernel
    weights: Mapping[str, Array]
    releases: tuple[Ref, ...]
    """What nobody needs once it has run."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Walk:
    """How layers are evaluated, and what came of it."""

    buffers: dict[str, Array]
    """Scratch memory of the kernels."""
    overwrite: bool = True
    """Whether layers may work in place, and tensors are freed."""
    training: bool = False
    seed: int = 0
    tally: bool = False
    observe: Callable[[Step], None] | None = None
    memory: Memory
    common: dict[str, Array | None] = field(default_factory=dict)
    """For which purposes lanes would have scratch memory in common."""
    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """Layer to operations by kind, with a tally."""
    updates: dict[str, Array] = field(default_factory=dict)
    """New content of stored arrays, by ``layer.array``."""
    notes: list[Note] = field(default_factory=list)

    def start(self, refs: Mapping[str, Ref], arrays: dict[str, Array]) -> None:
        """Take in the inputs, which are taken away from ``arrays``. Each is in one piece and has memory of its own."""
        for name, ref in refs.items():
            array = np.ascontiguousarray(arrays.pop(name))
            self.memory.take_in(ref, array.copy() if self.memory.knows(array) else array)

    def through(self, layers: Sequence[Planned]) -> None:
        """Evaluate layers, one after another."""
        with settings():
            for layer in layers:
                self._step(layer)
                self.memory.now += 1

    def _step(self, layer: Planned) -> None:
        node, memory = layer.node, self.memory
        first = node.inputs[0]
        lent = self.overwrite and first in layer.releases and node.inputs.count(first) == 1 and memory.lendable(first)
        work = Work(
            training=self.training,
            seed=(self.seed, layer.number),
            overwrite=lent,
            tally=Counter() if self.tally else None,
            buffers=self.buffers,
            common_buffers=self.common,
            allocate=memory.allocate,
        )
        given = tuple([memory.tensors[ref] for ref in node.inputs])
        before = len(memory.blocks)
        begin = perf_counter()
        outputs = layer.kernel(node.op, given, layer.weights, work)
        seconds = perf_counter() - begin
        taken = tuple(range(before, len(memory.blocks)))
        results = [Ref(layer.number, output) for output in range(len(outputs))]
        for ref, array in zip(results, outputs, strict=True):
            memory.hold(ref, array)
        where = [tuple([memory.spots[ref] for ref in refs]) for refs in (node.inputs, results)]
        self.notes.append(Note(node, layer.kernel, layer.weights, lent, where[0], taken, where[1]))
        self.updates.update({f"{node.name}.{name}": array for name, array in work.updates.items()})
        if work.tally is not None:
            self.counts[node.name] = {kind: number for kind, number in work.tally.items() if number}
        if self.observe is not None:
            counted = self.counts.get(node.name, {})
            self.observe(Step(node, given, outputs, layer.weights, counted, seconds, memory.live))
        if self.overwrite:
            for ref in layer.releases:
                memory.release(ref)

    def record(self, inputs: Mapping[str, Ref], results: frozenset[Ref]) -> Record:
        """What was done, for doing it again."""
        spots = self.memory.spots
        return Record(
            self.notes,
            self.memory.blocks,
            {name: spots[ref] for name, ref in inputs.items()},
            {ref: spots[ref] for ref in results},
            {purpose: self.buffers[purpose].nbytes for purpose in self.common},
        )
