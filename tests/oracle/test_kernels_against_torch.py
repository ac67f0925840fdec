"""Results of kernels, in training mode as well, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.ops.base import REGISTRY
from tests.executor.layers import Layer, layers_of, read
from tests.operators import torch_parts
from tests.random_networks import layers

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")]

some = settings(max_examples=60, derandomize=True)

NAMES = sorted(set(REGISTRY) - {"identity"})

TOLERANCE = {np.float32: 3e-5, np.float64: 1e-10}
AMPLIFIED = {"ln": 4, "in": 4, "gn": 4, "attention": 50, "sdpa": 10}
"""Factors of the tolerance: for equal numbers, PyTorch divides rounding errors by √ε; the softmax of large scores
amplifies them."""


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def counterpart(layer: Layer) -> Any:
    """Return the PyTorch module with the layer's stored arrays in it: both keep them in the same order."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.from_numpy(np.empty(0, layer.dtype)).dtype)
    try:
        module = torch_parts.counterpart(layer.op, [x.shape[1:] for x in layer.inputs])
    finally:
        torch.set_default_dtype(before)
    theirs = [*module.parameters(), *(b for name, b in module.named_buffers() if "num_batches" not in name)]
    with torch.no_grad():
        for tensor, ours in zip(theirs, layer.weights.values(), strict=True):
            given = torch.from_numpy(ours).reshape(tensor.shape)
            if getattr(layer.op, "ws", False) and given.dim() > 1:
                variance, mean = torch.var_mean(given, tuple(range(1, given.dim())), correction=0, keepdim=True)
                given = (given - mean) / (variance + 1e-5).sqrt()
            tensor.copy_(given)
    return module


def results(module: Any, layer: Layer) -> list[Any]:
    """Return all outputs of a module."""
    import torch

    with torch.no_grad():
        found = module(*map(torch.from_numpy, layer.inputs))
    return [each.detach().numpy() for each in (found if isinstance(found, tuple) else (found,))]


def expected(module: Any, layer: Layer) -> Any:
    (found,) = results(module, layer)
    return found


@pytest.mark.parametrize("name", NAMES)
@some
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float32, np.float64]))
def test_every_kernel_agrees_with_pytorch(name: str, data: st.DataObject, seed: int, dtype: Any) -> None:
    for layer in layers_of(read(data.draw(layers(name))), seed, dtype=dtype):
        if layer.op.name != name:
            continue
        near = TOLERANCE[dtype] * AMPLIFIED.get(name, 1)
        found, _ = layer.run()
        for ours, theirs in zip(found, results(counterpart(layer).eval(), layer), strict=True):
            assert ours.dtype == dtype
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=near, atol=near, err_msg=str(layer.op))


@pytest.mark.parametrize("text", ["bn", "bn noaffine", "bn eps=1/10"])
@pytest.mark.parametrize("shape", ["5", "3x7", "4x5x6", "2x3x2x4"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_trains_as_in_pytorch(text: str, shape: str, dtype: Any) -> None:
    """The result with the batch's statistics, the new running statistics, and their use at inference."""
    (layer,) = layers_of(read(f"{shape} -> {text}"), seed=1, batch=3, dtype=dtype)
    module = counterpart(layer).train()
    near = TOLERANCE[dtype]
    for _ in range(3):
        theirs = expected(module, layer)
        (ours,), context = layer.run(training=True)
        np.testing.assert_allclose(ours, theirs, rtol=near, atol=near)
        assert context.updates.keys() == {"mean", "variance"}
        assert all(update.dtype == dtype for update in context.updates.values())
        layer.weights.update(context.updates)
        np.testing.assert_allclose(context.updates["mean"], module.running_mean, rtol=near, atol=near)
        np.testing.assert_allclose(context.updates["variance"], module.running_var, rtol=near, atol=near)
    np.testing.assert_allclose(layer.run()[0][0], expected(module.eval(), layer), rtol=near, atol=near)


@pytest.mark.parametrize("name", ["ln", "in", "gn 2", "lrn", "relu", "softmax", "standardize mean=1 std=2", "scale 2"])
def test_layers_without_batch_statistics_are_the_same_in_training(name: str) -> None:
    (layer,) = layers_of(read(f"4x5x6 -> {name}"), seed=2)
    np.testing.assert_array_equal(layer.run(training=True)[0][0], layer.run()[0][0])
    np.testing.assert_allclose(layer.run()[0][0], expected(counterpart(layer).train(), layer), rtol=1e-9, atol=1e-9)
