"""Sources by their definition."""

from __future__ import annotations

from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.tensor import Tensor, Tensors, definition
from archcalc.ops.source import Constant, Learned


@definition(Learned, Constant)
def source(op: Learned | Constant, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return weights[op.array_name]
