"""torchvision's networks: parameters and multiply-accumulates are those of PyTorch, to the last digit.

The tests build one network of each family. All of them are compared by ``python -m tests.oracle.test_torchvision``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.oracle.torchvision_import import import_torchvision
from tests.specs.torchvision import PublishedNetwork, load, published

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FAMILIES = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3"),
    *("maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18"),
    *("resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0", "squeezenet1_1", "swin_t", "swin_v2_t"),
    *("vgg11_bn", "vit_b_16", "wide_resnet50_2", "deeplabv3_mobilenet_v3_large", "fcn_resnet50"),
    *("lraspp_mobilenet_v3_large", "mc3_18", "mvit_v1_b", "mvit_v2_s", "r2plus1d_18", "s3d", "swin3d_t"),
)

META = "meta"
"""PyTorch's device whose tensors have a shape but no memory."""


@cache
def models() -> Any:
    """Return torchvision's models, made so that all of them can be built on the meta device."""
    pytest.importorskip("torch")
    try:
        import_torchvision()
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")
    import torch
    from torchvision import models
    from torchvision.models.regnet import BlockParams

    compute = BlockParams.from_init_params.__func__

    def with_numbers(cls: Any, **settings: Any) -> Any:
        with torch.device("cpu"):  # the widths are computed with tensors
            return compute(cls, **settings)

    BlockParams.from_init_params = classmethod(with_numbers)
    return models


def counted(network: PublishedNetwork, frames: int) -> tuple[int, int]:
    """Return the parameters of a network of torchvision, and half of the operations that PyTorch counts."""
    found = models()
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    settings: dict[str, Any] = {}
    if network.model.startswith("vit"):
        settings["image_size"] = network.height
    if network.model in ("googlenet", "inception_v3"):
        settings |= {"init_weights": False, "aux_logits": network.heads_in_params}
    if network.task == "segmentation":
        settings |= {"weights_backbone": None} | ({} if network.model.startswith("lraspp") else {"aux_loss": True})
    example = (1, 3, *((frames,) if frames else ()), network.height, network.width)
    with torch.device(META):
        model = found.get_model(network.model, weights=None, **settings).eval()
        image = torch.empty(example)
    with FlopCounterMode(display=False) as operations, torch.no_grad():
        model(image)
    return sum(weight.numel() for weight in model.parameters()), operations.get_total_flops() // 2


def analyzed(network: PublishedNetwork) -> tuple[int, int, int]:
    """Return the same figures of the bundled spec, and the frames of a clip (0 for an image)."""
    spec = load(network.model, network.height, network.width)
    alone, training = spec.analyze().totals, spec.analyze(training=True).totals
    (shape,) = spec.graph.inputs.values()
    return (
        (training if network.heads_in_params else alone).trainable,
        (training if network.heads_in_macs else alone).macs,
        shape[1] if len(shape) > 3 else 0,
    )


@pytest.mark.parametrize("model", FAMILIES)
def test_parameters_and_macs_are_those_of_pytorch(model: str) -> None:
    network = next(row for row in published() if row.model == model)
    params, macs, frames = analyzed(network)
    assert (params, macs) == counted(network, frames)


def main() -> None:
    """Print the figures of all networks of torchvision, and whether they are PyTorch's."""
    print(f"{'network':30} {'size':>7} {'parameters':>12} {'MACs':>19} equal")
    for network in published():
        params, macs, frames = analyzed(network)
        equal = (params, macs) == counted(network, frames)
        size = f"{network.height}x{network.width}"
        print(f"{network.model:30} {size:>7} {params:12,} {macs:19,} {'yes' if equal else 'NO'}", flush=True)


if __name__ == "__main__":
    main()
