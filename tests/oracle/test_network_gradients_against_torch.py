"""The gradients of whole networks against PyTorch's autograd; all networks: ``python -m benchmarks.gradients``."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from benchmarks.gradients import TOLERANCE, compared, module_of

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def cancelled_shifts(module: Any) -> set[str]:
    """Return the shifts of batch norms that the next batch norm subtracts again with the mean of the batch.

    Between the two is only a convolution with a 1×1 kernel, which maps a constant to a constant.
    """
    from torch import nn

    found = set()
    for name, block in module.named_modules():
        if isinstance(block, nn.Sequential):
            layers = [*block.named_children()]
            for ((own, first), (_, between)), (_, (_, last)) in pairwise(pairwise(layers)):
                kernel = between.kernel_size if isinstance(between, nn.Conv2d) else None
                if isinstance(first, nn.BatchNorm2d) and kernel == (1, 1) and isinstance(last, nn.BatchNorm2d):
                    found.add(f"{name}.{own}.bias")
    return found


@pytest.mark.parametrize(("name", "training"), [("shufflenet_v2_x0_5", True), ("squeezenet1_1", False)])
def test_the_gradients_of_all_parameters_agree_with_autograd(name: str, *, training: bool) -> None:
    torch = pytest.importorskip("torch")
    try:
        module = module_of(name)
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")
    found = compared(module, torch.randn(4, 3, 32, 32, dtype=torch.float64), training=training)
    assert found.numbers == found.parameters
    assert found.difference < TOLERANCE
    assert set(found.zero) == (cancelled_shifts(module) if training else set())
