"""The kernel of mixtures of experts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, kernel_of, storage
from archcalc.executor.kernels.counted import divide, exp, multiply, subtract, total
from archcalc.executor.kernels.dense import weighted_sums
from archcalc.ops.moe import MixtureOfExperts


@storage(MixtureOfExperts)
def experts_storage(op: MixtureOfExperts, inputs: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return the rows of the router, and those of the layers of all experts."""
    features = inputs[0][-1]
    shapes: dict[str, Sizes] = {"router": (op.experts, features), "up": (op.experts, op.hidden, features)}
    if op.gated:
        shapes["gate"] = shapes["up"]
    shapes["down"] = (op.experts, features, op.hidden)
    found: dict[str, Sizes] = {}
    for name, shape in shapes.items():
        found[name] = shape
        if op.bias:
            found[f"{name}_bias"] = shape[:-1]
    return found


@kernel(MixtureOfExperts)
def mixture(op: MixtureOfExperts, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Evaluate every expert on the tokens for which it was chosen."""
    (x,) = inputs
    rows = x.reshape(-1, x.shape[-1])
    chosen, shares = routed(op, rows, weights, context)
    mixed = np.empty((*chosen.shape, x.shape[-1]), x.dtype)
    for expert in range(op.experts):
        tokens, places = np.nonzero(chosen == expert)
        if len(tokens):
            mixed[tokens, places] = _evaluated(op, rows[tokens], expert, weights, context)
    multiply(context, mixed, shares[:, :, None], out=mixed)
    return (total(context, mixed, 1).reshape(x.shape),)


def routed(op: MixtureOfExperts, rows: Array, weights: Weights, context: Context) -> tuple[Array, Array]:
    """Return the experts that are chosen for every token, and their shares: the softmax of their scores."""
    logits = weighted_sums(rows, expert_layer(weights, "router"), context)
    chosen = np.argsort(-logits, axis=-1, kind="stable")[:, : op.top]
    context.count(cmp=sum(len(rows) * (op.experts - place - 1) for place in range(op.top)))  # one maximum after another
    shares = np.take_along_axis(logits, chosen, -1)
    subtract(context, shares, shares[:, :1].copy(), out=shares)
    exp(context, shares, out=shares)
    divide(context, shares, total(context, shares, -1), out=shares)
    return chosen, shares


def expert_layer(weights: Weights, name: str, place: int | slice = slice(None)) -> Weights:
    """Return the weight and bias of the router, or of a layer of one expert."""
    own = {"weight": weights[name][place]}
    if f"{name}_bias" in weights:
        own["bias"] = weights[f"{name}_bias"][place]
    return own


class HiddenLayer(NamedTuple):
    """The hidden layer of an expert for some tokens."""

    first: Array
    gate: Array | None
    numbers: Array
    """The product of the first layer with the activation of the gate, or without a gate, its activation."""


def hidden(op: MixtureOfExperts, rows: Array, expert: int, weights: Weights, context: Context) -> HiddenLayer:
    """Return the hidden layer of an expert for some tokens."""
    first = weighted_sums(rows, expert_layer(weights, "up", expert), context)
    if not op.gated:
        return HiddenLayer(first, None, kernel_of(op.activation)(op.activation, (first,), {}, context)[0])
    gate = weighted_sums(rows, expert_layer(weights, "gate", expert), context)
    (opened,) = kernel_of(op.activation)(op.activation, (gate,), {}, context)
    return HiddenLayer(first, gate, multiply(context, opened, first, out=opened))


def _evaluated(op: MixtureOfExperts, rows: Array, expert: int, weights: Weights, context: Context) -> Array:
    """Return the outputs of an expert for some tokens."""
    found = hidden(op, rows, expert, weights, context)
    return weighted_sums(found.numbers, expert_layer(weights, "down", expert), context)
