"""Comparison of the analysis with measurements of the executor, layer by layer.

The two share nothing but the graph; every difference names its layer and both figures. Training heads are run, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from archcalc.analysis.fold import fold
from archcalc.analysis.propagate import Analysis
from archcalc.analysis.resize import with_smallest_inputs
from archcalc.executor.inputs import random_inputs
from archcalc.executor.kernel import Array
from archcalc.executor.loops import measure
from archcalc.executor.weights import arrays_fit, initial_arrays
from archcalc.graph import Graph
from archcalc.verification.differences import (
    FAILURES,
    AspectComparison,
    Difference,
    layer_differences,
    not_compared,
    operation_rows,
)
from archcalc.verification.folding import TOLERANCE, output_differences, random_weights
from archcalc.verification.receptive_fields import compare_fields
from archcalc.verification.reduction import MIN_REDUCED_SIZE, reduce_network
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
MAX_FOLDED_OPERATIONS, MAX_FOLDED_PARAMETERS = 2_000_000_000, 50_000_000
"""The largest network with random weights that is compared with its folded form."""


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
        full_size: whether to run and to count the network at its full size, however long that takes.
    """
    graph = _with_training_heads(graph)
    wanted = [*aspects]
    run = SingleRun(graph, available, weights, full_size=full_size)
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
    small = reduce_network(graph, lambda found: full_size or found.totals.flops <= MAX_COUNTED_OPERATIONS)
    analysis = small.analysis
    if analysis.totals.flops > MAX_COUNTED_OPERATIONS and not full_size:
        return not_compared(
            f"not counted: even reduced, there are {analysis.totals.flops:,} operations (see --full-size)"
        )
    weights = initial_arrays(small.graph, dtype=np.float64)
    inputs = {name: array[0] for name, array in random_inputs(small.graph, dtype=np.float64).items()}
    compared, found = 0, list[Difference]()
    try:
        for layer, measured in zip(analysis.layers, measure(small.graph, inputs, weights), strict=True):
            rows = [
                *operation_rows(layer, {**measured.operations, "macs": measured.macs}),
                ("params", layer.params, measured.params),
                ("shape", (layer.output,), (measured.shape,)),
            ]
            compared += len(rows)
            found += layer_differences(layer.name, rows)
    except FAILURES as error:
        found.append(Difference(graph.name, "run", "runs", str(error)[:120]))
    return AspectComparison(compared, tuple(found), f"on {'the full-size network' if small.is_full_size else small}")


def _folding(graph: Graph, weights: Mapping[str, Array] | None) -> AspectComparison:
    """Compare the outputs of the folded network with those of the original one on a small input."""
    least = with_smallest_inputs(graph, MIN_REDUCED_SIZE)
    given = weights if weights is not None and arrays_fit(least, weights) else None
    small = reduce_network(least, lambda found: given is not None or _is_quickly_folded(found))
    folding = fold(small.graph)
    if not folding.folds:
        return not_compared("nothing to fold")
    if given is None:
        stored = random_weights(small.graph)
    else:
        stored = {name: array.astype(np.float64) for name, array in given.items()}
    distances = output_differences(folding, stored)
    found = [
        Difference(name, "output", f"within {TOLERANCE:.0e}", f"differs by {each:.1e}")
        for name, each in distances.items()
        if not each <= TOLERANCE
    ]
    worst = max(distances.values())
    origin = "" if given is None else WITH_WEIGHTS
    detail = f"largest relative difference {worst:.1e}, tolerance {TOLERANCE:.0e}, on {small}{origin}"
    return AspectComparison(len(folding.folds), tuple(found), detail)


def _is_quickly_folded(analysis: Analysis) -> bool:
    totals = analysis.totals
    return bool(totals.flops <= MAX_FOLDED_OPERATIONS and totals.params <= MAX_FOLDED_PARAMETERS)
