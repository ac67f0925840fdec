"""Kernels of fully connected layers, radial basis functions and embeddings."""

from __future__ import annotations

from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.conv import weighted_sum_shapes
from archcalc.executor.kernels.counted import add
from archcalc.executor.kernels.weight_norm import with_weight_norm
from archcalc.ops.dense import Embedding, FullyConnected, Linear, RadialBasis

Op = FullyConnected | Linear


@storage(FullyConnected)
def fc_storage(op: FullyConnected, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight``, with a row per feature and a column per number of the flattened input, and ``bias``."""
    return _rows(op, prod(inputs[0]))


@storage(Linear)
def linear_storage(op: Linear, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight``, with a row per feature and a column per position of the axis, and ``bias``."""
    return _rows(op, inputs[0][0 if op.axis == "channels" else -1])


def _rows(op: Op, length: int) -> dict[str, Sizes]:
    return weighted_sum_shapes(op, op.features, weight=(op.features, length))


@kernel(FullyConnected)
@with_weight_norm
def fc(op: FullyConnected, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Multiply the flattened input by the weight."""
    (x,) = inputs
    return (weighted_sums(x.reshape(len(x), -1), weights, context),)


@kernel(Linear)
@with_weight_norm
def linear(op: Linear, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Multiply one axis by the weight, at every position of the others."""
    axis = 1 if op.axis == "channels" else -1
    x = np.moveaxis(inputs[0], axis, -1)
    y = weighted_sums(x.reshape(-1, x.shape[-1]), weights, context).reshape(*x.shape[:-1], -1)
    return (np.ascontiguousarray(np.moveaxis(y, -1, axis)),)


def weighted_sums(rows: Array, weights: Weights, context: Context) -> Array:
    """Return the features of rows of inputs: their product with the weight, plus the bias."""
    y: Array = rows @ weights["weight"].T
    products = y.size * rows.shape[1]
    context.count(mul=products, add=products - y.size, macs=products)
    return add(context, y, weights["bias"], out=y) if "bias" in weights else y


@storage(RadialBasis)
def rbf_storage(op: RadialBasis, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``centre``, with a row per feature."""
    return {"centre": (op.features, prod(inputs[0]))}


@kernel(RadialBasis)
def rbf(op: RadialBasis, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Compute squared distances from the centres, one by one, so that not all differences are stored at once."""
    x, centres = inputs[0].reshape(len(inputs[0]), -1), weights["centre"]
    y = np.empty((len(x), len(centres)), x.dtype)
    for unit, centre in enumerate(centres):
        difference = np.subtract(x, centre, out=context.scratch("differences", x.shape, x.dtype))
        np.einsum("ij,ij->i", difference, difference, out=y[:, unit])
        pairs = difference.size
        context.count(mul=pairs, add=2 * pairs - len(x))
    return (y,)


@storage(Embedding)
def embedding_storage(op: Embedding, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``weight``, with a vector per entry of the vocabulary."""
    return {"weight": (op.vocabulary, op.dim)}


@kernel(Embedding)
def embedding(op: Embedding, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Return the vector of the nearest existing entry; NaN gives NaN."""
    x, vectors = inputs[0], weights["weight"]
    known = np.nan_to_num(x, nan=0.0)
    y = vectors[np.clip(np.rint(known), 0, len(vectors) - 1).astype(np.intp)]
    y[np.isnan(x)] = np.nan
    return (y,)
