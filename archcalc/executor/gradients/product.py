"""Gradients of products of tensors: the gradient of each factor is a product with the other one."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy import fft

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.kernel import Array, Arrays, Context
from archcalc.executor.kernels.product import (
    complex_numbers,
    count_sums,
    matrix_products,
    with_leading_axes,
    write_parts,
)
from archcalc.ops.pattern import parse
from archcalc.ops.product import Einsum, FourierTransform, MatMul


@gradient(MatMul)
def matmul(op: MatMul, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    one, other = with_leading_axes(layer.inputs)
    found = product_gradients(one, other, given[0], layer.context, layer.needed)
    each = zip(found, layer.inputs, strict=True)
    return Gradients(tuple([None if own is None else own.reshape(x.shape) for own, x in each]))


def product_gradients(
    one: Array, other: Array, g: Array, context: Context, needed: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradients of the factors of C = A·B: ∂L/∂A = g·Bᵀ and ∂L/∂B = Aᵀ·g, summed over what is broadcast.

    That of a factor is ``None`` unless it is needed.
    """
    first = sum_to_shape_of(matrix_products(g, other.swapaxes(-1, -2), context), one) if needed[0] else None
    return first, sum_to_shape_of(matrix_products(one.swapaxes(-1, -2), g, context), other) if needed[1] else None


def sum_to_shape_of(g: Array, x: Array) -> Array:
    """Return the gradient of an array that was broadcast along axes of size 1, or by leading ones: sums."""
    own = (*(1,) * (g.ndim - x.ndim), *x.shape)
    axes = tuple(axis for axis, n in enumerate(own) if n == 1 and g.shape[axis] > 1)
    return (g.sum(axes, keepdims=True) if axes else g).reshape(x.shape)


@gradient(Einsum)
def einsum(op: Einsum, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Sum products of the gradient with the other tensor; along an axis that only one tensor has, repeat them."""
    parsed = parse(op.pattern)
    number = {name: 1 + place for place, name in enumerate(parsed.input_names)}
    *axes, result = [[0, *(number[name] for (name,) in tensor)] for tensor in (*parsed.inputs, parsed.output)]
    sizes = dict(zip([*axes[0], *axes[1]], [*layer.inputs[0].shape, *layer.inputs[1].shape], strict=True))
    found: list[Array | None] = []
    for own, other in ((0, 1), (1, 0)):
        if not layer.needed[own]:
            found.append(None)
            continue
        shared = [axis for axis in axes[own] if axis in result or axis in axes[other]]
        g = np.einsum(given[0], result, layer.inputs[other], axes[other], shared)
        terms = prod(sizes[axis] for axis in {*result, *axes[other]})
        layer.context.count(mul=terms, add=terms - g.size, macs=terms)
        spread = g.reshape([sizes[axis] if axis in shared else 1 for axis in axes[own]])
        found.append(np.broadcast_to(spread, layer.inputs[own].shape))
    return Gradients(tuple(found))


@gradient(FourierTransform)
def dft(op: FourierTransform, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the product with the transposed matrix: a transform with conjugate exponentials and the same divisor."""
    (x,), (g,) = layer.inputs, given
    if not layer.needed[0]:
        return Gradients((None,))
    n, result = x.shape[-2], np.empty_like(x)
    if op.inverse and op.onesided:  # frequencies with a conjugate occur twice in the sums
        twice = np.where(2 * np.arange(n) % g.shape[-2] == 0, 1, 2)
        write_parts(fft.rfft(g[..., 0], norm="forward") * twice, result)
    elif op.inverse:
        write_parts(fft.fft(complex_numbers(g), norm="forward"), result)
    else:
        write_parts(fft.ifft(complex_numbers(g), n, norm="forward"), result)
    count_sums(result, g.shape[-2] * g.shape[-1], layer.context)
    return Gradients((result,))
