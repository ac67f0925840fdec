"""Comparison of the analysis with measurements of the executor, layer by layer.

The two share nothing but the graph; every difference names its layer and both figures. Training heads are run, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from archcalc.analysis.fold import fold
from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import narrowed, smallest
from archcalc.executor.inputs import random_inputs
from archcalc.executor.kernel import Array
from archcalc.executor.loops import measure
from archcalc.executor.weights import fits, initial
from archcalc.graph import Graph, write_shape
from archcalc.numeric import Impossible
from archcalc.verification.differences import (
    FAILURES,
    AspectComparison,
    Difference,
    differing,
    not_compared,
    operation_rows,
)
from archcalc.verification.folding import TOLERANCE, output_differences, random_weights
from archcalc.verification.receptive_fields import compare_fields
from archcalc.verification.single_run import WITH_WEIGHTS, SingleRun

ASPECTS = {
    "shapes": "shape and number format of every tensor",
    "params": "stored numbers, counted from the arrays that were used",
    "operations": "operations by kind and MACs, read from the operands inside the kernels",
    "exact": "the same, counted one by one in plain loops (on a reduced network)",
    "rf": "receptive fields, found by making input positions NaN",
    "folding": "the outputs of the folded network against those of the original one",
    "memory": "the memory of a run: parameters, live tensors, work buffers",
}
"""The aspects that can be compared, with what is compared."""
MAX_COUNTED_OPERATIONS = 2_000_000
"""The maximum number of operations that are counted one by one, unless the full size is requested."""
MIN_REDUCED_SIZE = 16
"""The fewest positions per axis of a reduced input: with fewer, windows would mostly see padding."""
DIVISORS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""The divisors of channels that are tried until there are few enough operations."""


@dataclass(frozen=True, slots=True)
class Check:
    """The comparison of one aspect of a network, with the time that it took; see `AspectComparison`."""

    aspect: str
    compared: int
    differences: tuple[Difference, ...]
    detail: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether there are no differences."""
        return not self.differences


def verify(
    graph: Graph,
    aspects: Iterable[str] = tuple(ASPECTS),
    *,
    weights: Mapping[str, Array] | None = None,
    available: int | None = None,
    full_size: bool = False,
) -> Iterator[Check]:
    """Measure a network and compare it with its analysis, one aspect after another.

    Args:
        graph: the network.
        aspects: the aspects to compare, of `ASPECTS`.
        weights: its stored arrays by ``layer.array``; random ones if there are none. A network that is reduced for a
            measurement has random ones where they do not fit.
        available: the bytes of memory that a run may take; ``None`` for no limit.
        full_size: whether to count exactly on the network at its full size, however long that takes.
    """
    graph = _with_training_heads(graph)
    wanted = [*aspects]
    run = SingleRun(graph, available, weights)
    measurements: dict[str, Callable[[], AspectComparison]] = {
        "shapes": run.shapes,
        "params": run.params,
        "operations": run.operations,
        "exact": lambda: _exact(graph, full_size=full_size),
        "rf": lambda: compare_fields(graph),
        "folding": lambda: _folding(graph, weights),
        "memory": run.memory,
    }
    for aspect in ASPECTS:
        if aspect in wanted:
            begin = perf_counter()
            comparison = measurements[aspect]()
            yield Check(aspect, *comparison, perf_counter() - begin)


def _with_training_heads(graph: Graph) -> Graph:
    """Return the network with its training heads as ordinary heads, so that they run at inference."""
    nodes = tuple(replace(node, training=False) for node in graph.nodes)
    return replace(graph, nodes=nodes, outputs={**graph.outputs, **graph.training_outputs}, training_outputs={})


def _exact(graph: Graph, *, full_size: bool) -> AspectComparison:
    """Count operations, parameters and shapes one by one, and compare them."""
    small, detail = (graph, "on the full-size network") if full_size else reduced(graph)
    analysis = analyze(small)
    if analysis.totals.flops > MAX_COUNTED_OPERATIONS and not full_size:
        return not_compared(
            f"not counted: even reduced, there are {analysis.totals.flops:,} operations (see --full-size)"
        )
    weights = initial(small, dtype=np.float64)
    inputs = {name: array[0] for name, array in random_inputs(small, dtype=np.float64).items()}
    compared, found = 0, list[Difference]()
    try:
        for layer, measured in zip(analysis.layers, measure(small, inputs, weights), strict=True):
            rows = [
                *operation_rows(layer, {**measured.operations, "macs": measured.macs}),
                ("params", layer.params, measured.params),
                ("shape", (layer.output,), (measured.shape,)),
            ]
            compared += len(rows)
            found += differing(layer.name, rows)
    except FAILURES as error:
        found.append(Difference(small.name, "run", "runs", str(error)[:120]))
    return AspectComparison(compared, tuple(found), detail)


def reduced(graph: Graph) -> tuple[Graph, str]:
    """Return the network, reduced in input size and channels until it has few operations, and how it was reduced."""
    if analyze(graph).totals.flops <= MAX_COUNTED_OPERATIONS:
        return graph, "on the full-size network"
    least = smallest(graph, MIN_REDUCED_SIZE)
    found, detail = least, f"on {_inputs(least)}"
    for divisor in DIVISORS:
        if analyze(found).totals.flops <= MAX_COUNTED_OPERATIONS:
            break
        try:
            found, detail = narrowed(least, divisor), f"on {_inputs(least)}, channels divided by {divisor}"
        except Impossible:
            continue
    return found, detail


def _folding(graph: Graph, weights: Mapping[str, Array] | None) -> AspectComparison:
    """Compare the outputs of the folded network with those of the original one on a small input."""
    small = smallest(graph, MIN_REDUCED_SIZE)
    folding = fold(small)
    if not folding.folds:
        return not_compared("nothing to fold")
    if weights is not None and fits(small, weights):
        stored, origin = {name: array.astype(np.float64) for name, array in weights.items()}, WITH_WEIGHTS
    else:
        stored, origin = random_weights(small), ""
    distances = output_differences(folding, stored)
    found = [
        Difference(name, "output", f"within {TOLERANCE:.0e}", f"differs by {each:.1e}")
        for name, each in distances.items()
        if not each <= TOLERANCE
    ]
    worst = max(distances.values())
    detail = f"largest relative difference {worst:.1e}, tolerance {TOLERANCE:.0e}, on {_inputs(small)}{origin}"
    return AspectComparison(len(folding.folds), tuple(found), detail)


def _inputs(graph: Graph) -> str:
    return " and ".join(write_shape(shape, graph.layout) for shape in graph.inputs.values())
