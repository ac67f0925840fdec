"""Gradients of joins: every input has that of the output, times what it is multiplied by."""

from __future__ import annotations

from math import prod

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.kernel import Array, Arrays, Sizes
from archcalc.executor.kernels.joins import aligned, joined
from archcalc.ops.joins import Add, Concat, Div, Max, Min, Mul, Sub, Where


def sum_to_shape(g: Array, shape: Sizes) -> Array:
    """Return the gradient of an array of a shape that was broadcast: the sum over all of its copies.

    The array may have fewer axes; those at the end then have size 1 (`archcalc.executor.kernels.joins.aligned`).
    """
    own = (*shape, *(1,) * (g.ndim - len(shape)))
    axes = tuple(axis for axis, n in enumerate(own) if n == 1 and g.shape[axis] > 1)
    return (g.sum(axes) if axes else g).reshape(shape)


@gradient(Add)
def add(op: Add, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    return Gradients(tuple([sum_to_shape(given[0], x.shape) for x in layer.inputs]))


@gradient(Sub)
def sub(op: Sub, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    first, *others = [sum_to_shape(given[0], x.shape) for x in layer.inputs]
    return Gradients((first, *(-each for each in others)))


@gradient(Mul)
def mul(op: Mul, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    each = aligned(layer.inputs)
    products = [prod((*each[:place], *each[place + 1 :]), start=given[0]) for place in range(len(each))]
    return Gradients(tuple([sum_to_shape(g, x.shape) for g, x in zip(products, layer.inputs, strict=True)]))


@gradient(Div)
def div(op: Div, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Compute ∂L/∂x₀ = g/(x₁·x₂ …) for y = x₀/(x₁·x₂ …), and −g·y/xᵢ for the others."""
    (y,), (g,) = layer.outputs, given
    _, *divisors = aligned(layer.inputs)
    found = [g]
    for each in divisors:
        found[0] = found[0] / each
    found += [-g * y / each for each in divisors]
    return Gradients(tuple([sum_to_shape(each, x.shape) for each, x in zip(found, layer.inputs, strict=True)]))


@gradient(Max, Min)
def extreme(op: Max | Min, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Pass the gradient to the input that is the result, in equal parts if several are."""
    chosen = [each == layer.outputs[0] for each in aligned(layer.inputs)]
    count = sum(each.astype(given[0].dtype) for each in chosen)
    share = given[0] / count
    return Gradients(tuple([sum_to_shape(each * share, x.shape) for each, x in zip(chosen, layer.inputs, strict=True)]))


@gradient(Where)
def where(op: Where, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    condition = aligned(layer.inputs)[0] > 0
    _, one, other = layer.inputs
    first, second = np.where(condition, given[0], 0), np.where(condition, 0, given[0])
    return Gradients((None, sum_to_shape(first, one.shape), sum_to_shape(second, other.shape)))


@gradient(Concat)
def concat(op: Concat, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Cut the gradient into the parts of the inputs; what was cropped has none."""
    axis, parts = joined(op, layer.inputs)
    cuts = np.split(given[0], np.cumsum([part.shape[axis] for part in parts])[:-1], axis)
    if op.crop != "smallest":
        return Gradients(tuple(cuts))
    found = tuple([np.zeros_like(x) for x in layer.inputs])
    for target, g in zip(joined(op, found)[1], cuts, strict=True):
        target[...] = g
    return Gradients(found)
