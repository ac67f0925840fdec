"""Gated linear units by their definition."""

from __future__ import annotations

import math
from collections.abc import Callable

from archcalc.executor.loops.scalar import Scalar, Tally, erf, exp, tanh
from archcalc.executor.loops.tensor import Tensor, Tensors, along, definition, sizes
from archcalc.ops.gate import GeGlu, Glu, SwiGlu


@definition(Glu)
def glu(op: Glu, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return _halved(inputs[0], op.axis, lambda a, b: a * (1 / (1 + exp(-b))))


@definition(SwiGlu)
def swiglu(op: SwiGlu, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return _halved(inputs[0], op.axis, lambda a, b: a / (1 + exp(-a)) * b)


@definition(GeGlu)
def geglu(op: GeGlu, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    if op.form == "exact":
        return _halved(inputs[0], op.axis, lambda a, b: 0.5 * a * (1 + erf(a * math.sqrt(0.5))) * b)
    root = math.sqrt(2 / math.pi)
    return _halved(inputs[0], op.axis, lambda a, b: 0.5 * a * (1 + tanh(root * (a + 0.044715 * a * a * a))) * b)


def _halved(x: Tensor, axis: int, function: Callable[[Scalar, Scalar], Scalar]) -> Tensor:
    """Return a function of corresponding numbers of the two halves of an axis."""
    place = along(axis, x)
    half = sizes(x)[place] // 2
    return {
        index: function(a, x[(*index[:place], index[place] + half, *index[place + 1 :])])
        for index, a in x.items()
        if index[place] < half
    }
