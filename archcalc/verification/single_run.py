"""Verification by a single run of a network: shapes, stored numbers, operations and memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from archcalc.analysis.propagate import Analysis, Layer
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter, LayerTrace
from archcalc.executor.kernel import Array
from archcalc.executor.weights import arrays_fit as weights_fit
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.verification.differences import (
    FAILURES,
    AspectComparison,
    Difference,
    layer_differences,
    not_compared,
    operation_rows,
)
from archcalc.verification.reduction import reduce_network

DTYPE = "float32"
WITH_WEIGHTS = ", with the weights of the file"
MEMORY_FACTOR, MEMORY_EXTRA = 1.2, 1 << 20
"""The measured memory may be at most this multiple of the estimate plus this many bytes (Python's own objects)."""
MAX_RUN_OPERATIONS = 4_000_000_000_000
"""The maximum number of operations of a run, unless the full size is requested: a few minutes on two cores."""


class LayerRunMeasurement(NamedTuple):
    """The measurements of one layer in a run."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    params: int
    operations: Mapping[str, int]


class RunMeasurement(NamedTuple):
    """The measurements of a run, up to the layer at which it failed if it did."""

    layers: Mapping[str, LayerRunMeasurement]
    stored: int = 0
    """Bytes of the stored arrays."""
    traced: int = 0
    """The peak of the bytes allocated besides the stored arrays, as traced by Python's allocator."""
    scratch: int = 0
    """Bytes of the kernels' work buffers."""
    failure: str = ""
    """Why the run failed; empty if it did not."""


class SingleRun:
    """A run on random inputs with batch 1, made when a measurement is first needed.

    Args:
        graph: the network.
        available: the bytes of memory that the run may take; ``None`` for no limit.
        weights: the stored arrays by ``layer.array``; ``None`` for random ones.
        full_size: whether the network must not be reduced. Otherwise it is where it needs too much memory or too many
            operations; weights that do not fit the reduced network are replaced by random ones.
    """

    def __init__(
        self,
        graph: Graph,
        available: int | None,
        weights: Mapping[str, Array] | None = None,
        *,
        full_size: bool = False,
    ) -> None:
        def fits(analysis: Analysis) -> bool:
            return full_size or (
                analysis.totals.flops <= MAX_RUN_OPERATIONS
                and (available is None or _needed_memory(analysis) <= available)
            )

        self.network = reduce_network(graph, fits)
        self.graph, self.analysis = self.network.graph, self.network.analysis
        is_used = weights is not None and (self.network.is_full_size or weights_fit(self.graph, weights))
        self.weights = weights if is_used else None
        self.refusal = ""
        if available is not None and (needed := _needed_memory(self.analysis)) > available:
            self.refusal = f"not run: needs about {needed:,} bytes, but {available:,} are available"

    @cached_property
    def measured(self) -> RunMeasurement:
        """The measurements of the run."""
        layers: dict[str, LayerRunMeasurement] = {}

        def observe(trace: LayerTrace) -> None:
            layers[trace.node.name] = LayerRunMeasurement(
                tuple(array.shape[1:] for array in trace.outputs),
                tuple(array.dtype.name for array in trace.outputs),
                sum(array.size for array in trace.weights.values()),
                dict(trace.counts),
            )

        try:
            weights = initial_arrays(self.graph, dtype=np.dtype(DTYPE)) if self.weights is None else self.weights
            interpreter = Interpreter(self.graph, weights)
            np.random.default_rng()  # loads the module of random numbers, whose memory is not that of the run
            tracemalloc.start()
            try:
                inputs = [random_inputs(self.graph, dtype=np.dtype(DTYPE))]
                tracemalloc.reset_peak()  # creating the inputs is not part of the run
                run = interpreter.run(inputs.pop(), tally=True, observe=observe)
                traced = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        except FAILURES as error:
            return RunMeasurement(layers, failure=str(error).splitlines()[0][:120])
        return RunMeasurement(layers, sum(array.nbytes for array in weights.values()), traced, run.scratch)

    @property
    def reduction(self) -> str:
        """How the network was reduced, e.g. ``on 3x16x16, channels divided by 4``; empty if it was not."""
        return "" if self.network.is_full_size else f"on {self.network}"

    def compare(
        self, rows: Callable[[Layer, LayerRunMeasurement], list[tuple[str, Any, Any]]], detail: str = ""
    ) -> AspectComparison:
        """Compare quantities of every layer, up to the layer at which the run failed if it did."""
        if self.refusal:
            return not_compared(self.refusal)
        compared, found = 0, list[Difference]()
        for layer in self.analysis.layers:
            if layer.name not in self.measured.layers:
                found.append(Difference(layer.name, "run", "runs", self.measured.failure or "did not run"))
                break
            own = rows(layer, self.measured.layers[layer.name])
            compared += len(own)
            found += layer_differences(layer.name, own)
        return AspectComparison(compared, tuple(found), detail)

    def shapes(self) -> AspectComparison:
        """Compare the shape and number format of every tensor."""

        def rows(layer: Layer, seen: LayerRunMeasurement) -> list[tuple[str, Any, Any]]:
            formats = (DTYPE,) * len(layer.outputs)
            return [("shape", tuple(map(tuple, layer.outputs)), seen.shapes), ("dtype", formats, seen.dtypes)]

        with_weights = "" if self.weights is None else WITH_WEIGHTS
        return self.compare(rows, f"{self.reduction or 'on random inputs'}, {DTYPE}, batch 1{with_weights}")

    def params(self) -> AspectComparison:
        """Compare the stored numbers of every layer, and all that are stored, in which shared ones count once."""
        found = self.compare(lambda layer, seen: [("params", layer.params, seen.params)], self.reduction)
        if not self.graph.sharing or self.refusal or self.measured.failure:
            return found
        stored = self.measured.stored // np.dtype(DTYPE).itemsize
        total = layer_differences(self.graph.name, [("params", self.analysis.totals.params, stored)])
        return found._replace(compared=found.compared + 1, differences=(*found.differences, *total))

    def operations(self) -> AspectComparison:
        """Compare the operations by kind and the MACs of every layer."""
        return self.compare(lambda layer, seen: operation_rows(layer, seen.operations), self.reduction)

    def memory(self) -> AspectComparison:
        """Compare the memory of the run, parameters, live tensors and work buffers together, with the estimate."""
        if self.refusal:
            return not_compared(self.refusal)
        measured = self.measured
        if measured.failure:
            return not_compared(f"not run: {measured.failure}")
        memory = self.analysis.memory(DTYPE)
        estimate = memory.params + memory.peak + measured.scratch
        taken, bound = measured.stored + measured.traced, int(MEMORY_FACTOR * estimate) + MEMORY_EXTRA
        times = f"{taken / estimate:.2f} times the estimate" if estimate else "with an estimate of none"
        detail = f"{taken:,} bytes, {times} (limit: {MEMORY_FACTOR} times + 1 MiB)"
        if self.reduction:
            detail = f"{self.reduction}: {detail}"
        if taken <= bound:
            return AspectComparison(1, (), detail)
        return AspectComparison(1, (Difference(self.graph.name, "memory", f"at most {bound:,}", f"{taken:,}"),), detail)


def _needed_memory(analysis: Analysis) -> int:
    """Return the bytes of a run: the parameters, and the live tensors with a margin for the kernels' own arrays."""
    memory = analysis.memory(DTYPE)
    return int(memory.params + MEMORY_FACTOR * memory.peak)
