"""Small networks evaluated by the definitions by loops: in exact numbers, at inference or in a training step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Weights
from archcalc.executor.loops.record import plain
from archcalc.executor.loops.run import measure_layer
from archcalc.executor.loops.training import TrainedLayer, differs, record_training
from archcalc.executor.training import TrainingStep, mask_of
from archcalc.executor.weights import array_names
from archcalc.graph import Graph, Ref


def evaluate(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Mapping[str, Array],
    step: TrainingStep | None = None,
    seed: int = 0,
) -> tuple[dict[Ref, Array], dict[str, Array]]:
    """Return every tensor of a network, and the stored arrays that a training step updates.

    The work is that of the loops, about a million operations per second, and much slower for exact numbers; the caller
    has to limit it.

    Args:
        graph: the network.
        inputs: an array for every input, batch in front; arrays of objects are evaluated exactly.
        weights: the stored arrays by ``layer.array``.
        step: the training step; ``None`` at inference, without training heads.
        seed: the seed of dropout.

    Raises:
        MissingDefinition: an operator has no definition by loops.
        InexactError: an operation on exact numbers has no exact result.
    """
    found: dict[Ref, Array] = {}
    updates: dict[str, Array] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            found[Ref(index)] = inputs[node.name]
            continue
        if node.training and step is None:
            continue
        names = array_names(graph, node)
        read, stored = tuple(found[ref] for ref in node.inputs), {own: weights[name] for own, name in names.items()}
        if step is None or not differs(node.op):
            outputs = _each_example(graph, index, read, stored)
        else:
            layer, _ = trained_layer(graph, index, {"x": read[0]}, stored, step, seed)
            outputs = (_values(layer.output),)
            updates |= {names[own]: _values(array) for own, array in layer.updates.items()}
        found.update({Ref(index, output): array for output, array in enumerate(outputs)})
    return found, updates


def _each_example(graph: Graph, index: int, inputs: Arrays, weights: Weights) -> Arrays:
    """Return the outputs of a layer, which is evaluated example by example."""
    node, batch = graph.nodes[index], max([len(array) for array in inputs], default=1)
    measured = [
        measure_layer(node.name, node.op, tuple(array[example] for array in inputs), weights)
        for example in range(batch)
    ]
    return tuple(map(np.stack, zip(*(one.outputs for one in measured), strict=True)))


def trained_layer(
    graph: Graph, index: int, inputs: Mapping[str, Array], weights: Weights, step: TrainingStep, seed: int
) -> tuple[TrainedLayer, Array | None]:
    """Return what a layer that `differs` computes in a training step, and its mask of dropout.

    Args:
        graph: the network.
        index: the index of the layer.
        inputs: the array that it reads, batch in front, by the name to record for it.
        weights: its stored arrays by their names in it.
        step: the training step.
        seed: the seed of dropout.
    """
    node = graph.nodes[index]
    (x,) = inputs.values()
    mask = mask_of(node.op, node.name, x.shape, step, (seed, index))
    return record_training(node.op, inputs, weights, mask, step.average), mask


def _values(array: Array) -> Array:
    """Return recorded numbers without their records."""
    found: Array = np.frompyfunc(plain, 1, 1)(array)
    return found if any(not isinstance(each, float) for each in found.flat) else found.astype(float)
