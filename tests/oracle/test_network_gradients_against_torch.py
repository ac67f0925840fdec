"""The gradients of whole networks against PyTorch's autograd; all networks: ``python -m benchmarks.gradients``."""

from __future__ import annotations

import pytest

from benchmarks.gradients import TOLERANCE, compared, module_of

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(("name", "training"), [("shufflenet_v2_x0_5", False), ("squeezenet1_1", False)])
def test_the_gradients_of_all_parameters_agree_with_autograd(name: str, *, training: bool) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    image = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    found = compared(module_of(name), image, training=training)
    assert found.numbers == found.parameters
    assert found.difference < TOLERANCE
