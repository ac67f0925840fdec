"""Kernels of sources: one stored tensor for all examples, or random numbers for each."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.random import draw
from archcalc.ops.source import Constant, Learned, Random


@storage(Learned, Constant)
def stored_tensor(op: Learned | Constant, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return {op.array_name: op.shape}


@kernel(Learned, Constant)
def source(op: Learned | Constant, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Return a view of the stored tensor, which every example reads."""
    return (np.broadcast_to(weights[op.array_name], (context.batch, *op.shape)),)


@kernel(Random)
def random(op: Random, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return (draw(op, context.batch, context.seed, context.dtype),)
