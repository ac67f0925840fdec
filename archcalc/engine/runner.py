"""The runner, which runs a graph any number of times.

The first run is made by the reference interpreter; runs that differ from the previous one only in the input numbers are
made by a recorded program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from archcalc.engine.layout import MemoryLayout
from archcalc.engine.program import RecordedProgram
from archcalc.engine.worker import SingleProcess, Team
from archcalc.executor.interpreter import DEFAULT_STEP, Interpreter, Observer, Request, Run
from archcalc.executor.kernel import Array, Sizes
from archcalc.executor.training import TrainingStep
from archcalc.graph import Graph, Ref

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether several workers are supported. (On macOS, system libraries are not safe to use after a fork.)"""
MAX_BLOCKS = 1_000
"""Runs with more memory blocks are not recorded: the time to allocate them is quadratic in their number."""


class RunSignature(NamedTuple):
    """What runs must have in common to be repeated by the same program."""

    results: frozenset[Ref]
    """The tensors to return."""
    shapes: tuple[tuple[str, Sizes, np.dtype[Any]], ...]
    """The name, shape and number format of every input."""


class Runner:
    """A graph with its stored arrays, which can be run any number of times. Runs share memory, so they are sequential.

    The stored arrays must not be changed, because repeated runs use values computed from them. With several workers,
    repeated runs use other processes; these end with `close`, at the end of a ``with`` block, or with this process.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, Array], *, workers: int = 1, winograd: bool = False) -> None:
        """Prepare a graph.

        Args:
            graph: the network.
            weights: stored arrays by ``layer.array``, all in the number format to compute in.
            workers: the number of processes that divide every layer in repeated runs (at inference, without tally and
                observer), each with one BLAS thread; with one worker, BLAS chooses its number of threads. There is one
                worker on systems that cannot fork processes.
            winograd: whether 3×3 convolutions of repeated runs may use Winograd's minimal filtering where that is
                faster; it rounds differently (`archcalc.engine.winograd`).

        Raises:
            ArrayError: arrays are missing, unknown, of another shape or of mixed number formats.
            ValueError: the number of workers is not positive.
        """
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.graph, self.weights = graph, weights
        self.workers = workers if CAN_FORK else 1
        self.winograd = winograd
        self._interpreter = Interpreter(graph, weights)
        self._is_random = any(node.op.is_random for node in graph.nodes)
        """Whether results depend on the seed, which recorded runs do not have."""
        self._inputs = {node.name: Ref(index) for index, node in enumerate(graph.nodes) if node.is_input}
        self._layout: tuple[RunSignature, MemoryLayout] | None = None
        self._program: tuple[RunSignature, RecordedProgram] | None = None
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the other processes, and free the memory of repeated runs."""
        if self._program is not None:
            self._program[1].close()
        self._program, self._layout = None, None

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool = False,
        seed: int = 0,
        step: TrainingStep = DEFAULT_STEP,
        keep: Iterable[str] = (),
        tally: bool = False,
        observe: Observer | None = None,
    ) -> Run:
        """Evaluate every layer once; arguments and errors are those of `Interpreter.run`.

        Raises:
            OSError: a worker process has ended, or the system cannot create one.
        """
        request = self._interpreter.request(inputs, training=training, keep=keep)
        del inputs
        if training or tally or self._is_random:
            return self._interpreter.evaluate(
                request, training=training, seed=seed, step=step, tally=tally, observe=observe
            )
        shapes = ((name, array.shape, array.dtype) for name, array in request.inputs.items())
        signature = RunSignature(request.results, tuple(shapes))
        begin = perf_counter()
        if observe is not None or (program := self._program_for(signature)) is None:
            return self._first(signature, request, observe)
        try:
            tensors = program.run({self._inputs[name]: array for name, array in request.inputs.items()})
        except BaseException:
            self.close()  # workers may be at any point of the program
            raise
        return Run(
            **request.named(tensors),
            updates={},
            counts={},
            seconds=perf_counter() - begin,
            peak=program.size,
            scratch=program.scratch,
        )

    def _first(self, signature: RunSignature, request: Request, observe: Observer | None) -> Run:
        """Run by the interpreter, and keep the memory layout for later runs."""
        layout = MemoryLayout({self._inputs[name]: array for name, array in request.inputs.items()})

        def watch(trace: Any) -> None:
            layout.observe(trace)
            if observe is not None:
                observe(trace)

        run = self._interpreter.evaluate(request, observe=watch)
        layout.keep(signature.results)
        self._layout = signature, layout
        return run

    def _program_for(self, signature: RunSignature) -> RecordedProgram | None:
        """Return the program for runs with a signature, if the last run had the same one."""
        if self._process != os.getpid():  # after a fork, workers and shared memory belong to the parent
            self._process = os.getpid()
            self.close()
        if self._program is not None and self._program[0] == signature:
            return self._program[1]
        if self._layout is None or self._layout[0] != signature or len(self._layout[1].blocks) > MAX_BLOCKS:
            return None
        layout = self._layout[1]
        self.close()
        program = RecordedProgram(layout, signature.results, self._team(), winograd=self.winograd)
        self._program = signature, program
        return program

    def _team(self) -> Team:
        """Return the workers that evaluate programs."""
        if self.workers == 1:
            return SingleProcess()
        from archcalc.engine.workers import WorkerProcesses

        return WorkerProcesses(self.workers)
