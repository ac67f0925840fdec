"""Folding, held to arrays: the folded network and the original one on the same random inputs."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from archcalc.analysis.fold import Folding
from archcalc.executor.folding import folded_weights
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernel import Array
from archcalc.executor.weights import initial
from archcalc.graph import Graph

TOLERANCE = 1e-9
"""How far the outputs may be apart in double precision, relative to the largest number of an output."""
EXAMPLES = 2


def differences(folding: Folding, weights: Mapping[str, Array], *, seed: int = 0) -> dict[str, float]:
    """Per output, how far the folded network is from the original one, relative to the largest number.

    Args:
        folding: of the network.
        weights: the stored arrays of the original network by ``layer.array``, in double precision.
        seed: of the inputs.
    """
    inputs = random_inputs(folding.graph, batch=EXAMPLES, seed=seed, dtype=np.float64)
    changed = {folding.graph.nodes[index].name for fold in folding.folds for index in (fold.node, fold.into)}
    before = _outputs(folding.graph, weights, inputs, changed)
    after = _outputs(folding.folded, folded_weights(folding.graph, folding.folds, weights), inputs, changed)
    pairs = zip(before.items(), after.values(), strict=True)
    return {name: float(np.abs(one - other).max() / max(np.abs(one).max(), 1e-300)) for (name, one), other in pairs}


def _outputs(
    graph: Graph, weights: Mapping[str, Array], inputs: Mapping[str, Array], changed: Set[str]
) -> dict[str, Array]:
    """The outputs, and what the layers that make them read: a softmax would hide what differs before it.

    Layers that were folded, and those that took them in, read something else now or are gone: they are given as
    ``changed``.
    """
    read = {
        f"{name} (number {place} that it reads)": graph.nodes[source.node].name
        for name, ref in graph.outputs.items()
        for place, source in enumerate(graph.nodes[ref.node].inputs, 1)
        if graph.nodes[ref.node].name not in changed
    }
    run = Interpreter(graph, weights).run(inputs, keep=read.values())
    return {**run.outputs, **{label: run.kept[name] for label, name in read.items()}}


def trained(graph: Graph, *, seed: int = 0) -> dict[str, Array]:
    """Seeded weights in double precision, their statistics, scales and shifts as after some training: not neutral."""
    rng = np.random.default_rng(seed)
    weights = initial(graph, seed=seed, dtype=np.float64)
    fixed = {node.name for node in graph.nodes if node.op.stores_attributes}
    for name, array in weights.items():
        layer, _, own = name.rpartition(".")
        if own in ("variance", "scale"):
            weights[name] = array * rng.uniform(0.5, 2, array.shape)
        elif own in ("mean", "shift", "bias") and layer not in fixed:
            weights[name] = array + rng.normal(0, 0.5, array.shape)
    return weights
