"""Bytes: of parameters, of activations, and the peak of live tensors over a run in graph order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from archcalc.analysis.counts import Counts
from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import Number, maximum, product

DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes per number."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Bytes of a network's numbers in one number format."""

    dtype: str
    params: Number
    """All stored parameters."""
    activations: Number
    """All outputs of all layers together: what training keeps for the backward pass."""
    peak: Number
    """The most that live at one time at inference: inputs, outputs, what later layers still read; no parameters."""


def memory_of(
    graph: Graph, totals: Counts, *, dtype: str = "float32", batch: int | None = None, training: bool = False
) -> Memory:
    """The memory figures of a network.

    Args:
        graph: the network.
        totals: its counts, of the whole batch.
        dtype: one of `DTYPES`.
        batch: how many examples are evaluated together; ``None``: one.
        training: whether auxiliary heads run.

    Raises:
        ValueError: an unknown number format.
    """
    if dtype not in DTYPES:
        raise ValueError(f"no number format {dtype!r}; there are {', '.join(DTYPES)}")
    width = DTYPES[dtype]
    return Memory(
        dtype=dtype,
        params=totals.params * width,
        activations=totals.activations * width,
        peak=peak_elements(graph, training=training) * (batch or 1) * width,
    )


def peak_elements(graph: Graph, *, training: bool = False) -> Number:
    """Elements of the tensors that live at one time, at most.

    Layers run in graph order. A tensor lives from when it is made until its last reader has run; outputs of the network
    live to the end, inputs from the start. Every layer makes a tensor of its own (nothing is computed in place).
    """
    return reduce(maximum, (live for _, live in live_elements(graph, training=training)))


def peak_at(graph: Graph, *, training: bool = False) -> int:
    """The first layer that runs while most elements live (plain sizes only)."""
    index, _ = max(live_elements(graph, training=training), key=lambda row: row[1])
    return index


def live_elements(graph: Graph, *, training: bool = False) -> Iterator[tuple[int, Number]]:
    """The index of each layer that runs, and the elements that live meanwhile."""
    last = _last_uses(graph, training=training)
    live: Number = 0
    for node in graph.nodes:
        if node.is_input:
            live = live + product(node.output)
    for index, node in enumerate(graph.nodes):
        if node.training and not training:
            continue
        if not node.is_input:
            live = live + sum(product(shape) for shape in node.outputs)
        yield index, live
        for ref in {*node.inputs, *_made(index, node)}:
            if last.get(ref, index) == index:
                live = live - product(graph.shape(ref))


def live_at(graph: Graph, at: int, *, training: bool = False) -> list[Ref]:
    """The tensors that live while a layer runs."""
    last = _last_uses(graph, training=training)
    made = [
        ref
        for index, node in enumerate(graph.nodes)
        if node.is_input or (index <= at and (training or not node.training))
        for ref in _made(index, node)
    ]
    return [ref for ref in made if last.get(ref, ref.node) >= at]


def _made(index: int, node: Node) -> list[Ref]:
    return [Ref(index, output) for output in range(len(node.outputs))]


def _last_uses(graph: Graph, *, training: bool) -> dict[Ref, int]:
    """The last reader of every tensor that has one; the outputs of the network are read after everything."""
    last: dict[Ref, int] = {}
    for index, node in enumerate(graph.nodes):
        if training or not node.training:
            last.update(dict.fromkeys(node.inputs, index))
    outputs = [*graph.outputs.values(), *(graph.training_outputs.values() if training else ())]
    return last | dict.fromkeys(outputs, len(graph.nodes))
