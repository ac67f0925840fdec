"""Stored tensors."""

from __future__ import annotations

from archcalc.writers.code.calls import Arg, Call, Code, width
from archcalc.writers.pytorch.registry import View, writes


def zeros(shape: tuple[int, ...]) -> Call:
    """Return a tensor that is the same for every example, with a batch of 1."""
    names = ["size"] * len(shape[1:]) + ["features"]
    sizes = [Arg("batch", 1, positional=True), *map(width, names, shape)]
    return Call("torch.zeros", tuple(sizes))


@writes("learned")
def write_learned(view: View) -> Code:
    call = Call("nn.Parameter", (Arg("data", zeros(view.output), positional=True),))
    return Code("$self", (("", call),))


@writes("constant")
def write_constant(view: View) -> Code:
    call = Call("nn.Buffer", (Arg("data", zeros(view.output), positional=True),))
    return Code("$self", (("", call),))
