"""Verification of folding: the folded network and the original one are run on the same random inputs."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from archcalc.analysis.fold import Folding
from archcalc.executor.folding import folded_weights
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernel import Array
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph

TOLERANCE = 1e-9
"""The largest difference of outputs allowed in double precision, relative to the largest number of an output."""
EXAMPLES = 2
"""The batch size of the comparison."""


def output_differences(folding: Folding, weights: Mapping[str, Array], *, seed: int = 0) -> dict[str, float]:
    """Return, by output, the largest difference of the folded network from the original, relative to the largest
    number.

    Args:
        folding: the folding of the network.
        weights: the stored arrays of the original network by ``layer.array``, in double precision.
        seed: the seed of the random inputs.
    """
    inputs = random_inputs(folding.graph, batch=EXAMPLES, seed=seed, dtype=np.float64)
    changed = {folding.graph.nodes[index].name for fold in folding.folds for index in (fold.node, fold.into)}
    before = _outputs(folding.graph, weights, inputs, changed)
    after = _outputs(folding.folded, folded_weights(folding.graph, folding.folds, weights), inputs, changed)
    pairs = zip(before.items(), after.values(), strict=True)
    return {
        name: float(np.abs(one - other).max(initial=0) / np.abs(one).max(initial=1e-300))
        for (name, one), other in pairs
    }


def _outputs(
    graph: Graph, weights: Mapping[str, Array], inputs: Mapping[str, Array], changed: Set[str]
) -> dict[str, Array]:
    """Return the outputs and the inputs of the layers that compute them: a softmax would hide differences before it.

    Left out are the inputs of the layers named by ``changed``: layers that were folded, and those they were folded
    into, do not have the same inputs in both networks.
    """
    read = {
        f"{name} (its input {place})": graph.nodes[source.node].name
        for name, ref in graph.outputs.items()
        for place, source in enumerate(graph.nodes[ref.node].inputs, 1)
        if graph.nodes[ref.node].name not in changed
    }
    run = Interpreter(graph, weights).run(inputs, keep=read.values())
    return {**run.outputs, **{label: run.kept[name] for label, name in read.items()}}


def random_weights(graph: Graph, *, seed: int = 0) -> dict[str, Array]:
    """Return seeded weights in double precision, with statistics, scales and shifts that are not neutral."""
    rng = np.random.default_rng(seed)
    weights = initial_arrays(graph, seed=seed, dtype=np.float64)
    fixed = {node.name for node in graph.nodes if node.op.stores_attributes}
    for name, array in weights.items():
        layer, _, own = name.rpartition(".")
        if own in ("variance", "scale"):
            weights[name] = array * rng.uniform(0.5, 2, array.shape)
        elif own in ("mean", "shift", "bias") and layer not in fixed:
            weights[name] = array + rng.normal(0, 0.5, array.shape)
    return weights
