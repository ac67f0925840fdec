"""Gradients of selections by index and by size."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.structure import rearrangement_gradient
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.kernels.selection import targets
from archcalc.ops.selection import Gather, Scatter, Take, TopK

gradient(Take, Gather)(rearrangement_gradient)


@gradient(Scatter)
def scatter(op: Scatter, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Pass the gradient to what was not replaced, to all terms or factors, or in equal parts to the extremes."""
    (x, indices, values), (g,) = layer.inputs, given
    at = targets(op, indices, values, g.shape[op.axis % (g.ndim - 1) + 1])
    if op.how == "sum":
        return Gradients((g, None, g[at]))
    if op.how == "replace":
        last = np.zeros(g.shape, np.intp)  # the value that counts, numbered from 1
        last[at] = np.arange(1, values.size + 1).reshape(values.shape)
        counts = last[at] == np.arange(1, values.size + 1).reshape(values.shape)
        return Gradients((np.where(last > 0, 0, g), None, np.where(counts, g[at], 0)))
    if op.how == "prod":
        return Gradients(_of_factors(x, values, at, g))
    y = layer.outputs[0]
    is_first, is_other = x == y, values == y[at]
    count = is_first.astype(g.dtype)
    np.add.at(count, at, is_other.astype(g.dtype))
    share = g / count
    return Gradients((share * is_first, None, share[at] * is_other))


def _of_factors(x: Array, values: Array, at: tuple[Array, ...], g: Array) -> tuple[Array | None, ...]:
    """Return the gradients of factors: the product of the others, of which one more zero may be a factor."""
    zeros, others = (x == 0).astype(np.intp), np.where(x == 0, 1, x)
    np.add.at(zeros, at, (values == 0).astype(np.intp))
    np.multiply.at(others, at, np.where(values == 0, 1, values))

    def of(factor: Array, count: Array, product: Array, above: Array) -> Array:
        is_zero = factor == 0
        rest = product / np.where(is_zero, 1, factor)
        return np.where(count > is_zero, 0, rest * above)

    return of(x, zeros, others, g), None, of(values, zeros[at], others[at], g[at])


@gradient(TopK)
def top(op: TopK, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (_, order) = layer.inputs, layer.outputs
    found = np.zeros_like(x)
    np.put_along_axis(found, order.astype(np.intp), given[0], op.axis % (x.ndim - 1) + 1)
    return Gradients((found,))
