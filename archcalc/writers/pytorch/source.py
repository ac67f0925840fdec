"""Stored tensors."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, width
from archcalc.writers.pytorch.registry import PyTorchContext, writes


def zeros(shape: tuple[int, ...]) -> CallExpression:
    """Return a tensor that is the same for every example, with a batch of 1."""
    names = ["size"] * len(shape[1:]) + ["features"]
    sizes = [CallArgument("batch", 1, positional=True), *map(width, names, shape)]
    return CallExpression("torch.zeros", tuple(sizes))


@writes("learned")
def write_learned(context: PyTorchContext) -> LayerCode:
    call = CallExpression("nn.Parameter", (CallArgument("data", zeros(context.output), positional=True),))
    return LayerCode("$self", (("", call),))


@writes("constant")
def write_constant(context: PyTorchContext) -> LayerCode:
    call = CallExpression("nn.Buffer", (CallArgument("data", zeros(context.output), positional=True),))
    return LayerCode("$self", (("", call),))
