"""Runs a graph on arrays: the first time layer by layer (`archcalc.executor.walk`), and as a program that was made of
that (`archcalc.executor.program`) where a run differs from the one before in its numbers only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from archcalc.executor import kernels  # noqa: F401  # registers the kernels
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Sizes, kernel_of
from archcalc.executor.memory import Memory
from archcalc.executor.program import Alone, Company, Program, Record
from archcalc.executor.walk import Planned, Step, Walk
from archcalc.executor.weights import stored_by, unlike
from archcalc.graph import Graph, Node, Ref

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether there can be several workers. (macOS forks processes, but its libraries do not bear it.)"""
FORMATS = ("float32", "float64")
"""What kernels compute in."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What came out of a run. Arrays have the batch in front."""

    outputs: Mapping[str, Array]
    """The main output first, then the heads, in training the training heads as well."""
    kept: Mapping[str, Array]
    """The tensors that were asked for, by the names they were asked for with."""
    updates: Mapping[str, Array]
    """New content of stored arrays after a training step (running statistics), by ``layer.array``."""
    counts: Mapping[str, Mapping[str, int]]
    """Layer to operations by kind and ``macs``, if a tally was asked for."""
    seconds: float
    peak: int
    """The most bytes of tensors at one time, inputs and memory kept for the next tensors among them, parameters not."""
    scratch: int
    """Bytes of the work buffers that kernels share."""

    @property
    def output(self) -> Array:
        """The main output."""
        return next(iter(self.outputs.values()))


class Kind(NamedTuple):
    """What runs have in common that one program can repeat."""

    results: frozenset[Ref]
    shapes: tuple[tuple[str, Sizes, np.dtype[Any]], ...]
    """Of the inputs."""


