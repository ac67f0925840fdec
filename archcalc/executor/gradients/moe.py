"""The gradient of mixtures of experts. The choice of the experts has none; their shares have."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import Evaluated, Gradients, gradient, gradient_of
from archcalc.executor.gradients.activation import through_softmax
from archcalc.executor.gradients.dense import of_weighted
from archcalc.executor.gradients.gate import through_gate
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.kernels.dense import weighted
from archcalc.executor.kernels.moe import Hidden, expert_layer, hidden, routed
from archcalc.ops.moe import MixtureOfExperts


@gradient(MixtureOfExperts)
def mixture(op: MixtureOfExperts, layer: Evaluated, given: Arrays) -> Gradients:
    (x,), weights, context = layer.inputs, layer.weights, layer.context
    rows, g = (each.reshape(-1, each.shape[-1]) for each in (x, given[0]))
    anew = context.uncounted
    chosen, shares = routed(op, rows, weights, anew)
    arrays = {name: np.zeros(array.shape, array.dtype) for name, array in weights.items()}
    found, of_shares = np.zeros_like(rows), np.zeros_like(shares)

    def through(name: str, place: int | slice, some: Array, passed: Array) -> Array:
        """Return the gradient of the input of a layer, and add those of its arrays."""
        below, stored = of_weighted(some, passed, expert_layer(weights, name, place), context)
        for own, target in expert_layer(arrays, name, place).items():
            target += stored[own]
        assert below is not None
        return below

    for expert in range(op.experts):
        tokens, places = np.nonzero(chosen == expert)
        if not len(tokens):
            continue
        some, passed = rows[tokens], g[tokens]
        inner = hidden(op, some, expert, weights, anew)
        outputs = weighted(inner.numbers, expert_layer(weights, "down", expert), anew)
        of_shares[tokens, places] = (outputs * passed).sum(-1)
        below = through("down", expert, inner.numbers, passed * shares[tokens, places][:, None])
        for name, each in _of_hidden(op, layer, inner, below).items():
            np.add.at(found, tokens, through(name, expert, some, each))
    scores = np.zeros((len(rows), op.experts), rows.dtype)
    np.put_along_axis(scores, chosen, through_softmax(shares, of_shares, -1), -1)
    found += through("router", slice(None), rows, scores)
    return Gradients((found.reshape(x.shape),), arrays)


def _of_hidden(op: MixtureOfExperts, layer: Evaluated, inner: Hidden, g: Array) -> dict[str, Array]:
    """Return the gradients of the first layers of an expert, by name."""
    if inner.gate is not None:
        gate, first = through_gate(op.activation, inner.gate, inner.first, g, layer)
        return {"up": first, "gate": gate}
    point = Evaluated((inner.first,), (inner.numbers,), {}, layer.context, (True,))
    (found,) = gradient_of(op.activation)(op.activation, point, (g,)).inputs
    assert found is not None
    return {"up": found}
