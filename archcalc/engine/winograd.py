"""Convolutions with kernels of 3 per axis by Winograd's minimal filtering, as Lavin and Gray 2016 (arXiv:1509.09308).

Per axis, 4 neighbouring outputs read 6 inputs. By the definition that takes 12 multiplications; evaluating both as
polynomials at 5 points and at infinity takes 6, with fixed linear transforms before and after. In two dimensions 144
become 36. The transforms are written as matrix products as well.

The sums are the same numbers, rounded differently: errors in single precision are about four times those of the
definition. Numbers that are not finite spread over their tile. So it is done on request only.
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
from archcalc.executor.kernels.windows import Axis, blocks

KERNEL = 3
TILE = 4
"""Outputs per axis that are computed together."""
REACH = TILE + KERNEL - 1
POINTS = (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2))
"""Where polynomials are evaluated, infinity besides: of points exact in binary those with the smallest errors."""
BLOCK_BYTES = 1 << 22
"""What the transformed tiles of a block may take."""
FILTER_BYTES = 10 << 20
"""What the transformed filters may take, which are four times as large in two dimensions."""
SLOWER = 1.75
"""By how much a multiplication takes longer here: matrices are smaller, and tensors pass through memory more often."""


def worthwhile(axes: Sequence[Axis], weight: Array, y: Array) -> bool:
    """Whether this is the faster way, by the multiplications of both ways for a tile."""
    if any((axis.kernel, axis.stride, axis.dilation) != (KERNEL, 1, 1) for axis in axes) or not by_rows(y.shape):
        return False
    filters, channels = weight.shape[:2]
    points, outputs, weights = (each ** len(axes) for each in (REACH, TILE, KERNEL))
    if points * channels * filters * y.itemsize > FILTER_BYTES:
        return False
    tiles = prod(-(-axis.positions // TILE) for axis in axes)
    each = points * channels * filters + points * (points * channels + outputs * filters)
    defined = weights * channels * filters * prod(axis.positions for axis in axes)
    return bool(SLOWER * each * tiles < defined)


def convolve(x: Array, weight: Array, axes: list[Axis], y: Array, recorder: Recorder) -> None:
    """Record the convolution of x (N×C×n…) with weight (O×C×3…) to y (N×O×m…), on the rows of the worker."""
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
    together = max(1, BLOCK_BYTES // (points * max(channels, filters) * x.itemsize))
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
            _lay_out(outputs.reshape(*(TILE,) * len(axes), filters, *block.sizes), result[:, *region], recorder)


def _lay_out(tiles: Array, result: Array, recorder: Recorder) -> None:
    """Write outputs (places in a tile…×O×tiles…) beside each other; what is beyond the result is left out."""
    dims = result.ndim - 1
    sizes = tiles.shape[dims + 1 :]
    apart = (len(result), *(part for size in sizes for part in (size, TILE)))
    whole = (len(result), *(size * TILE for size in sizes))
    laid = result if result.shape == whole else recorder.scratch("transformed tiles", whole, result.dtype)
    order = (dims, *(axis for number in range(dims) for axis in (dims + 1 + number, number)))
    recorder.copy(view(laid, *apart), tiles.transpose(order))
    if laid is not result:
        recorder.copy(result, laid[tuple(map(slice, result.shape))])


@cache
def transforms(dims: int, dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
    """The transforms of tiles (points×reach), of kernels (points×kernel) and of products (tile×points) over so many
    axes, each axis in turn."""
    tiles, kernels, products = (_over_axes(np.array(each, np.float64), dims, dtype) for each in along_an_axis())
    return tiles, kernels, products


def _over_axes(transform: Array, dims: int, dtype: np.dtype[Any]) -> Array:
    whole = transform
    for _ in range(dims - 1):
        whole = np.kron(whole, transform)
    return whole.astype(dtype)


Matrix = list[list[Fraction]]


def along_an_axis() -> tuple[Matrix, Matrix, Matrix]:
    """The transforms of tiles, kernels and products along one axis, exactly.

    With points p and P(x) = ∏(x − p), a kernel's row at p holds powers of p divided by P′(p), a tile's row the
    coefficients of P(x)/(x − p), a product's column powers of p; at infinity the leading coefficient is the value, and
    a tile's row holds those of P(x). (Toom–Cook multiplication, transposed.)
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
    """The coefficients of ∏(x − root), lowest first."""
    found, zero = [Fraction(1)], Fraction(0)
    for root in roots:
        found = [below - root * same for below, same in zip([zero, *found], [*found, zero], strict=True)]
    return found
