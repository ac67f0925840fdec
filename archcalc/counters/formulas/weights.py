"""Formulas that depend on the parameters of a layer."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archcalc.counters.formulas.common import Call, covered
from archcalc.counters.rules import CountedPart, Formula
from archcalc.counters.trace import ModuleCall


def _torchinfo(call: Call) -> Iterator[CountedPart]:
    assert isinstance(call, ModuleCall)
    shape = call.output.shape
    _, covers = covered(call)
    is_convolution = "Conv" in call.name
    per = "position of the output" if is_convolution else "example"
    for name, tensor in call.parameters.items():
        if name in ("weight", "bias"):
            times = prod(shape[:1] + shape[2:]) if is_convolution else shape[0]
        elif "weight" in name or "bias" in name:
            times = prod(shape[:2])
        else:
            continue
        is_bias = name == "bias" and any(each.macs for each in call.operations)
        what = "biases" if is_bias else call.name
        yield CountedPart(times * tensor.numel, f"parameters once per {per}", covers, what)
        covers = ()


TORCHINFO = Formula(
    "each parameter named weight or bias: its size times batch and positions of the output if the class name "
    "has 'Conv', else times the first axis of the output; if it only contains these words, times the first two axes",
    _torchinfo,
)
