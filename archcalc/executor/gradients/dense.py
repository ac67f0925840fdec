"""Gradients of fully connected layers, radial basis functions and embeddings."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.weight_norm import through_weight_norm
from archcalc.executor.kernel import Array, Arrays, Context, Weights
from archcalc.executor.kernels.product import matrix_products
from archcalc.executor.kernels.selection import places
from archcalc.ops.dense import Embedding, FullyConnected, Linear, RadialBasis


@gradient(FullyConnected)
@through_weight_norm
def fc(op: FullyConnected, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,) = layer.inputs, given
    found, arrays = weighted_sum_gradients(
        x.reshape(len(x), -1), g, layer.weights, layer.context, needed=needed_gradients(layer)
    )
    return Gradients((None if found is None else found.reshape(x.shape),), arrays)


@gradient(Linear)
@through_weight_norm
def linear(op: Linear, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    axis = 1 if op.axis == "channels" else -1
    x, g = (np.moveaxis(each, axis, -1) for each in (layer.inputs[0], given[0]))
    found, arrays = weighted_sum_gradients(
        _rows(x), _rows(g), layer.weights, layer.context, needed=needed_gradients(layer)
    )
    return Gradients((None if found is None else np.moveaxis(found.reshape(x.shape), -1, axis),), arrays)


NeededGradients: TypeAlias = tuple[bool, bool]
"""Whether the gradient of the (first) input is needed, and whether those of the stored arrays are."""


def needed_gradients(layer: EvaluatedLayer) -> NeededGradients:
    """Return which gradients of a layer with one input are needed."""
    return layer.needed[0], layer.trained


def _rows(x: Array) -> Array:
    """Return a tensor as a matrix: a row of features for every position."""
    return x.reshape(-1, x.shape[-1])


def weighted_sum_gradients(
    rows: Array, g: Array, weights: Weights, context: Context, *, needed: NeededGradients = (True, True)
) -> tuple[Array | None, dict[str, Array]]:
    """Return the gradients of y = x·Wᵀ + b: ∂L/∂x = g·W, ∂L/∂W = gᵀ·x and ∂L/∂b = Σ g, for rows x and g = ∂L/∂y."""
    of_rows, of_arrays = needed
    arrays = {"weight": matrix_products(g.T, rows, context)} if of_arrays else {}
    if "bias" in weights and of_arrays:
        arrays["bias"] = g.sum(0)
    return matrix_products(g, weights["weight"], context) if of_rows else None, arrays


@gradient(RadialBasis)
def rbf(op: RadialBasis, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Compute ∂L/∂x = 2 Σ g·(x − c) over the centres for Σ (x − c)², and ∂L/∂c likewise over the examples."""
    (x,), (g,), centres = layer.inputs, given, layer.weights["centre"]
    rows = x.reshape(len(x), -1)
    found = 2 * (rows * g.sum(1, keepdims=True) - g @ centres)
    arrays = {"centre": 2 * (centres * g.sum(0)[:, None] - g.T @ rows)}
    return Gradients((found.reshape(x.shape),), arrays if op.trainable else {})


@gradient(Embedding)
def embedding(op: Embedding, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Add the gradients of all positions at which an entry occurs."""
    found = np.zeros_like(layer.weights["weight"])
    np.add.at(found, places(layer.inputs[0], len(found)), given[0])
    return Gradients((None,), {"weight": found})
