"""What a training step costs is what PyTorch counts and keeps, on torchvision's networks.

Where PyTorch counts more than the mathematics needs, the terms of its FlopCounterMode lead there. On this device, masks
of dropout are floating-point numbers.
"""

from __future__ import annotations

from typing import Any

import pytest

import archcalc
from archcalc.analysis.formats import read_formats
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import TrainingSetup
from tests.oracle.torchvision_import import import_torchvision

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NETWORKS: dict[str, dict[str, Any]] = {
    "resnet18": {},
    "squeezenet1_0": {},
    "mobilenet_v2": {},
    "shufflenet_v2_x1_0": {},  # whose convolutions of half of the channels keep the other half
    "efficientnet_b0": {"stochastic_depth_prob": 0},  # whose random numbers, one per example and block, are kept
}
UNGROUPED = ("resnet18", "squeezenet1_0")
"""Those in which every convolution has one group, so that PyTorch counts what the mathematics needs."""
BATCH = 2
FLOAT32 = read_formats("float32")


def measured(name: str) -> tuple[int, int]:
    """Return the operations of a training step, and the bytes of the tensors that PyTorch keeps for it."""
    torch = pytest.importorskip("torch")
    try:
        import_torchvision()
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")
    from torch.autograd.graph import saved_tensors_hooks
    from torch.utils.flop_counter import FlopCounterMode
    from torchvision import models

    kept: dict[int, Any] = {}
    with torch.device("meta"):
        model, x = getattr(models, name)(**NETWORKS[name]).train(), torch.randn(BATCH, 3, 224, 224)
    stored = {each.untyped_storage()._cdata for each in (*model.parameters(), *model.buffers())}

    def keep(tensor: Any) -> Any:
        if tensor.untyped_storage()._cdata not in stored:
            kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with FlopCounterMode(display=False) as counter:
        with saved_tensors_hooks(keep, lambda tensor: tensor):
            y = model(x)
        y.sum().backward()
    return counter.get_total_flops(), sum(each.untyped_storage().nbytes() for each in kept.values())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_backward_pass_counts_and_keeps_what_pytorch_counts_and_keeps(name: str) -> None:
    flops, kept = measured(name)
    network = archcalc.load(name)
    counts = {each.quantity.name: each for each in network.counters(["flop-counter-mode 2.13 meta"])}
    counted = counts["training_flops"]
    assert BATCH * counted.value == flops
    graph = network.graph
    cost = TrainingCost(graph, TrainingSetup(in_place=True, as_pytorch=True), batch=BATCH)
    assert BATCH * counted.start == cost.training_macs(cost.runs)
    if name in UNGROUPED:
        assert 2 * cost.training_macs(cost.runs) == flops
    tensors = cost.kept(cost.runs).values()
    masks = sum(tensor.elements for tensor in tensors if tensor.width == 1)
    last = graph.nodes[-1]
    softmax = last.output[0] if last.op.name == "softmax" else 0  # which the loss of torchvision's networks includes
    assert cost.saved(cost.runs, FLOAT32) + BATCH * (3 * masks - 4 * softmax) == kept
