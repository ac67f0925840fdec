"""One run of a network as it is, and what it shows: shapes, stored numbers, operations, memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from archcalc.analysis.propagate import Layer, analyze
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter, LayerTrace
from archcalc.executor.weights import initial
from archcalc.graph import Graph
from archcalc.verification.differences import FAILURES, Comparison, Difference, apart, by_kind, nothing

DTYPE = "float32"
MEMORY_FACTOR, MEMORY_EXTRA = 1.2, 1 << 20
"""What is measured may be so many times the estimate, and so many bytes more (Python's own objects)."""


class Seen(NamedTuple):
    """What a run showed of one layer."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    params: int
    operations: Mapping[str, int]


class Measured(NamedTuple):
    """What a run showed: as far as it came."""

    layers: Mapping[str, Seen]
    stored: int = 0
    """Bytes of the stored arrays."""
    traced: int = 0
    """Bytes that it took at most besides them, as Python's allocator saw it."""
    scratch: int = 0
    """Bytes of the kernels' work buffers."""
    failure: str = ""
    """Why it stopped."""


class WholeRun:
    """A run on random inputs, batch 1, done when it is first asked about.

    Args:
        graph: the network.
        available: bytes of memory that it may take; ``None``: any.
    """

    def __init__(self, graph: Graph, available: int | None) -> None:
        self.graph = graph
        self.analysis = analyze(graph)
        self.memory_estimate = self.analysis.memory(DTYPE)
        needed = self.memory_estimate.params + int(MEMORY_FACTOR * self.memory_estimate.peak)
        self.refusal = ""
        if available is not None and needed > available:
            self.refusal = f"not run: it needs about {needed:,} bytes, {available:,} are available"

    @cached_property
    def measured(self) -> Measured:
        layers: dict[str, Seen] = {}

        def observe(trace: LayerTrace) -> None:
            layers[trace.node.name] = Seen(
                tuple(array.shape[1:] for array in trace.outputs),
                tuple(array.dtype.name for array in trace.outputs),
                sum(array.size for array in trace.weights.values()),
                dict(trace.counts),
            )

        try:
            weights = initial(self.graph, dtype=np.dtype(DTYPE))
            interpreter = Interpreter(self.graph, weights)
            tracemalloc.start()
            try:
                inputs = [random_inputs(self.graph, dtype=np.dtype(DTYPE))]
                tracemalloc.reset_peak()  # how they came about is not the run's
                run = interpreter.run(inputs.pop(), tally=True, observe=observe)
                traced = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        except FAILURES as error:
            return Measured(layers, failure=str(error).splitlines()[0][:120])
        return Measured(layers, sum(array.nbytes for array in weights.values()), traced, run.scratch)

    def compare(self, rows: Callable[[Layer, Seen], list[tuple[str, Any, Any]]], detail: str = "") -> Comparison:
        """Compare quantities of every layer, as far as the run came."""
        if self.refusal:
            return nothing(self.refusal)
        compared, found = 0, list[Difference]()
        for layer in self.analysis.layers:
            if layer.name not in self.measured.layers:
                found.append(Difference(layer.name, "run", "runs", self.measured.failure or "did not run"))
                break
            own = rows(layer, self.measured.layers[layer.name])
            compared += len(own)
            found += apart(layer.name, own)
        return Comparison(compared, tuple(found), detail)

    def shapes(self) -> Comparison:
        """Shape and number format of every tensor."""

        def rows(layer: Layer, seen: Seen) -> list[tuple[str, Any, Any]]:
            formats = (DTYPE,) * len(layer.outputs)
            return [("shape", tuple(map(tuple, layer.outputs)), seen.shapes), ("dtype", formats, seen.dtypes)]

        return self.compare(rows, f"on random inputs, {DTYPE}, batch 1")

    def params(self) -> Comparison:
        """Stored numbers of every layer."""
        return self.compare(lambda layer, seen: [("params", layer.params, seen.params)])

    def operations(self) -> Comparison:
        """Operations of every layer by kind, and MACs."""
        return self.compare(lambda layer, seen: by_kind(layer, seen.operations))

    def memory(self) -> Comparison:
        """Parameters, live tensors and work buffers together."""
        if self.refusal:
            return nothing(self.refusal)
        measured = self.measured
        if measured.failure:
            return nothing(f"not run: {measured.failure}")
        estimate = self.memory_estimate.params + self.memory_estimate.peak + measured.scratch
        taken, bound = measured.stored + measured.traced, int(MEMORY_FACTOR * estimate) + MEMORY_EXTRA
        detail = f"{taken:,} bytes, {taken / estimate:.2f} of the estimate (at most {MEMORY_FACTOR}, and 1 MiB)"
        if taken <= bound:
            return Comparison(1, (), detail)
        return Comparison(1, (Difference(self.graph.name, "memory", f"at most {bound:,}", f"{taken:,}"),), detail)
