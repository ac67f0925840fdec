"""Results of kernels, against ONNX Runtime: every operator with many combinations of its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnxruntime")

from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernel import Array
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.ops.base import REGISTRY
from tests.executor.layers import arrays, numbers, read
from tests.executor.onnx_models import computes, evaluate
from tests.random_networks import layers, networks

FAMILIES = {
    "activation",
    "arithmetic",
    "attention",
    "gate",
    "joins",
    "norm",
    "product",
    "rearrange",
    "recurrent",
    "reduction",
    "resample",
    "sampling",
    "structure",
}
NAMES = sorted(name for name, op in REGISTRY.items() if op.family in FAMILIES and name != "identity")


SEEDS = st.integers(0, 2**32 - 1)


def compare(graph: Graph, seed: int, dtype: Any, near: float) -> None:
    """Compare the outputs of a graph on random inputs and stored arrays."""
    rng = np.random.default_rng(seed)
    inputs = {name: numbers(rng, (2, *shape), dtype) for name, shape in graph.inputs.items()}
    weights = {}
    for _, node in graph.layers():
        own = {name: array for name, array in arrays(graph, node, rng, dtype).items() if name not in node.tied}
        weights |= {f"{node.name}.{name}": array for name, array in own.items()}
    agree(graph, inputs, weights, near)


def agree(graph: Graph, inputs: dict[str, Array], weights: dict[str, Array], near: float) -> None:
    """Require that every output of a graph agrees."""
    ours = Interpreter(graph, weights).run(inputs).outputs
    theirs = evaluate(graph, inputs, weights)
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape
        assert ours[name].dtype == expected.dtype
        np.testing.assert_allclose(ours[name], expected, rtol=near, atol=near * max(1.0, float(abs(expected).max())))


def drawn(name: str, data: st.DataObject, seed: int) -> None:
    graph = read(data.draw(layers(name)))
    assume(computes(graph))
    compare(graph, seed, np.float32, 1e-4)


@pytest.mark.parametrize("name", [name for name in NAMES if not REGISTRY[name].parameters()])
@settings(max_examples=30)
@given(data=st.data(), seed=SEEDS)
def test_kernels_without_attributes_agree_with_onnx_runtime(name: str, data: st.DataObject, seed: int) -> None:
    drawn(name, data, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].parameters()])
@settings(max_examples=80)
@given(data=st.data(), seed=SEEDS)
def test_kernels_agree_with_onnx_runtime_whatever_their_attributes(name: str, data: st.DataObject, seed: int) -> None:
    drawn(name, data, seed)


@pytest.mark.slow
@settings(max_examples=50)
@given(text=networks(), seed=SEEDS)
def test_random_networks_agree_with_onnx_runtime(text: str, seed: int) -> None:
    graph = read(text)
    assume(all(node.op.index_limit is None for node in graph.nodes))  # a number that is not an index is an error there
    assume(computes(graph))
    rng = np.random.default_rng(seed)
    inputs = {name: numbers(rng, (2, *shape), np.float32) for name, shape in graph.inputs.items()}
    agree(graph, inputs, initial_arrays(graph, seed=seed), 1e-3)
