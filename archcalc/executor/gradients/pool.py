"""Gradients of pooling: of a maximum, to the first position that has it; of a mean, in equal parts to all positions."""

from __future__ import annotations

from functools import partial, reduce
from itertools import product
from typing import Any

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.activation import maximum_gradient
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.pool import counted_positions, cuts, over_windows
from archcalc.executor.kernels.windows import WindowAxis, axes_of, index, taps
from archcalc.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    Subsample,
)


@gradient(MaxPool)
def maxpool(op: MaxPool, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), axes = layer.inputs, axes_of(op, layer.inputs[0].shape[2:], ceil=op.ceil)
    found = np.zeros_like(x)
    for arrays in zip(x, layer.outputs[0], given[0], found, strict=True):
        in_chunks(partial(_to_first_largest, axes), 0, *arrays)
    return Gradients((found,))


def _to_first_largest(axes: list[WindowAxis], maps: Array, largest: Array, g: Array, found: Array) -> None:
    """Add the gradient of every window to the first of its taps that has the maximum, one tap at a time."""
    left = g.copy()
    for tap in taps(axes):
        windows, places = _overlap(axes, tap)
        here = left[windows]
        passed = np.where(maps[places] == largest[windows], here, 0)
        found[places] += passed
        here -= passed


def _overlap(axes: list[WindowAxis], tap: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the windows that have a tap on the input, and the positions under it, as indices of maps."""
    overlaps = [axis.overlap(place, 0, axis.positions) for axis, place in zip(axes, tap, strict=True)]
    return index(windows for windows, _ in overlaps), index(places for _, places in overlaps)


def _to_all(op: Any, x: Array, g: Array) -> Array:
    """Return the gradient of the sums of windows: that of every window, added at all of its positions."""
    axes, found = axes_of(op, x.shape[2:], ceil=op.ceil), np.zeros_like(x)

    def add(g: Array, found: Array) -> None:
        for tap in taps(axes):
            windows, places = _overlap(axes, tap)
            found[places] += g[windows]

    for example, result in zip(g, found, strict=True):
        in_chunks(add, 0, example, result)
    return found


@gradient(AvgPool)
def avgpool(op: AvgPool, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,) = layer.inputs
    axes = axes_of(op, x.shape[2:], ceil=op.ceil)
    places = reduce(np.multiply.outer, [counted_positions(axis, op.count_include_pad) for axis in axes]).astype(x.dtype)
    return Gradients((_to_all(op, x, given[0] / places),))


@gradient(Subsample)
def subsample(op: Subsample, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,) = layer.inputs, given
    coefficient = layer.weights["coefficient"].reshape(-1, *(1,) * (x.ndim - 2))
    sums, _ = over_windows(op, x, np.add, 0)
    axes = (0, *range(2, x.ndim))
    return Gradients((_to_all(op, x, g * coefficient),), {"coefficient": (g * sums).sum(axes), "bias": g.sum(axes)})


@gradient(GlobalAvgPool)
def gap(op: GlobalAvgPool, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,) = layer.inputs, given
    return Gradients((np.broadcast_to(g / x[0, 0].size, x.shape),))


@gradient(GlobalMaxPool)
def gmp(op: GlobalMaxPool, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,) = layer.inputs
    y, g = (each.reshape(*x.shape[:2], 1) for each in (layer.outputs[0], given[0]))
    return Gradients((maximum_gradient(x.reshape(*x.shape[:2], -1), y, g, 2).reshape(x.shape),))


@gradient(AdaptiveAvgPool, AdaptiveMaxPool)
def adaptive(op: AdaptiveAvgPool | AdaptiveMaxPool, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the gradient part by part; a position that the border of two parts cuts belongs to both."""
    (x,), (y,), (g,) = layer.inputs, layer.outputs, given
    found, parts = np.zeros_like(x), cuts(x.shape[2:], op.size)
    for place in product(*map(range, op.size)):
        at = index((cut[number] for cut, number in zip(parts, place, strict=True)), slice(None), slice(None))
        one = index(place, slice(None), slice(None))
        part = x[at]
        if isinstance(op, AdaptiveAvgPool):
            found[at] += (g[one] / part[0, 0].size).reshape(*part.shape[:2], *(1,) * (x.ndim - 2))
        else:
            largest, passed = (each[one][..., None] for each in (y, g))
            flat = part.reshape(*part.shape[:2], -1)
            found[at] += maximum_gradient(flat, largest, passed, 2).reshape(part.shape)
    return Gradients((found,))
