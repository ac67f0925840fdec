"""Sources by their definition."""

from __future__ import annotations

import numpy as np

from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.tensor import Tensor, Tensors, counting, definition
from archcalc.executor.random import draw
from archcalc.ops.source import Constant, Learned, Random


@definition(Learned, Constant)
def source(op: Learned | Constant, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return weights[op.array_name]


@definition(Random)
def random(op: Random, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Return the numbers that the seed of the layer determines; in a network, those of others are drawn by the run."""
    return counting(draw(op, 1, (), np.float64)[0], tally)
