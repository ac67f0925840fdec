"""Formulas with names, written out in PyTorch: each is one layer, which computes what the formula does."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
import pytest

import archcalc

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

torch = pytest.importorskip("torch")


def rms_norm(x: Any, scale: Any, shift: Any) -> Any:
    return scale * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def layer_norm(x: Any, scale: Any, shift: Any) -> Any:
    mean = x.mean(-1, keepdim=True)
    return scale * (x - mean) / torch.sqrt((x - mean).pow(2).mean(-1, keepdim=True) + 1e-5) + shift


def attention(x: Any, scale: Any, shift: Any) -> Any:
    return ((x @ x.transpose(-2, -1)) / sqrt(8)).softmax(-1) @ x


FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "silu": lambda x, scale, shift: x * torch.sigmoid(x),
    "gelu": lambda x, scale, shift: x * 0.5 * (1.0 + torch.erf(x / sqrt(2.0))),
    "gelu tanh": lambda x, scale, shift: 0.5 * x * (1 + torch.tanh(sqrt(2 / pi) * (x + 0.044715 * torch.pow(x, 3)))),
    "rms_norm": rms_norm,
    "ln": layer_norm,
    "sdpa": attention,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_one_layer_with_the_same_result(name: str) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.rand(8) + 0.5)
            self.shift = torch.nn.Parameter(torch.rand(8))

        def forward(self, x: Any) -> Any:
            return FORMULAS[name](x, self.scale, self.shift)

    x, net = torch.randn(3, 5, 8), Net()
    network = archcalc.from_torch(net, x)
    assert [node.op.name for node in network.graph.nodes[1:]] == [name.split()[0]]
    with torch.no_grad():
        expected = net(x).numpy()
    np.testing.assert_allclose(network.run({"x": x.numpy()}).output, expected, rtol=1e-5, atol=1e-6)
