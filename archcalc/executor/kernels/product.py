"""Kernels of products of tensors."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel
from archcalc.ops.pattern import parse
from archcalc.ops.product import Einsum, FourierTransform, MatMul


@kernel(MatMul)
def matmul(op: MatMul, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    one, other = with_leading_axes(inputs)
    return (matrix_products(one, other, context),)


def with_leading_axes(inputs: Arrays) -> Arrays:
    """Return views of arrays with the same number of axes, by inserting axes of size 1 after the batch."""
    rank = max(x.ndim for x in inputs)
    return tuple([x.reshape(len(x), *(1 for _ in range(rank - x.ndim)), *x.shape[1:]) for x in inputs])


def matrix_products(one: Array, other: Array, context: Context, *, out: Array | None = None) -> Array:
    """Return the products of matrices, whose leading axes broadcast."""
    result: Array = np.matmul(one, other, out=out)
    terms = result.size * one.shape[-1]
    context.count(mul=terms, add=terms - result.size, macs=terms)
    return result


@kernel(Einsum)
def einsum(op: Einsum, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Sum products by NumPy's function; the batch is axis 0 of all tensors."""
    parsed = parse(op.pattern)
    number = {name: 1 + place for place, name in enumerate(parsed.input_names)}
    axes = [[0, *(number[name] for (name,) in tensor)] for tensor in (*parsed.inputs, parsed.output)]
    one, other = inputs
    result: Array = np.einsum(one, axes[0], other, axes[1], axes[2])
    sizes = dict(zip([*axes[0], *axes[1]], [*one.shape, *other.shape], strict=True))
    terms = int(np.prod(list(sizes.values())))
    context.count(mul=terms, add=terms - result.size, macs=terms)
    return (result,)


def exponentials(op: FourierTransform, n: int, parts: int) -> Array:
    """Return the matrix of a transform of n numbers of some parts: rows are those of the input, columns of the output.

    A one-sided inverse reads the frequencies above the half from those below, whose conjugates they are.
    """
    whole = op.inverse and op.onesided
    size = n if not whole else 2 * (n - 1) if op.size is None else op.size
    rows = np.arange(n)
    columns = np.arange(n // 2 + 1 if op.onesided and not op.inverse else size)
    angles = 2 * np.pi * (np.outer(rows, columns) % size) / size
    real, imaginary = np.cos(angles), np.sin(angles) * (1 if op.inverse else -1)
    if op.inverse:
        real, imaginary = real / size, imaginary / size
    if whole:
        twice = np.where((rows == 0) | (2 * rows == size), 1, 2)[:, None]
        return np.stack([real * twice, -imaginary * twice], 1).reshape(2 * n, -1)
    made = [np.stack([real, imaginary], -1), np.stack([-imaginary, real], -1)]
    return np.stack(made[:parts], 1).reshape(parts * n, -1)


@kernel(FourierTransform)
def dft(op: FourierTransform, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Multiply in double precision: fast algorithms have smaller errors than sums of all products."""
    (x,) = inputs
    rows = x.reshape(*x.shape[:-2], 1, -1).astype(np.float64)
    found = matrix_products(rows, exponentials(op, *x.shape[-2:]), context)
    parts = 1 if op.inverse and op.onesided else 2
    return (found.reshape(*x.shape[:-2], -1, parts).astype(x.dtype),)
