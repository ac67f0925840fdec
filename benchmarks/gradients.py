"""The gradients of networks of torchvision, compared with PyTorch's autograd in double precision.

Every network is exported from PyTorch with random parameters, and read as a module. The loss is the sum of the output
times random numbers, so that every number of the output matters. The gradients of all parameters are compared number by
number: as all parameters differ, a number of a stored array is that of PyTorch with the same value, in whatever
arrangement either keeps it. Prints the largest difference relative to the largest gradient of the same array, and how
many arrays have a gradient of 0.

    python -m benchmarks.gradients [--train] [--batch N] [NETWORK …]

Needs PyTorch and torchvision. In training mode, batch norms use the statistics of the batch; neither
numbers nor layers are dropped.
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
TOLERANCE = 1e-9
"""Differences are below 1e-13 at inference. In training on 4 images of 32×32, the last maps have one position, and the
statistics of 4 numbers multiply rounding errors: if the last bit of the input changes, PyTorch's own gradients of
shufflenet_v2_x0_5 and regnet_y_400mf change by 1e-11 and 6e-11."""
ZERO = 1e-12
"""A gradient is 0 but for rounding if both sides are below this share of the largest gradient of the same layer.

A batch norm in training subtracts the mean of the batch, so that a number added to a channel before it does not change
the output. The gradient of such a number is a sum of terms that cancel: what is left of it on either side is rounding
error, and the ratio of the two means nothing. Gradients before a ReLU that passes nothing are exactly 0."""


class GradientComparison(NamedTuple):
    """The gradients of a network on both sides."""

    arrays: int
    """The stored arrays that have a gradient."""
    numbers: int
    """The numbers in them that are parameters of PyTorch."""
    parameters: int
    """The parameters of PyTorch."""
    difference: float
    """The largest difference, relative to the largest gradient of the same array, except those in ``zero``."""
    zero: tuple[str, ...]
    """The parameters whose gradients are 0 on both sides, but for rounding, by PyTorch's names."""


def module_of(name: str) -> Any:
    """Return a network of torchvision in double precision, in which no two parameters are equal."""
    import_torchvision()
    import torch
    from torchvision import models
    from torchvision.ops import StochasticDepth

    settings = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    torch.manual_seed(0)
    module = models.get_model(name, weights=None, **settings).double().eval()
    for each in module.modules():
        if isinstance(each, torch.nn.Dropout | StochasticDepth):
            each.p = 0.0
    for tensor in module.parameters():
        tensor.data += 0.01 * torch.randn_like(tensor)
    return module


def use_exact_hard_sigmoids(module: Any) -> None:
    """Let autograd differentiate hard sigmoids by their definition.

    PyTorch's own derivative of ``Hardsigmoid`` is 1/6 in single precision, also for numbers in double precision.
    """
    from torch import nn

    for each in module.modules():
        if isinstance(each, nn.Hardsigmoid):
            each.forward = lambda x: nn.functional.relu6(x + 3) / 6


def compared(module: Any, image: Any, *, training: bool) -> GradientComparison:
    """Return the comparison of the gradients of a module."""
    import torch

    import archcalc
    from archcalc.executor.backward import gradients
    from archcalc.executor.losses import Loss, weighted_loss
    from archcalc.executor.paths import Paths

    network = archcalc.from_torch(module, image)
    graph, stored = network.graph, network.arrays("float64")
    assert stored is not None
    use_exact_hard_sigmoids(module)
    output = module.train(training)(image)
    upstream = torch.randn_like(output)
    (output * upstream).sum().backward()
    (name,), (read,) = graph.outputs, graph.inputs
    names = [each for each in Paths.derivable(graph, [name], training=training) if each != read]
    loss = Loss({name: weighted_loss(upstream.numpy())})
    found = gradients(graph, {read: image.numpy()}, stored, loss, names, training=training).gradients
    theirs = {each: p for each, p in module.named_parameters() if p.grad is not None}
    values = np.concatenate([each.detach().numpy().ravel() for each in theirs.values()])
    grads = np.concatenate([each.grad.numpy().ravel() for each in theirs.values()])
    of = np.repeat(np.arange(len(theirs)), [each.numel() for each in theirs.values()])
    order = np.argsort(values)
    values, grads, of = values[order], grads[order], of[order]
    assert (np.diff(values) > 0).all(), "two parameters are equal"
    largest = dict[str, float]()
    for each, ours in found.items():
        layer = each.rpartition(".")[0]
        largest[layer] = max(largest.get(layer, 0), float(np.abs(ours).max()))
    numbers, difference, zero = 0, 0.0, list[str]()
    for each, ours in found.items():
        own = stored[each].ravel()
        places = np.minimum(np.searchsorted(values, own), len(values) - 1)
        same = values[places] == own
        numbers += int(same.sum())
        if not same.any():
            continue
        expected, got = grads[places[same]], ours.ravel()[same]
        if max(np.abs(expected).max(), np.abs(got).max()) <= ZERO * largest[each.rpartition(".")[0]]:
            zero += [[*theirs][index] for index in np.unique(of[places[same]])]
        else:
            difference = max(difference, float(np.abs(got - expected).max() / np.abs(expected).max()))
    return GradientComparison(len(names), numbers, len(values), difference, tuple(zero))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--batch", type=int, default=2)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch

    failed = False
    print(f"{'network':20} {'arrays':>6} {'numbers':>11} {'parameters':>11} {'difference':>10} {'zero':>4}")
    for name in chosen.networks:
        side = NETWORKS.get(name, 64)
        module = module_of(name)  # its seed is that of the image, too
        image = torch.randn(chosen.batch, 3, side, side, dtype=torch.float64)
        found = compared(module, image, training=chosen.train)
        failed |= found.difference > TOLERANCE or found.numbers != found.parameters
        print(
            f"{name:20} {found.arrays:6,} {found.numbers:11,} {found.parameters:11,} {found.difference:10.1e} "
            f"{len(found.zero):4}",
            flush=True,
        )
    if failed:
        raise SystemExit(f"a difference is larger than {TOLERANCE:g}, or parameters were not found")


if __name__ == "__main__":
    main()
