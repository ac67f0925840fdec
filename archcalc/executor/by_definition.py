"""Small networks evaluated by the definitions by loops, in exact numbers or with a record of one number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.loops.run import measure
from archcalc.graph import Graph, Ref


def evaluate(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> dict[Ref, Array]:
    """Return every tensor of a network at inference, for a batch that is evaluated example by example.

    The work is that of the loops, about a million operations per second, and much slower for exact numbers; the caller
    has to limit it.

    Args:
        graph: the network.
        inputs: an array for every input, batch in front; arrays of objects are evaluated exactly.
        weights: the stored arrays by ``layer.array``.

    Raises:
        MissingDefinition: an operator has no definition by loops.
        InexactError: an operation on exact numbers has no exact result.
    """
    batch = len(next(iter(inputs.values())))
    examples: list[dict[Ref, Array]] = []
    for example in range(batch):
        own = {name: array[example] for name, array in inputs.items()}
        found = {Ref(index): own[node.name] for index, node in enumerate(graph.nodes) if node.is_input}
        layers = (index for index, node in enumerate(graph.nodes) if not node.is_input)
        for index, measured in zip(layers, measure(graph, own, weights), strict=True):
            found.update({Ref(index, output): array for output, array in enumerate(measured.outputs)})
        examples.append(found)
    return {ref: np.stack([found[ref] for found in examples]) for ref in examples[0]}
