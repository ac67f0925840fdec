"""The numbers of layers that are random at inference, which kernels and loops take as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from archcalc.graph import Graph


def draw(op: Any, batch: int, seed: Sequence[int], dtype: DTypeLike) -> NDArray[np.floating]:
    """Return random numbers, batch in front.

    Args:
        op: the operator of the layer, a `Random`.
        batch: the number of examples.
        seed: what determines the numbers of a layer that has no seed; see `seed_of`. One with a seed has the numbers of
            ONNX's reference implementation, which uses NumPy's older generator.
        dtype: their number format.
    """
    sizes, is_uniform = (batch, *op.shape), op.distribution == "uniform"
    if op.seed is not None:
        fixed = np.random.RandomState(int(op.seed))
        return (fixed.random_sample(sizes) if is_uniform else fixed.standard_normal(sizes)).astype(dtype)
    generator, form = np.random.default_rng([*seed]), np.float64 if np.dtype(dtype) == np.float64 else np.float32
    return generator.random(sizes, form) if is_uniform else generator.standard_normal(sizes, form)


def seed_of(graph: Graph, index: int, seed: int) -> tuple[int, ...]:
    """Return what determines the random numbers of a layer: the seed of the run, and its index.

    A layer that is random at inference is counted among its kind, so that it has the same numbers after folding.
    """
    if not graph.nodes[index].op.is_random:
        return seed, index
    return seed, sum(node.op.is_random for node in graph.nodes[:index]), 1
