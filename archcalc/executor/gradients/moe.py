"""The gradient of mixtures of experts. The choice of the experts has none; their shares have."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient, gradient_of
from archcalc.executor.gradients.activation import softmax_gradient
from archcalc.executor.gradients.dense import weighted_sum_gradients
from archcalc.executor.gradients.gate import gate_gradients
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.kernels.dense import weighted_sums
from archcalc.executor.kernels.moe import HiddenLayer, expert_layer, hidden, routed
from archcalc.ops.moe import MixtureOfExperts


@gradient(MixtureOfExperts)
def mixture(op: MixtureOfExperts, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (of_input,), weights, context = layer.inputs, layer.needed, layer.weights, layer.context
    rows, g = (each.reshape(-1, each.shape[-1]) for each in (x, given[0]))
    anew = context.uncounted
    chosen, shares = routed(op, rows, weights, anew)
    arrays = {name: np.zeros(array.shape, array.dtype) for name, array in weights.items()}
    found, of_shares = np.zeros_like(rows), np.zeros_like(shares)

    def through(name: str, place: int | slice, some: Array, passed: Array, *, below: bool) -> Array | None:
        """Return the gradient of the input of a layer if it is needed, and add those of its arrays."""
        own = expert_layer(weights, name, place)
        of_input, stored = weighted_sum_gradients(some, passed, own, context, needed=(below, layer.trained))
        targets = expert_layer(arrays, name, place)
        for array, each in stored.items():
            targets[array] += each
        return of_input

    for expert in range(op.experts):
        tokens, places = np.nonzero(chosen == expert)
        if not len(tokens):
            continue
        some, passed = rows[tokens], g[tokens]
        inner = hidden(op, some, expert, weights, anew)
        outputs = weighted_sums(inner.numbers, expert_layer(weights, "down", expert), anew)
        of_shares[tokens, places] = (outputs * passed).sum(-1)
        below = through("down", expert, inner.numbers, passed * shares[tokens, places][:, None], below=True)
        assert below is not None
        for name, each in _of_hidden(op, layer, inner, below).items():
            of_rows = through(name, expert, some, each, below=of_input)
            if of_rows is not None:
                np.add.at(found, tokens, of_rows)
    scores = np.zeros((len(rows), op.experts), rows.dtype)
    np.put_along_axis(scores, chosen, softmax_gradient(shares, of_shares, -1), -1)
    of_rows = through("router", slice(None), rows, scores, below=of_input)
    return Gradients((None if of_rows is None else (found + of_rows).reshape(x.shape),), arrays)


def _of_hidden(op: MixtureOfExperts, layer: EvaluatedLayer, inner: HiddenLayer, g: Array) -> dict[str, Array]:
    """Return the gradients of the first layers of an expert, by name."""
    if inner.gate is not None:
        gate, first = gate_gradients(op.activation, inner.gate, inner.first, g, layer)
        return {"up": first, "gate": gate}
    point = EvaluatedLayer((inner.first,), (inner.numbers,), {}, layer.context, (True,))
    (found,) = gradient_of(op.activation)(op.activation, point, (g,)).inputs
    assert found is not None
    return {"up": found}
