"""Convolutions with kernels of 3 per axis by Winograd's minimal filtering, as in Lavin and Gray 2016
(arXiv:1509.09308).

Per axis, 4 neighbouring outputs depend on 6 inputs. By the definition they take 12 multiplications; evaluating inputs
and kernel as polynomials at 5 points and at infinity takes 6, with fixed linear transforms before and after. In two
dimensions, 36 multiplications replace 144. The transforms are matrix products as well.

The results are rounded differently: in single precision, errors are about four times those of the definition. Numbers
that are not finite spread over their tile. So this method is used on request only.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any

import numpy as np

from archcalc.engine.recorder import Recorder
from archcalc.engine.windows import padded_windows
from archcalc.engine.worker import by_rows
from archcalc.executor.kernel import Array, view
from archcalc.executor.kernels.windows import WindowAxis, blocks

KERNEL = 3
TILE = 4
"""The outputs per axis that are computed together."""
REACH = TILE + KERNEL - 1
"""The inputs per axis that these outputs depend on."""
POINTS = (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2))
"""The points at which polynomials are evaluated besides infinity: of those exact in binary, with the least errors."""
MAX_BLOCK_BYTES = 1 << 22
"""The maximum number of bytes of the transformed tiles of a block."""
MAX_FILTER_BYTES = 10 << 20
"""The maximum number of bytes of transformed filters, which are four times as large as the filters in two dimensions.
"""
SLOWDOWN = 1.75
"""The relative time of a multiplication: matrices are smaller, and tensors are read and written more often."""


def is_worthwhile(axes: Sequence[WindowAxis], weight: Array, y: Array) -> bool:
    """Return whether this method is faster, estimated from the multiplications of both methods."""
    if any((axis.kernel, axis.stride, axis.dilation) != (KERNEL, 1, 1) for axis in axes) or not by_rows(y.shape):
        return False
    filters, channels = weight.shape[:2]
    points, outputs, weights = (each ** len(axes) for each in (REACH, TILE, KERNEL))
    if points * channels * filters * y.itemsize > MAX_FILTER_BYTES:
        return False
    tiles = prod(-(-axis.positions // TILE) for axis in axes)
    each = points * channels * filters + points * (points * channels + outputs * filters)
    defined = weights * channels * filters * prod(axis.positions for axis in axes)
    return bool(SLOWDOWN * each * tiles < defined)


def convolve(x: Array, weight: Array, axes: list[WindowAxis], y: Array, recorder: Recorder) -> None:
    """Record the convolution of x (N×C×n…) with weight (O×C×3…), written to the rows of the worker in y (N×O×m…)."""
    into, prepare, back = transforms(len(axes), x.dtype)
    points, (filters, channels) = len(into), weight.shape[:2]
    prepared = recorder.constant(
        "transformed",
        weight,
        lambda stored: (prepare @ stored.reshape(filters * channels, -1).T).reshape(points, filters, channels),
    )
    rows = recorder.worker.part(y.shape[2])
    first, *others = axes
    axes = [first._replace(before=first.before - rows.start, positions=rows.stop - rows.start), *others]
    tiled = [axis._replace(kernel=REACH, stride=TILE, positions=-(-axis.positions // TILE)) for axis in axes]
    together = max(1, MAX_BLOCK_BYTES // (points * max(channels, filters) * x.itemsize))
    for sample, result in zip(x, y[:, :, rows], strict=True):
        for block in blocks(tuple(axis.positions for axis in tiled), together):
            tiles = prod(block.sizes)
            taken = recorder.scratch("tiles", (*(REACH,) * len(axes), channels, *block.sizes), x.dtype)
            recorder.copy(taken, np.moveaxis(padded_windows(sample, tiled, block, recorder), 0, len(axes)))
            seen = recorder.scratch("transformed tiles", (points, channels, tiles), x.dtype)
            recorder.call(np.matmul, into, taken.reshape(points, -1), out=seen.reshape(points, -1))
            products = recorder.scratch("products", (points, filters, tiles), x.dtype)
            recorder.call(np.matmul, prepared, seen, out=products)
            outputs = recorder.scratch("tiles", (len(back), filters * tiles), x.dtype)
            recorder.call(np.matmul, back, products.reshape(points, -1), out=outputs)
            region = tuple(
                slice(TILE * start, min(TILE * stop, axis.positions))
                for (start, stop), axis in zip(block.ranges, axes, strict=True)
            )
            _assemble(outputs.reshape(*(TILE,) * len(axes), filters, *block.sizes), result[:, *region], recorder)


def _assemble(tiles: Array, result: Array, recorder: Recorder) -> None:
    """Record the assembly of outputs (positions in a tile…×O×tiles…) in the result; those beyond it are dropped."""
    dims = result.ndim - 1
    sizes = tiles.shape[dims + 1 :]
    split = (len(result), *(part for size in sizes for part in (size, TILE)))
    whole = (len(result), *(size * TILE for size in sizes))
    assembled = result if result.shape == whole else recorder.scratch("transformed tiles", whole, result.dtype)
    order = (dims, *(axis for number in range(dims) for axis in (dims + 1 + number, number)))
    recorder.copy(view(assembled, *split), tiles.transpose(order))
    if assembled is not result:
        recorder.copy(result, assembled[tuple(map(slice, result.shape))])


@cache
def transforms(dims: int, dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
    """Return the transforms of tiles, kernels and products over ``dims`` axes: Kronecker products of those of one axis.

    Per axis, their shapes are points×reach, points×kernel and tile×points.
    """
    tiles, kernels, products = (_over_axes(np.array(each, np.float64), dims, dtype) for each in axis_transforms())
    return tiles, kernels, products


def _over_axes(transform: Array, dims: int, dtype: np.dtype[Any]) -> Array:
    whole = transform
    for _ in range(dims - 1):
        whole = np.kron(whole, transform)
    return whole.astype(dtype)


Matrix = list[list[Fraction]]


def axis_transforms() -> tuple[Matrix, Matrix, Matrix]:
    """Return the exact transforms of tiles, kernels and products along one axis (transposed Toom–Cook multiplication).

    For points p and P(x) = ∏(x − p): the row of the kernel transform for p has the powers of p divided by P′(p), the
    row of the tile transform the coefficients of P(x)/(x − p), and the column of the product transform the powers of p.
    At infinity the value is the leading coefficient, and the row of the tile transform has the coefficients of P(x).
    """
    zero, one = Fraction(0), Fraction(1)
    tiles, kernels = [], []
    for point in POINTS:
        others = [other for other in POINTS if other != point]
        scale = prod((point - other for other in others), start=one)
        kernels.append([point**power / scale for power in range(KERNEL)])
        tiles.append([*_polynomial(others), zero])
    kernels.append([zero] * (KERNEL - 1) + [one])
    tiles.append(_polynomial(POINTS))
    products = [[point**power for point in POINTS] + [one if power == TILE - 1 else zero] for power in range(TILE)]
    return tiles, kernels, products


def _polynomial(roots: Sequence[Fraction]) -> list[Fraction]:
    """Return the coefficients of ∏(x − root), lowest degree first."""
    found, zero = [Fraction(1)], Fraction(0)
    for root in roots:
        found = [below - root * same for below, same in zip([zero, *found], [*found, zero], strict=True)]
    return found
