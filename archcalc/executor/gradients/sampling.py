"""Gradients of layers that read their input at positions that other tensors contain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient, gradient_of
from archcalc.executor.gradients.conv import bias_gradients
from archcalc.executor.gradients.rearrange import reduction_gradient
from archcalc.executor.gradients.weight_norm import through_weight_norm
from archcalc.executor.kernel import Array, Arrays, Sizes
from archcalc.executor.kernels.gather import block_positions
from archcalc.executor.kernels.product import matrix_products
from archcalc.executor.kernels.sampling import (
    TEMPORARIES,
    NearestPositions,
    interpolated,
    nearest,
    offset_convolution,
    points_and_masks,
    samples_of,
    weighted_corners,
)
from archcalc.ops.sampling import DeformableConv, RoiAlign


def _add_at(found: Array, around: Sequence[NearestPositions], gradients: Sequence[Array]) -> None:
    """Add the gradients of the weighted values (C×points) at each of the nearest positions to the channels.

    The channels (C×n…) are framed by zeros.
    """
    for corner, g in zip(product((0, 1), repeat=len(around)), gradients, strict=True):
        weight = prod(each.weights[side] for each, side in zip(around, corner, strict=True))
        places: Any = np.broadcast_arrays(*(each.positions[side] for each, side in zip(around, corner, strict=True)))
        np.add.at(found, (slice(None), *places), g * weight)


def _slopes(x: Array, around: Sequence[NearestPositions], sizes: Sizes, context: Any) -> list[Array]:
    """Return the derivatives of interpolated values with respect to the coordinates of the points, axis by axis.

    Along an axis, the weight of the position above grows by 1 with the coordinate, and that of the one below falls.
    """
    found = []
    for axis, each in enumerate(around):
        one = np.ones_like(each.weights[0])
        sloped = [*around[:axis], NearestPositions(each.positions, (-one, one)), *around[axis + 1 :]]
        found.append(interpolated(x, sloped, sizes, context))
    return found


@gradient(DeformableConv)
@through_weight_norm
def deformable_conv(op: DeformableConv, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the gradients of the filters and of what they read, then those of the positions and masks of that."""
    (x, *_), (g,), context, anew = layer.inputs, given, layer.context, layer.context.uncounted
    sizes, taps = x.shape[2:], prod(op.kernel)
    points, masks = points_and_masks(op, layer.inputs, layer.weights, anew)
    weight = layer.weights["weight"]
    matrix = weight.reshape(op.groups, op.channels // op.groups, -1)
    framed = np.zeros((*x.shape[:2], *(n + 1 for n in sizes)), x.dtype)
    stored, moved = np.zeros_like(matrix), np.zeros_like(points)
    masked = None if masks is None else np.zeros_like(masks)
    of_read = any(layer.needed) or (layer.trained and not op.offset)
    step = block_positions(TEMPORARIES * x.shape[1] * taps * x.itemsize)
    for number, each in enumerate(g.reshape(len(x), op.groups, matrix.shape[1], -1)):
        maps = x[number].reshape(op.offset_groups, -1, *sizes)
        targets = framed[number].reshape(op.offset_groups, -1, *framed.shape[2:])
        for start in range(0, each.shape[-1], step):
            block = slice(start, start + step)
            part = each[..., block]
            spread = None
            if of_read:
                spread = matrix_products(matrix.swapaxes(-1, -2), part, context)
                spread = spread.reshape(op.offset_groups, -1, taps, part.shape[-1])
            read = []
            for group, channels in enumerate(maps):
                u = points[number, group, ..., block]
                around = [nearest(u[:, axis], n, context) for axis, n in enumerate(sizes)]
                values = interpolated(channels, around, sizes, context)
                mask = 1 if masks is None else masks[number, group, ..., block]
                read.append(values * mask)
                if spread is None:
                    continue
                share = spread[group]
                if masked is not None:
                    masked[number, group, ..., block] = (share * values).sum(0, keepdims=True)
                share = share * mask
                _add_at(targets[group], around, [share] * 2 ** len(around))
                for axis, slope in enumerate(_slopes(channels, around, sizes, context)):
                    moved[number, group, :, axis, block] = (share * slope).sum(0)
            if layer.trained:
                columns = np.concatenate(read).reshape(op.groups, matrix.shape[-1], -1)
                stored += matrix_products(part, columns.swapaxes(-1, -2), context)
    found = framed[:, :, *(slice(n) for n in sizes)]
    arrays = {"weight": stored.reshape(weight.shape), **bias_gradients(g, layer.weights)}
    offsets = moved.reshape(len(x), -1, *g.shape[2:])
    if masks is None or masked is None:
        return _with_offsets(op, layer, found, offsets, arrays)
    if op.modulated:  # masks that a sigmoid computes
        masked = masked * masks * (1 - masks)
    return _with_offsets(op, layer, found, offsets, arrays, masked.reshape(len(x), -1, *g.shape[2:]))


def _with_offsets(
    op: DeformableConv,
    layer: EvaluatedLayer,
    found: Array,
    offsets: Array,
    arrays: dict[str, Array],
    masks: Array | None = None,
) -> Gradients:
    """Return all gradients, given those of the offsets and masks: of inputs, or of what the offset convolution made."""
    x, *others = layer.inputs
    own = offset_convolution(op, x.ndim - 2)
    if own is None:
        named = {"offset": offsets, "mask": masks}
        return Gradients((found, *(named[name] for name, _ in zip(op.tensor_arguments(), others, strict=True))), arrays)
    made = offsets if masks is None else np.concatenate([offsets, masks], 1)
    kept = {name: layer.weights[f"offset_{name}"] for name in ("weight", "bias")}
    first = gradient_of(own)(own, replace(layer, inputs=(x,), weights=kept, needed=layer.needed[:1]), (made,))
    (through,) = first.inputs
    arrays |= {f"offset_{name}": each for name, each in first.weights.items()}
    return Gradients((None if through is None else found + through,), arrays)


@gradient(RoiAlign)
def roi_align(op: RoiAlign, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the gradient of every cell: in equal parts to its samples, and to the positions around them.

    With ``max``, it is that of the largest product.
    """
    x, boxes = layer.inputs
    rank = x.ndim - 2
    framed = np.zeros((*x.shape[:2], *(n + 1 for n in x.shape[2:])), x.dtype)
    for sample, corners, g, target in zip(x, boxes, given[0], framed, strict=True):
        around = samples_of(op, x.shape[2:], corners, layer.context)
        if op.how == "max":
            products = np.stack(list(weighted_corners(sample, around, x.shape[2:], layer.context.uncounted)))
            apart = products.reshape(*products.shape[:3], *[size for n in op.size for size in (n, op.samples)])
            axes = (0, *range(4, 4 + 2 * rank, 2))
            found = reduction_gradient("max", apart, apart.max(axes, keepdims=True), np.expand_dims(g, axes), axes)
            _add_at(target, around, list(found.reshape(products.shape)))
            continue
        for axis in range(rank):
            g = np.repeat(g, op.samples, 2 + axis)
        _add_at(target, around, [g / op.samples**rank] * 2**rank)
    return Gradients((framed[:, :, *(slice(n) for n in x.shape[2:])], None))
