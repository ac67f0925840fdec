"""Kernels of products of tensors."""

from __future__ import annotations

import numpy as np
from numpy import fft

from archcalc.executor.kernel import Array, Arrays, Context, Weights, kernel
from archcalc.executor.kernels.chunks import in_chunks
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
    count_sums(result, one.shape[-1], context)
    return result


def count_sums(result: Array, count: int, context: Context) -> None:
    """Report the operations of a result whose numbers are sums of so many products."""
    terms = result.size * count
    context.count(mul=terms, add=terms - result.size, macs=terms)


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


@kernel(FourierTransform)
def dft(op: FourierTransform, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Transform by a fast algorithm, which needs no matrix; what is counted are the products with one."""
    (x,) = inputs
    n, parts = x.shape[-2:]
    size = op.size or 2 * (n - 1)
    made = (size, 1) if op.inverse and op.onesided else (n // 2 + 1 if op.onesided else n, 2)
    result = np.empty((*x.shape[:-2], *made), x.dtype)

    def transform(out: Array, read: Array) -> None:
        if op.inverse and op.onesided:
            out[..., 0] = fft.irfft(complex_numbers(read), size)
        elif op.inverse:
            write_parts(fft.ifft(complex_numbers(read)), out)
        else:
            halved = op.onesided and parts == 1
            numbers, function = (read[..., 0], fft.rfft) if halved else (complex_numbers(read), fft.fft)
            write_parts(function(numbers, norm="forward"), out)
            out *= n  # without a divisor, NumPy computes in double precision, in several times the memory

    in_chunks(transform, 0, result.reshape(-1, *made), x.reshape(-1, n, parts))
    count_sums(result, n * parts, context)
    if context.marking:
        result[np.isnan(x).any((-2, -1))] = np.nan
    return (result,)


def complex_numbers(x: Array) -> Array:
    """Return the numbers whose real parts, or real and imaginary parts, are along the last axis."""
    dtype = np.result_type(x, np.complex64)
    return (x.astype(dtype) if x.shape[-1] == 1 else np.ascontiguousarray(x).view(dtype))[..., 0]


def write_parts(numbers: Array, out: Array) -> None:
    """Write the parts of the first of some complex numbers: as many of both as there are in the array."""
    first = numbers[..., : out.shape[-2]]
    for part, each in zip(range(out.shape[-1]), (first.real, first.imag), strict=False):
        out[..., part] = each
