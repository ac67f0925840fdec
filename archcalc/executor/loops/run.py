"""Evaluation of a layer, or of a graph layer by layer, by the definitions by loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Weights
from archcalc.executor.loops import (
    activation,
    arithmetic,
    attention,
    conv,
    dense,
    gate,
    joins,
    norm,
    pool,
    product,
    rearrange,
    reduction,
    resample,
    source,
    structure,
)
from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.tensor import counting, definition_of, plain
from archcalc.executor.weights import array_names
from archcalc.graph import Graph
from archcalc.ops.base import Operator

FAMILIES = (
    conv,
    dense,
    pool,
    resample,
    norm,
    activation,
    gate,
    arithmetic,
    structure,
    rearrange,
    reduction,
    joins,
    product,
    attention,
    source,
)
"""The modules whose import registers the definitions."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The measurements of one layer on one example."""

    name: str
    values: Array
    """The output in double precision, without batch."""
    operations: Mapping[str, int]
    """The number of operations by kind; kinds that did not occur are absent."""
    macs: int
    """The number of products accumulated in linear-algebra layers."""
    params: int
    """The number of stored numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


def measure_layer(name: str, op: Operator, inputs: Arrays, weights: Weights) -> Measured:
    """Evaluate one layer at inference on one example: arrays without batch, stored arrays by their names in the
    layer."""
    tally = Tally()
    read = tuple(counting(array, tally) for array in inputs)
    stored = {own: counting(array, tally) for own, array in weights.items()}
    values = plain(definition_of(op)(op, read, stored, tally))
    return Measured(name, values, tally.operations(), tally.macs, sum(map(len, stored.values())))


def measure(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> Iterator[Measured]:
    """Evaluate a network at inference on one example, layer by layer, including training heads.

    The speed is about a million operations per second; the caller has to limit the work.

    Args:
        graph: the network.
        inputs: the input arrays by name, without batch.
        weights: the stored arrays by ``layer.array``.
    """
    last_use = {ref.node: index for index, node in enumerate(graph.nodes) for ref in node.inputs}
    tensors: dict[int, Array] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            tensors[index] = np.asarray(inputs[node.name])
            continue
        read = tuple(tensors[ref.node] for ref in node.inputs)
        stored = {own: weights[name] for own, name in array_names(graph, node).items()}
        measured = measure_layer(node.name, node.op, read, stored)
        tensors[index] = measured.values
        for done in {ref.node for ref in node.inputs if last_use[ref.node] == index}:
            del tensors[done]
        yield measured
