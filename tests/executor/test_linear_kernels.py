"""Convolutions, dense layers and pooling against ONNX Runtime, over generated attributes, shapes and batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernels import gather
from archcalc.ops.base import REGISTRY
from tests.executor.layers import arrays, numbers, read
from tests.executor.onnx_models import computes, evaluate
from tests.random_networks import layers

NAMES = sorted(name for name, op in REGISTRY.items() if op.family in ("conv", "dense", "pool"))
WITH_WINDOWS = [name for name in NAMES if REGISTRY[name].window_kind in ("sliding", "transposed")]
"""Operators with windows, which have many attributes; the others have hardly any."""

everything = {"seed": st.integers(0, 2**32 - 1), "batch": st.integers(1, 3), "block": st.sampled_from([1, 2**21])}


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_WINDOWS)
@settings(max_examples=100)
@given(data=st.data(), **everything)
def test_windows_agree_with_onnx_runtime(name: str, data: st.DataObject, seed: int, batch: int, block: int) -> None:
    compare(data.draw(layers(name)), seed, batch, block)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*NAMES} - {*WITH_WINDOWS}))
@settings(max_examples=60)
@given(data=st.data(), **everything)
def test_other_layers_agree_with_onnx_runtime(
    name: str, data: st.DataObject, seed: int, batch: int, block: int
) -> None:
    compare(data.draw(layers(name)), seed, batch, block)


def compare(text: str, seed: int, batch: int, block: int) -> None:
    """Compare one layer on random numbers, with windows gathered in blocks of the given number of bytes."""
    graph = read(text)
    node = graph.nodes[-1]
    assume(computes(graph))
    rng = np.random.default_rng(seed)
    weights = {f"{node.name}.{name}": array for name, array in arrays(graph, node, rng, np.float32).items()}
    if getattr(node.op, "ws", False):  # in float32, nearly equal weights of a filter do not differ from their mean
        kernel = next(array for name, array in weights.items() if name.endswith("weight"))
        assume(kernel.std(axis=tuple(range(1, kernel.ndim))).min() > 0.05)
    inputs = {name: numbers(rng, (batch, *shape), np.float32) for name, shape in graph.inputs.items()}
    if (limit := node.op.index_limit) is not None:
        inputs = {name: rng.integers(limit, size=x.shape).astype(np.float32) for name, x in inputs.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gather, "MAX_BLOCK_BYTES", block)
        patch.setattr(gather, "MIN_POSITIONS", min(block, 128))
        ours = Interpreter(graph, weights).run(inputs).output
    (theirs,) = evaluate(graph, inputs, weights).values()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    scale = max(1.0, float(np.abs(theirs).max()))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)
