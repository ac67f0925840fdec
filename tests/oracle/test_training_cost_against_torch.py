"""What a training step costs is what PyTorch counts, keeps and allocates.

Where PyTorch counts more than the mathematics needs, the terms of its FlopCounterMode lead there; where it keeps more,
the conventions of `tests.oracle.training_memory` do.
"""

from __future__ import annotations

from typing import Any

import pytest

import archcalc
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import DEFAULT_SETUP
from tests.oracle.training_memory import NETWORKS, computed, conventions, counted, network, tracked, unexplained

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CHOSEN = ("resnet18", "squeezenet1_0", "mobilenet_v2", "efficientnet_b0", "shufflenet_v2_x1_0", "vit_b_16")
UNGROUPED = ("resnet18", "squeezenet1_0", "vit_b_16")
"""Those in which every convolution has one group, so that PyTorch counts what the mathematics needs."""
BATCH = 2


def model_and_images(name: str) -> tuple[Any, Any]:
    pytest.importorskip("torch")
    try:
        return network(name, BATCH)
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")


@pytest.mark.parametrize("name", CHOSEN)
def test_the_backward_pass_has_the_operations_that_pytorch_counts(name: str) -> None:
    forward, backward = counted(*model_and_images(name))
    spec = archcalc.load(NETWORKS[name][0])
    counts = {each.quantity.name: each for each in spec.counters(["flop-counter-mode 2.13 meta"])}
    assert BATCH * counts["training_flops"].value == forward + backward
    cost = TrainingCost(spec.graph, DEFAULT_SETUP, batch=BATCH)
    assert BATCH * counts["training_flops"].start == cost.training_macs(cost.runs)
    if name in UNGROUPED:
        assert 2 * cost.backward_macs(cost.runs) == backward


@pytest.mark.parametrize("name", CHOSEN)
def test_a_training_step_has_the_bytes_that_pytorch_has(name: str) -> None:
    """Parameters, gradients, the state of Adam, what is kept, what there is at the loss, and at the worst moment."""
    found = tracked(*model_and_images(name))
    expected, cost = computed(NETWORKS[name][0], BATCH)
    assert unexplained(found, expected, conventions(cost)) == {}


CONVOLUTION = "conv 16 k3 p1"
TAIL = "conv 4 k3 p1 -> gap -> fc 2"
SMALL = {
    "residual": f"{CONVOLUTION} -> add(identity, {CONVOLUTION} -> relu -> {CONVOLUTION}) -> {TAIL}",
    "shortcut": f"{CONVOLUTION} -> add({CONVOLUTION}, {CONVOLUTION} -> relu -> {CONVOLUTION}) -> {TAIL}",
    "dense": f"{CONVOLUTION} -> concat(identity, {CONVOLUTION} -> relu) -> concat({CONVOLUTION}, identity) -> {TAIL}",
    "parts": f"{CONVOLUTION} -> concat(split 2 part=0, split 2 part=1 -> conv 8 k3 p1 -> relu) -> {TAIL}",
}
"""Networks whose worst moment is where gradients of several branches exist."""


def small(name: str) -> Any:
    """Return a network of `SMALL` in PyTorch."""
    import torch
    from torch import nn

    def convolution(read: int, channels: int) -> Any:
        return nn.Conv2d(read, channels, 3, padding=1)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            half, joined = 16 // (1 + (name == "parts")), 48 if name == "dense" else 16
            self.first, self.second = convolution(3, 16), convolution(half, half)
            self.third = convolution(32 if name == "dense" else 16, 16) if name != "parts" else nn.Identity()
            self.shortcut = convolution(16, 16) if name == "shortcut" else nn.Identity()
            self.last, self.fc, self.relu = convolution(joined, 4), nn.Linear(4, 2), nn.ReLU(inplace=True)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            if name == "dense":
                x = torch.cat([x, self.relu(self.second(x))], 1)
                x = torch.cat([self.third(x), x], 1)
            elif name == "parts":
                one, other = x.chunk(2, 1)
                x = torch.cat([one, self.relu(self.second(other))], 1)
            else:
                x = self.shortcut(x) + self.third(self.relu(self.second(x)))
            return self.fc(self.last(x).mean((2, 3)))

    with torch.device("meta"):
        return Net()


@pytest.mark.parametrize("name", SMALL)
def test_gradients_of_branches_are_in_memory_as_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    found = tracked(small(name), torch.randn(BATCH, 3, 16, 16, device="meta"))
    expected, cost = computed(f"3x16x16 -> {SMALL[name]}", BATCH)
    assert unexplained(found, expected, conventions(cost)) == {}
