"""A whole graph through loops, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from archcalc.executor.kernel import Array, Weights
from archcalc.executor.loops import activation, conv, dense, merge, norm, pool, resample, structure
from archcalc.executor.loops.scalar import Scalar, Tally
from archcalc.executor.loops.tensor import DEFINITIONS, Tensor, counting, plain
from archcalc.graph import Graph

FAMILIES = (conv, dense, pool, resample, norm, activation, structure, merge)
"""What has to be imported so that every operator has its definition."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What one layer did on one example."""

    name: str
    values: Array
    """What it put out, in double precision, without batch."""
    operations: Mapping[str, int]
    """Kind to how many were done; kinds that did not occur are left out."""
    macs: int
    """Products that were accumulated in linear-algebra layers."""
    params: int
    """Stored numbers that it was given."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


def measure(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Weights]) -> Iterator[Measured]:
    """Run a network at inference on one example and count, one layer after the other.

    It does about a million operations per second: how much work that is, is for the caller to weigh.

    Args:
        graph: the network.
        inputs: name to array of every input, without batch.
        weights: layer to its stored arrays by their names; layers without any may be left out.
    """
    tensors: dict[int, Tensor] = {}
    last_use = {ref.node: index for index, node in enumerate(graph.nodes) for ref in node.inputs}
    for index, node in enumerate(graph.nodes):
        tally = Tally()
        if node.is_input:
            tensors[index] = counting(inputs[node.name], tally)
            continue
        arrays = {name: counting(array, tally) for name, array in weights.get(node.name, {}).items()}
        read = tuple(_counted_by(tally, tensors[ref.node]) for ref in node.inputs)
        tensors[index] = DEFINITIONS[type(node.op)](node.op, read, arrays, tally)
        for ref in node.inputs:
            if last_use[ref.node] == index:
                tensors.pop(ref.node, None)
        params = sum(map(len, arrays.values()))
        yield Measured(node.name, plain(tensors[index]), tally.operations(), tally.macs, params)


def _counted_by(tally: Tally, x: Tensor) -> Tensor:
    """The same numbers, counting for another layer."""
    return {index: Scalar(number.value, tally) for index, number in x.items()}
