"""Three witnesses of every layer: the fast kernel, the loops over counting numbers, and the analysis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import analyze
from archcalc.executor.interpreter import Interpreter, LayerTrace
from archcalc.executor.loops import LayerMeasurement, measure, measure_layer
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.ops.base import REGISTRY
from archcalc.ops.structure import Identity
from tests.executor.layers import Layer, layers_of, numbers, read
from tests.random_networks import layers, networks

SEEDS = st.integers(0, 2**32 - 1)
TOLERANCE = 1e-9
"""The relative tolerance, for sums in another order."""
MAX_OPERATIONS = 100_000
"""The maximum number of operations of a random network: loops are slow."""


def nonzero(operations: Mapping[str, Any]) -> dict[str, int]:
    return {kind: count for kind, count in operations.items() if count}


def counted(measured: LayerMeasurement) -> dict[str, int]:
    """Return the counts of the loops in the form that kernels report."""
    return nonzero({**measured.operations, "macs": measured.macs})


def agree(layer: Layer, graph: Graph) -> None:
    """Require that the kernel, the loops and the analysis agree on one layer with a batch of one."""
    op, shapes = layer.op, graph.input_shapes(layer.node)
    fast, context = layer.run(tally=Counter())
    slow = measure_layer(layer.node.name, op, tuple(x[0] for x in layer.inputs), layer.weights)
    where, cost = f"{op} on {shapes}", op.cost(shapes)
    assert counted(slow) == nonzero(context.tally or {}) == nonzero({**cost.operations, "macs": cost.macs}), where
    assert slow.params == sum(weight.count for weight in op.weights(shapes)), where
    for one, other, shape in zip(fast, slow.outputs, layer.node.outputs, strict=True):
        assert other.shape == one.shape[1:] == shape, where
        np.testing.assert_allclose(one[0], other, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {Identity.name}))
@settings(max_examples=20)
@given(data=st.data(), seed=SEEDS)
def test_kernel_loops_and_analysis_agree_on_every_operator(name: str, data: st.DataObject, seed: int) -> None:
    graph = read(data.draw(layers(name)))
    for layer in layers_of(graph, seed, batch=1):
        if layer.op.name == name:
            agree(layer, graph)


@pytest.mark.slow
@settings(max_examples=60)
@given(text=networks(), seed=SEEDS)
def test_kernels_loops_and_analysis_agree_on_every_layer_of_random_networks(text: str, seed: int) -> None:
    graph = read(text)
    analysis = analyze(graph, training=True)
    assume(analysis.totals.flops < MAX_OPERATIONS)
    rng = np.random.default_rng(seed)
    inputs = {name: numbers(rng, (1, *shape), np.float64) for name, shape in graph.inputs.items()}
    weights = initial_arrays(graph, seed=seed, dtype=np.float64, training=True)
    fast: dict[str, LayerTrace] = {}
    values: dict[str, Any] = {}

    def note(step: LayerTrace) -> None:
        fast[step.node.name], values[step.node.name] = step, step.outputs[0].copy()

    Interpreter(graph, weights).run(inputs, tally=True, observe=note)
    slow = {one.name: one for one in measure(graph, {name: x[0] for name, x in inputs.items()}, weights)}
    assert slow.keys() == {layer.name for layer in analysis.layers}
    for layer in analysis.layers:
        one = slow[layer.name]
        assert counted(one) == nonzero({**layer.operations, "macs": layer.macs}), layer
        assert (one.params, one.shape) == (layer.params, layer.output), layer
        if not layer.training:  # inference leaves training heads out
            assert counted(one) == nonzero(fast[layer.name].counts), layer
            np.testing.assert_allclose(values[layer.name][0], one.values, rtol=1e-6, atol=1e-6, err_msg=text)
