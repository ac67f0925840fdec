"""Evaluation of a layer, or of a graph layer by layer, by the definitions by loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Weights
from archcalc.executor.loops.exact import ExactNumber
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.tensor import TEXTBOOK, Tensor, counting, evaluate, plain
from archcalc.executor.random import draw, seed_of
from archcalc.executor.weights import array_names
from archcalc.graph import Graph, Ref
from archcalc.ops import import_families
from archcalc.ops.base import Operator

import_families("archcalc.executor.loops")


@dataclass(frozen=True, eq=False)
class LayerMeasurement:
    """The measurements of one layer on one example."""

    name: str
    outputs: Arrays
    """The outputs in double precision, without batch."""
    operations: Mapping[str, int]
    """The number of operations by kind; kinds that did not occur are absent."""
    macs: int
    """The number of products accumulated in linear-algebra layers."""
    params: int
    """The number of stored numbers."""

    @property
    def values(self) -> Array:
        """The (first) output."""
        return self.outputs[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


def measure_layer(name: str, op: Operator, inputs: Arrays, weights: Weights) -> LayerMeasurement:
    """Evaluate one layer at inference on one example: arrays without batch, stored arrays by their names in the
    layer."""
    tally = Tally()
    read = tuple(counting(array, tally) for array in inputs)
    stored = {own: counting(array, tally) for own, array in weights.items()}
    outputs = tuple([_array(each, weights) for each in evaluate(op, read, stored, tally)])
    return LayerMeasurement(name, outputs, tally.operations(), tally.macs, sum(map(len, stored.values())))


def record_layer(
    op: Operator, inputs: Iterable[tuple[str, Array]], weights: Weights, names: Mapping[str, str] | None = None
) -> Arrays:
    """Evaluate one layer like `measure_layer`, and return outputs whose numbers record how they were computed.

    Args:
        op: the operator of the layer.
        inputs: the arrays that it reads, in order, each after the name to record; one may be read several times.
        weights: its stored arrays by name.
        names: the names to record for stored arrays, where these are others than their own.

    Returns:
        arrays of `RecordedNumber`; of floats where the layer only passes on zeros of its own.
    """
    tally = Tally()
    read = tuple(counting(record_array(name, array), tally) for name, array in inputs)
    written_as = names or {}
    stored = {name: counting(record_array(written_as.get(name, name), array), tally) for name, array in weights.items()}
    return tuple([_array(each, weights) for each in evaluate(op, read, stored, tally, TEXTBOOK)])


def _array(tensor: Tensor, weights: Weights) -> Array:
    """Return a tensor as an array; one without elements is that which a source stores."""
    if tensor:
        return plain(tensor)
    (stored,) = weights.values()
    return stored


def record_array(name: str, array: Array) -> Array:
    """Return the numbers of an array as given ones that record their place; those that do so already stay."""
    if array.dtype == object and array.size and isinstance(array.flat[0], RecordedNumber):
        return array
    found = np.empty(array.shape, object)
    for index, value in np.ndenumerate(array):
        found[index] = RecordedNumber(value if isinstance(value, ExactNumber) else float(value), operands=(name, index))
    return found


def measure(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> Iterator[LayerMeasurement]:
    """Evaluate a network at inference on one example, layer by layer, including training heads.

    The speed is about a million operations per second; the caller has to limit the work.

    Args:
        graph: the network.
        inputs: the input arrays by name, without batch.
        weights: the stored arrays by ``layer.array``.
    """
    last_use = {ref: index for index, node in enumerate(graph.nodes) for ref in node.inputs}
    tensors: dict[Ref, Array] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            tensors[Ref(index)] = np.asarray(inputs[node.name])
            continue
        read = tuple(tensors[ref] for ref in node.inputs)
        stored = {own: weights[name] for own, name in array_names(graph, node).items()}
        if node.op.is_random:
            drawn = draw(node.op, 1, seed_of(graph, index, 0), np.float64)[0]
            measured = LayerMeasurement(node.name, (drawn,), {}, 0, 0)
        else:
            measured = measure_layer(node.name, node.op, read, stored)
        made = zip(graph.made_by(index), measured.outputs, strict=True)
        tensors.update({ref: array for ref, array in made if ref in last_use})
        for done in {ref for ref in node.inputs if last_use[ref] == index}:
            del tensors[done]
        yield measured