class Runner:
    """A graph with its stored arrays, ready to run any number of times, one after another: runs share their memory.

    The stored arrays must not be changed: from the second of similar runs on, what follows from them is known. From
    then on, too, other processes take part if several workers are asked for. They end with `close`, at the end of a
    ``with`` block, or with this process.
    """

    def __init__(
        self,
        graph: Graph,
        weights: Mapping[str, Array],
        *,
        overwrite: bool = True,
        workers: int = 1,
        winograd: bool = False,
    ) -> None:
        """Prepare a graph.

        Args:
            graph: the network.
            weights: stored arrays by ``layer.array``, all in the number format to compute in.
            overwrite: whether layers may work in place, and tensors are freed. Without it every tensor stays until the
                end: to see that it makes no difference.
            workers: processes that evaluate every layer together when a run is repeated (inference, without tally and
                observer), each with one thread of BLAS; with one worker, BLAS has as many as it likes. Where a system
                cannot fork processes there is one.
            winograd: whether 3×3 convolutions of repeated runs may multiply less than by their definition, and round
                differently, where that is faster (`archcalc.executor.kernels.winograd`).

        Raises:
            ArrayError: arrays that are missing, unknown, of another shape or of mixed number formats.
            ValueError: there are to be no workers.
        """
        self.graph = graph
        self.overwrite = overwrite
        if workers < 1:
            raise ValueError(f"there are {workers} workers, at least one has to be")
        self.workers = workers if CAN_FORK else 1
        self.winograd = winograd
        self._buffers: dict[str, Array] = {}
        self._record: tuple[Kind, Record] | None = None
        self._program: tuple[Kind, Program] | None = None
        self._process = os.getpid()
        self._inputs = {node.name: Ref(index) for index, node in enumerate(graph.nodes) if node.is_input}
        self._planned: tuple[tuple[frozenset[Ref], bool], list[Planned]] | None = None
        self.weights = weights
        problems = [*unlike(graph, self._declared())]
        formats = sorted({array.dtype.name for array in weights.values()})
        if len(formats) > 1:
            problems.append(f"stored arrays have different number formats: {', '.join(formats)}")
        elif formats and formats[0] not in FORMATS:
            problems.append(f"stored arrays hold {formats[0]}, kernels compute in {' or '.join(FORMATS)}")
        if problems:
            raise ArrayError(problems)
        self.dtype = np.dtype(formats[0]) if formats else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the other workers, and give back the memory of the tensors of repeated runs."""
        if self._program is not None:
            self._program[1].close()
        self._program, self._record = None, None

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool = False,
        seed: int = 0,
        keep: Iterable[str] = (),
        tally: bool = False,
        observe: Callable[[Step], None] | None = None,
    ) -> Run:
        """Evaluate every layer once.

        Args:
            inputs: an array for every input of the graph, batch in front; they are not written to.
            training: batch statistics, dropout, and training heads.
            seed: what dropout draws from.
            keep: layers, stages, inputs or blocks whose tensors are wanted as well.
            tally: whether layers count what they do.
            observe: called after every layer.

        Raises:
            ArrayError: inputs that do not fit; in training, stored arrays of training heads that are missing;
                otherwise, tensors of training heads in ``keep``.
            KeyError: nothing is called by a name in ``keep``.
        """
        if training and (missing := [*unlike(self.graph, self._declared(), training=True)]):
            raise ArrayError(missing)
        wanted = {name: self._find(name) for name in keep}
        if not training and (idle := [name for name, ref in wanted.items() if self.graph.nodes[ref.node].training]):
            raise ArrayError([f"'{name}' belongs to a training head, which runs in training only" for name in idle])
        results = {**self.graph.outputs, **(self.graph.training_outputs if training else {})}
        refs = frozenset({*results.values(), *wanted.values()})
        arrays = self._checked(inputs)
        del inputs  # of those that the caller does not keep either, the memory is free after their last reader
        repeats = self.overwrite and not training
        kind = Kind(refs, tuple((name, array.shape, array.dtype) for name, array in arrays.items()))
        begin = perf_counter()
        if repeats and not tally and observe is None and (program := self._program_for(kind)) is not None:
            tensors, peak, scratch = self._repeat(program, arrays), program.size, program.scratch
            counts, updates = {}, {}
        else:
            walk = Walk(
                buffers=self._buffers,
                overwrite=self.overwrite,
                training=training,
                seed=seed,
                tally=tally,
                observe=observe,
                memory=Memory(self.weights.values()),
            )
            walk.start(self._inputs, arrays)
            walk.through(self._plan(refs, training))
            tensors, peak, counts, updates = walk.memory.tensors, walk.memory.peak, walk.counts, walk.updates
            scratch = sum(buffer.nbytes for buffer in self._buffers.values())
            if repeats:
                self._record = kind, walk.record(self._inputs, refs)
        return Run(
            outputs={name: tensors[ref] for name, ref in results.items()},
            kept={name: tensors[ref] for name, ref in wanted.items()},
            updates=updates,
            counts=counts,
            seconds=perf_counter() - begin,
            peak=peak,
            scratch=scratch,
        )

    def _program_for(self, kind: Kind) -> Program | None:
        """What repeats runs of a kind, if the last one was of it."""
        if self._process != os.getpid():  # forked since: workers, and the memory in common with them, are another's
            self._process = os.getpid()
            self.close()
        if self._program is not None and self._program[0] == kind:
            return self._program[1]
        if self._record is None or self._record[0] != kind or not self._record[1].repeatable:
            return None
        record = self._record[1]
        self.close()
        program = Program(record, self._buffers, self._company(), minimal=self.winograd)
        self._program = kind, program
        return program

    def _company(self) -> Company:
        """Who evaluates programs."""
        if self.workers == 1:
            return Alone()
        from archcalc.executor.workers import Workers

        return Workers(self.workers)

    def _repeat(self, program: Program, arrays: Mapping[str, Array]) -> dict[Ref, Array]:
        try:
            return program.run(arrays)
        except BaseException:
            self.close()  # workers may be anywhere in it
            raise

    def _plan(self, results: frozenset[Ref], training: bool) -> list[Planned]:
        """The layers to run, each with what nobody needs after it."""
        if self._planned is not None and self._planned[0] == (results, training):
            return self._planned[1]
        runs = [(index, node) for index, node in self.graph.layers() if training or not node.training]
        last = {Ref(index, output): index for index, node in runs for output in range(len(node.outputs))}
        for index, node in runs:
            last.update(dict.fromkeys(node.inputs, index))
        ends: dict[int, list[Ref]] = {}
        for ref, index in last.items():
            if ref not in results:
                ends.setdefault(index, []).append(ref)
        plan = [
            Planned(index, node, kernel_of(node.op), self._own(node), tuple(ends.get(index, ())))
            for index, node in runs
        ]
        self._planned = (results, training), plan
        return plan

    def _declared(self) -> dict[str, tuple[Sizes, np.dtype[Any]]]:
        return {name: (array.shape, array.dtype) for name, array in self.weights.items()}

    def _own(self, node: Node) -> dict[str, Array]:
        """The stored arrays of a layer by their names in it."""
        return {name: self.weights[f"{node.name}.{name}"] for name in stored_by(self.graph, node)}

    def _find(self, name: str) -> Ref:
        found = self.graph.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def _checked(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The inputs, held to the graph."""
        shapes = self.graph.inputs
        problems = [f"there is no input '{name}'" for name in inputs if name not in shapes]
        batches, formats = set(), set()
        for name, shape in shapes.items():
            if name not in inputs:
                problems.append(f"the input '{name}' is missing")
                continue
            array = inputs[name]
            batches.add(array.shape[:1])
            formats.add(array.dtype)
            if array.shape[1:] != tuple(shape) or not array.shape or not len(array):
                written = "x".join(map(str, array.shape))
                expected = "x".join(map(str, shape))
                problems.append(f"the input '{name}' has shape {written}, expected Nx{expected}")
            elif self.dtype not in (None, array.dtype) or array.dtype.name not in FORMATS:
                own = self.dtype or " or ".join(FORMATS)
                problems.append(f"the input '{name}' holds {array.dtype}, the network computes in {own}")
        if len(batches) > 1 and not problems:
            problems.append("inputs have different numbers of examples")
        if len(formats) > 1 and not problems:
            problems.append("inputs have different number formats")
        if problems:
            raise ArrayError(problems)
        return dict(inputs)
