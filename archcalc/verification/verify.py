"""Analysis against measurement: what was claimed of every layer, held to what the executor did and saw.

The two sides share the graph and nothing else; every difference names its layer and both numbers. Training heads are
run, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from archcalc.analysis.fold import fold
from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import narrowed, smallest
from archcalc.executor.inputs import random_inputs
from archcalc.executor.loops import measure
from archcalc.executor.weights import initial
from archcalc.graph import Graph, write_shape
from archcalc.numeric import Impossible
from archcalc.verification.differences import FAILURES, Comparison, Difference, apart, by_kind, nothing
from archcalc.verification.folding import TOLERANCE, differences, trained
from archcalc.verification.receptive_fields import compare_fields
from archcalc.verification.single_run import WholeRun

ASPECTS = {
    "shapes": "shape and number format of every tensor",
    "params": "stored numbers, counted from the arrays that were used",
    "operations": "operations by kind and MACs, read from the operands inside the kernels",
    "exact": "the same, counted one by one on counting numbers (on a reduced network)",
    "rf": "receptive fields, found by making input positions NaN",
    "folding": "the folded network against the original one",
    "memory": "the memory of a run: parameters, live tensors, work buffers",
}
COUNTED = 2_000_000
"""Operations that are counted one by one, at most, unless asked for."""
SMALL = 16
"""Positions per axis of a reduced input, at least: fewer would be mostly padding."""
DIVISORS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""By how much channels are divided until there are few enough operations."""


@dataclass(frozen=True, slots=True)
class Check:
    """One aspect of a network, compared; see `Comparison`."""

    aspect: str
    compared: int
    differences: tuple[Difference, ...]
    detail: str
    seconds: float

    @property
    def holds(self) -> bool:
        return not self.differences


def verify(
    graph: Graph, aspects: Iterable[str] = tuple(ASPECTS), *, available: int | None = None, whole: bool = False
) -> Iterator[Check]:
    """Measure a network and compare, one aspect after another.

    Args:
        graph: the network.
        aspects: which of `ASPECTS`.
        available: bytes of memory that a run may take; ``None``: any.
        whole: count exactly on the network as it is, however long that takes.
    """
    graph = _with_training_heads(graph)
    wanted = [*aspects]
    run = WholeRun(graph, available)
    measurements: dict[str, Callable[[], Comparison]] = {
        "shapes": run.shapes,
        "params": run.params,
        "operations": run.operations,
        "exact": lambda: _exact(graph, whole=whole),
        "rf": lambda: compare_fields(graph),
        "folding": lambda: _folding(graph),
        "memory": run.memory,
    }
    for aspect in ASPECTS:
        if aspect in wanted:
            begin = perf_counter()
            comparison = measurements[aspect]()
            yield Check(aspect, *comparison, perf_counter() - begin)


def _with_training_heads(graph: Graph) -> Graph:
    """The network with its auxiliary heads as ordinary ones: they run at inference then."""
    nodes = tuple(replace(node, training=False) for node in graph.nodes)
    return replace(graph, nodes=nodes, outputs={**graph.outputs, **graph.training_outputs}, training_outputs={})


def _exact(graph: Graph, *, whole: bool) -> Comparison:
    """Everything that is counted, counted one by one."""
    small, detail = (graph, "on the network as it is") if whole else reduced(graph)
    analysis = analyze(small)
    if analysis.totals.flops > COUNTED and not whole:
        return nothing(f"not counted: {analysis.totals.flops:,} operations even when reduced; --exact counts them all")
    weights = initial(small, dtype=np.float64)
    inputs = {name: array[0] for name, array in random_inputs(small, dtype=np.float64).items()}
    compared, found = 0, list[Difference]()
    try:
        for layer, measured in zip(analysis.layers, measure(small, inputs, weights), strict=True):
            rows = [
                *by_kind(layer, {**measured.operations, "macs": measured.macs}),
                ("params", layer.params, measured.params),
                ("shape", (layer.output,), (measured.shape,)),
            ]
            compared += len(rows)
            found += apart(layer.name, rows)
    except FAILURES as error:
        found.append(Difference(small.name, "run", "runs", str(error)[:120]))
    return Comparison(compared, tuple(found), detail)


def reduced(graph: Graph) -> tuple[Graph, str]:
    """The network on its smallest input, with as many channels as leave few operations; and how it was reduced."""
    if analyze(graph).totals.flops <= COUNTED:
        return graph, "on the network as it is"
    least = smallest(graph, SMALL)
    found, detail = least, f"on {_inputs(least)}"
    for divisor in DIVISORS:
        if analyze(found).totals.flops <= COUNTED:
            break
        try:
            found, detail = narrowed(least, divisor), f"on {_inputs(least)}, channels divided by {divisor}"
        except Impossible:
            continue
    return found, detail


def _folding(graph: Graph) -> Comparison:
    """The folded network and the original one on a small input."""
    small = smallest(graph, SMALL)
    folding = fold(small)
    if not folding.folds:
        return nothing("nothing to fold")
    distances = differences(folding, trained(small))
    found = [
        Difference(name, "output", f"within {TOLERANCE:.0e}", f"{each:.1e} apart")
        for name, each in distances.items()
        if not each <= TOLERANCE
    ]
    worst = max(distances.values())
    detail = f"largest relative difference {worst:.1e}, tolerance {TOLERANCE:.0e}, on {_inputs(small)}"
    return Comparison(len(folding.folds), tuple(found), detail)


def _inputs(graph: Graph) -> str:
    return " and ".join(write_shape(shape, graph.layout) for shape in graph.inputs.values())
