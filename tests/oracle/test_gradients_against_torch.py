"""Gradients of operators against PyTorch's autograd, in training mode as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.executor import gradients  # noqa: F401  # registers them
from archcalc.executor.gradient import GRADIENTS
from tests.executor.layers import Layer, layers_of, read
from tests.executor.test_gradients import gradients_of
from tests.oracle.test_kernels_against_torch import counterpart
from tests.random_networks import layers

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

NEAR = 1e-7
"""The tolerance in double precision: PyTorch rounds some constants (1/6) to single precision."""
WITH_GRADIENTS = sorted(cls.name for cls in GRADIENTS if cls.name != "identity")


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def agree(layer: Layer, *, training: bool = False) -> None:
    import torch

    module = counterpart(layer).train(training)
    for each in module.parameters():
        each.requires_grad_(each.is_floating_point())
    inputs = [torch.from_numpy(x.copy()).requires_grad_() for x in layer.inputs]
    found, given = gradients_of(layer, training)
    made = module(*inputs)
    outputs = made if isinstance(made, tuple) else (made,)
    terms = [(y * torch.from_numpy(g)).sum() for y, g in zip(outputs, given, strict=True) if y.requires_grad]
    sum(terms[1:], terms[0]).backward()
    for ours, theirs in zip(found.inputs, inputs, strict=True):
        if ours is not None and theirs.grad is not None:
            np.testing.assert_allclose(ours, theirs.grad, rtol=NEAR, atol=NEAR, err_msg=str(layer.op))
    if getattr(layer.op, "ws", False):  # the counterpart holds standardised weights
        return
    theirs = [*module.parameters(), *(b for name, b in module.named_buffers() if "num_batches" not in name)]
    for name, tensor in zip(layer.weights, theirs, strict=True):
        if name in found.weights and getattr(tensor, "grad", None) is not None:
            ours = found.weights[name].reshape(tensor.shape)
            np.testing.assert_allclose(ours, tensor.grad, rtol=NEAR, atol=NEAR, err_msg=f"{layer.op} {name}")


@pytest.mark.parametrize("name", WITH_GRADIENTS)
@settings(max_examples=20, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_every_gradient_agrees_with_autograd(name: str, data: st.DataObject, seed: int) -> None:
    for layer in layers_of(read(data.draw(layers(name))), seed):
        if layer.op.name == name:
            agree(layer)


@pytest.mark.parametrize("text", ["bn", "bn noaffine", "bn eps=1/10"])
@pytest.mark.parametrize("shape", ["5", "3x7", "4x5x6", "2x3x2x4"])
def test_the_gradient_of_batch_norm_in_training_agrees_with_autograd(text: str, shape: str) -> None:
    (layer,) = layers_of(read(f"{shape} -> {text}"), seed=1, batch=3)
    agree(layer, training=True)
