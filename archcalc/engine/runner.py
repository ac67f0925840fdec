"""Runs a graph any number of times: first by the reference interpreter, then, as long as a run differs from the one
before in its numbers only, as a program that was recorded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from archcalc.engine.layout import Layout
from archcalc.engine.program import Program
from archcalc.engine.worker import SingleProcess, Team
from archcalc.executor.interpreter import Interpreter, Observer, Request, Run
from archcalc.executor.kernel import Array, Sizes
from archcalc.graph import Graph, Ref

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether there can be several workers. (macOS forks processes, but its libraries do not bear it.)"""
MOST_BLOCKS = 1_000
"""Runs of more tensors are not recorded: finding places for them takes time by the square of their number."""


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

    def __init__(self, graph: Graph, weights: Mapping[str, Array], *, workers: int = 1, winograd: bool = False) -> None:
        """Prepare a graph.

        Args:
            graph: the network.
            weights: stored arrays by ``layer.array``, all in the number format to compute in.
            workers: processes that evaluate every layer together when a run is repeated (inference, without tally and
                observer), each with one thread of BLAS; with one worker, BLAS has as many as it likes. Where a system
                cannot fork processes there is one.
            winograd: whether 3×3 convolutions of repeated runs may multiply less than by their definition, and round
                differently, where that is faster (`archcalc.engine.winograd`).

        Raises:
            ArrayError: arrays that are missing, unknown, of another shape or of mixed number formats.
            ValueError: there are to be no workers.
        """
        if workers < 1:
            raise ValueError(f"there are {workers} workers, at least one has to be")
        self.graph, self.weights = graph, weights
        self.workers = workers if CAN_FORK else 1
        self.winograd = winograd
        self._interpreter = Interpreter(graph, weights)
        self._inputs = {node.name: Ref(index) for index, node in enumerate(graph.nodes) if node.is_input}
        self._layout: tuple[Kind, Layout] | None = None
        self._program: tuple[Kind, Program] | None = None
        self._process = os.getpid()

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
        self._program, self._layout = None, None

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        training: bool = False,
        seed: int = 0,
        keep: Iterable[str] = (),
        tally: bool = False,
        observe: Observer | None = None,
    ) -> Run:
        """Evaluate every layer once; arguments and errors are those of `Interpreter.run`.

        Raises:
            OSError: a worker process is gone, or the system gives none.
        """
        request = self._interpreter.request(inputs, training=training, keep=keep)
        del inputs
        if training or tally:
            return self._interpreter.evaluate(request, training=training, seed=seed, tally=tally, observe=observe)
        shapes = ((name, array.shape, array.dtype) for name, array in request.inputs.items())
        kind = Kind(request.results, tuple(shapes))
        begin = perf_counter()
        if observe is not None or (program := self._program_for(kind)) is None:
            return self._first(kind, request, observe)
        try:
            tensors = program.run({self._inputs[name]: array for name, array in request.inputs.items()})
        except BaseException:
            self.close()  # workers may be anywhere in it
            raise
        return Run(
            **request.named(tensors),
            updates={},
            counts={},
            seconds=perf_counter() - begin,
            peak=program.size,
            scratch=program.scratch,
        )

    def _first(self, kind: Kind, request: Request, observe: Observer | None) -> Run:
        """The run by the interpreter that later ones repeat."""
        layout = Layout({self._inputs[name]: array for name, array in request.inputs.items()})

        def watch(trace: Any) -> None:
            layout.observe(trace)
            if observe is not None:
                observe(trace)

        run = self._interpreter.evaluate(request, observe=watch)
        layout.keep(kind.results)
        self._layout = kind, layout
        return run

    def _program_for(self, kind: Kind) -> Program | None:
        """What repeats runs of a kind, if the last one was of it."""
        if self._process != os.getpid():  # forked since: workers, and the memory in common with them, are another's
            self._process = os.getpid()
            self.close()
        if self._program is not None and self._program[0] == kind:
            return self._program[1]
        if self._layout is None or self._layout[0] != kind or len(self._layout[1].blocks) > MOST_BLOCKS:
            return None
        layout = self._layout[1]
        self.close()
        program = Program(layout, kind.results, self._team(), winograd=self.winograd)
        self._program = kind, program
        return program

    def _team(self) -> Team:
        """Who evaluates programs."""
        if self.workers == 1:
            return SingleProcess()
        from archcalc.engine.workers import WorkerProcesses

        return WorkerProcesses(self.workers)
