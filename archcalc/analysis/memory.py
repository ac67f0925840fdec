"""Bytes: of parameters, of activations, and the peak of live tensors over a run in graph order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.graph import Graph, Ref
from archcalc.numeric import Number, maximum, product

if TYPE_CHECKING:
    from archcalc.analysis.propagate import Analysis

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


def memory_of(analysis: Analysis, dtype: str = "float32") -> Memory:
    """The memory figures of an analysed network.

    Args:
        analysis: of the network; its batch counts.
        dtype: one of `DTYPES`.

    Raises:
        ValueError: an unknown number format.
    """
    if dtype not in DTYPES:
        raise ValueError(f"no number format {dtype!r}; there are {', '.join(DTYPES)}")
    width, batch = DTYPES[dtype], analysis.batch or 1
    return Memory(
        dtype=dtype,
        params=analysis.totals.params * width,
        activations=analysis.totals.activations * width,
        peak=peak_elements(analysis.graph, training=analysis.training) * batch * width,
    )


def peak_elements(graph: Graph, *, training: bool = False) -> Number:
    """Elements of the tensors that live at one time, at most.

    Layers run in graph order. A tensor lives from when it is made until its last reader has run; outputs of the network
    live to the end, inputs from the start. Every layer makes a tensor of its own (nothing is computed in place).
    """
    runs = [index for index, node in enumerate(graph.nodes) if training or not node.training]
    last_use = {ref: len(graph.nodes) for ref in graph.outputs.values()}
    if training:
        last_use |= {ref: len(graph.nodes) for ref in graph.training_outputs.values()}
    for index in runs:
        for ref in graph.nodes[index].inputs:
            last_use[ref] = max(last_use.get(ref, 0), index)
    live: Number = 0
    peak: Number = 0
    for index in runs:
        node = graph.nodes[index]
        if node.is_input:
            live = live + product(node.output)
    for index in runs:
        node = graph.nodes[index]
        if not node.is_input:
            live = live + sum(product(shape) for shape in node.outputs)
        peak = maximum(peak, live)
        made = (Ref(index, output) for output in range(len(node.outputs)))
        for ref in {*node.inputs, *(ref for ref in made if ref not in last_use)}:
            if last_use.get(ref, index) == index:
                live = live - product(graph.shape(ref))
    return peak
