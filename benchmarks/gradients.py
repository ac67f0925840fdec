"""The gradients of networks of torchvision, compared with PyTorch's autograd in double precision.

Every network is exported from PyTorch with random parameters, and read as a module. The loss is the sum of the output
times random numbers, so that every number of the output matters. The gradients of all parameters are compared number by
number: as all parameters differ, a number of a stored array is that of PyTorch with the same value, in whatever
arrangement either keeps it. Prints the largest difference relative to the largest gradient of the same array.

    python -m benchmarks.gradients [--train] [--batch N] [NETWORK …]

Needs PyTorch and torchvision. In training mode, batch norms use the statistics of the batch, and dropout is left out.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any, NamedTuple

import numpy as np

from tests.oracle.torchvision_import import import_torchvision

NETWORKS = {
    "alexnet": 64,
    "convnext_tiny": 32,
    "densenet121": 32,
    "efficientnet_b0": 32,
    "googlenet": 32,
    "mobilenet_v3_small": 32,
    "regnet_y_400mf": 32,
    "resnet18": 32,
    "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32,
    "swin_t": 64,
}
"""The networks, with the height and width of their inputs."""
TOLERANCE = 1e-7
"""PyTorch rounds some constants (the 1/6 of hard swish) to single precision; otherwise differences are near 1e-15."""


NOISE = 1e-6
"""Gradients below this share of the largest one of a network are taken as large as that: those of a shift before
another batch norm are 0 in training, but for rounding."""


class Compared(NamedTuple):
    """The gradients of a network on both sides."""

    arrays: int
    """The stored arrays that have a gradient."""
    numbers: int
    """The numbers in them that are parameters of PyTorch."""
    parameters: int
    """The parameters of PyTorch."""
    difference: float
    """The largest difference, relative to the largest gradient of the same array."""


def module_of(name: str) -> Any:
    """Return a network of torchvision in double precision, in which no two parameters are equal."""
    import_torchvision()
    import torch
    from torchvision import models

    settings = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    torch.manual_seed(0)
    module = models.get_model(name, weights=None, **settings).double().eval()
    for each in module.modules():
        if isinstance(each, torch.nn.Dropout):
            each.p = 0.0
    for tensor in module.parameters():
        tensor.data += 0.01 * torch.randn_like(tensor)
    return module


def compared(module: Any, image: Any, *, training: bool) -> Compared:
    """Return the comparison of the gradients of a module."""
    import torch

    import archcalc
    from archcalc.executor.backward import gradients
    from archcalc.executor.losses import Loss, weighted
    from archcalc.executor.paths import Paths

    network = archcalc.from_torch(module, image)
    graph, stored = network.graph, network.arrays("float64")
    assert stored is not None
    output = module.train(training)(image)
    upstream = torch.randn_like(output)
    (output * upstream).sum().backward()
    (name,), (read,) = graph.outputs, graph.inputs
    names = [each for each in Paths.derivable(graph, [name], training=training) if each != read]
    loss = Loss({name: weighted(upstream.numpy())})
    found = gradients(graph, {read: image.numpy()}, stored, loss, names, training=training)
    theirs = [each for each in module.parameters() if each.grad is not None]
    values = np.concatenate([each.detach().numpy().ravel() for each in theirs])
    grads = np.concatenate([each.grad.numpy().ravel() for each in theirs])
    order = np.argsort(values)
    values, grads = values[order], grads[order]
    assert (np.diff(values) > 0).all(), "two parameters are equal"
    numbers, difference, least = 0, 0.0, NOISE * np.abs(grads).max()
    for each, ours in found.gradients.items():
        own = stored[each].ravel()
        places = np.minimum(np.searchsorted(values, own), len(values) - 1)
        same = values[places] == own
        numbers += int(same.sum())
        if same.any():
            off = np.abs(ours.ravel()[same] - grads[places[same]]).max()
            difference = max(difference, float(off / max(np.abs(grads[places[same]]).max(), least)))
    return Compared(len(names), numbers, len(values), difference)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--batch", type=int, default=2)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch

    failed = False
    print(f"{'network':20} {'arrays':>6} {'numbers':>11} {'parameters':>11} {'difference':>10}")
    for name in chosen.networks:
        side = NETWORKS.get(name, 64)
        image = torch.randn(chosen.batch, 3, side, side, dtype=torch.float64)
        found = compared(module_of(name), image, training=chosen.train)
        failed |= found.difference > TOLERANCE or found.numbers != found.parameters
        print(
            f"{name:20} {found.arrays:6,} {found.numbers:11,} {found.parameters:11,} {found.difference:10.1e}",
            flush=True,
        )
    if failed:
        raise SystemExit(f"a difference is larger than {TOLERANCE:g}, or parameters were not found")


if __name__ == "__main__":
    main()
