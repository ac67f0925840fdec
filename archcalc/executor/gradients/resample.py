"""Gradients of operators without weights that change the number of positions."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.border import border_gradient
from archcalc.executor.gradients.structure import rearrangement_gradient
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.kernels.resample import between, coordinates, keys
from archcalc.ops.resample import Crop, Pad, PaddedIdentity, Upsample


@gradient(Upsample)
def upsample(op: Upsample, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Multiply by the transposes of the matrices with which the layer interpolates along every axis."""
    if op.mode == "nearest":
        return rearrangement_gradient(op, layer, given)
    (x,), (g,) = layer.inputs, given
    for axis, (n, each) in enumerate(zip(x.shape[2:], coordinates(op, x.shape[2:]), strict=True), start=2):
        g = np.moveaxis(np.tensordot(g, _matrix(op.mode, n, *each).astype(x.dtype), (axis, 0)), -1, axis)
    return Gradients((g,))


def _matrix(mode: str, n: int, numerator: Array, denominator: int) -> Array:
    """Return the weights with which outputs (rows) read n inputs (columns) along an axis."""
    rows, found = np.arange(len(numerator)), np.zeros((len(numerator), n))
    if mode == "bicubic":
        below = numerator // denominator
        rest = (numerator - below * denominator) / denominator
        for tap in (-1, 0, 1, 2):
            np.add.at(found, (rows, np.clip(below + tap, 0, n - 1)), keys(np.abs(rest - tap)))
        return found
    below, above, weight = between(n, numerator, denominator)
    np.add.at(found, (rows, below), 1 - weight)
    np.add.at(found, (rows, above), weight)
    return found


@gradient(Pad)
def pad(op: Pad, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,) = layer.inputs, given
    if op.border != "zeros":
        return Gradients((border_gradient(g, op.border, op.margin, x.shape),))
    inside = [slice(before, before + n) for n, (before, _) in zip(x.shape[2:], op.margin, strict=True)]
    return Gradients((g[:, :, *inside],))


@gradient(Crop)
def crop(op: Crop, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,) = layer.inputs
    found = np.zeros_like(x)
    inside = [slice(before, n - after) for n, (before, after) in zip(x.shape[2:], op.margin, strict=True)]
    found[:, :, *inside] = given[0]
    return Gradients((found,))


@gradient(PaddedIdentity)
def padded_identity(op: PaddedIdentity, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,) = layer.inputs
    found = np.zeros_like(x)
    found[:, :, *(slice(None, None, s) for s in op.stride)] = given[0][:, : x.shape[1]]
    return Gradients((found,))
