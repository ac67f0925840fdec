"""The gradient of weight normalisation, from that of the weights that a layer computes with."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, GradientFunction, Gradients
from archcalc.executor.kernel import Array, Arrays, Sizes
from archcalc.executor.kernels.weight_norm import connected, merged
from archcalc.ops.base import Operator


def through_weight_norm(function: GradientFunction) -> GradientFunction:
    """Return the gradient of a layer of weighted sums that computes its weights first, if it has weight norm."""

    @wraps(function)
    def apply(op: Operator, layer: EvaluatedLayer, given: Arrays) -> Gradients:
        if "gain" not in layer.weights:
            return function(op, layer, given)
        shape = layer.inputs[0].shape[1:]
        found = function(op, replace(layer, weights=merged(op, layer.weights, shape)), given)
        if not layer.trained:
            return Gradients(found.inputs)
        return Gradients(found.inputs, {**found.weights, **_through(op, layer, shape, found)})

    return apply


def _through(op: Operator, layer: EvaluatedLayer, shape: Sizes, found: Gradients) -> dict[str, Array]:
    """Return the gradients of the stored weights v and of the gains q, for weights w = q·v/‖v‖ per output channel.

    They are ∂L/∂q = Σ g·v/‖v‖ and ∂L/∂v = q/‖v‖·(g − v·(Σ g·v)/‖v‖²) for g = ∂L/∂w (Salimans and Kingma 2016).
    """
    sums = op.sums(shape)
    assert sums is not None  # it is a layer of weighted sums
    layout = sums.kernels[-1]
    stored, gain = layer.weights[layout.array], layer.weights["gain"]
    rows, _, outputs = connected(layout, stored)
    g = found.weights[layout.array].reshape(rows.shape)
    owners = np.broadcast_to(outputs, rows.shape[:-1])

    def per_output(numbers: Array) -> Array:
        totals = np.zeros(len(gain), stored.dtype)
        np.add.at(totals, owners, numbers.sum(-1))
        return totals

    squares, along = per_output(rows * rows), per_output(g * rows)
    factor, share = (each[owners][..., None] for each in (gain / np.sqrt(squares), along / squares))
    return {layout.array: (factor * (g - rows * share)).reshape(stored.shape), "gain": along / np.sqrt(squares)}
