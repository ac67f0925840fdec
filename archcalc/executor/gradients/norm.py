"""Gradients of normalisations."""

from __future__ import annotations

from itertools import product

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.kernel import Array, Arrays, Sizes
from archcalc.ops.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    RmsNorm,
    Standardize,
)


def _normalised(x: Array, axes: Sizes, eps: float, *, centred: bool = True) -> tuple[Array, Array]:
    """Return x̂ = (x − μ)/√(σ² + ε) with statistics along axes (or x/√(mean square + ε)), and 1/√(σ² + ε)."""
    differences = x - x.mean(axes, keepdims=True) if centred else x
    factor = 1 / np.sqrt((differences * differences).mean(axes, keepdims=True) + eps)
    return differences * factor, factor


def _through(normalised: Array, factor: Array, g: Array, axes: Sizes, *, centred: bool = True) -> Array:
    """Return ∂L/∂x = (g − mean(g) − x̂·mean(g·x̂))/√(σ² + ε) for g = ∂L/∂x̂.

    The three terms are the paths of a number to the loss: directly, through the mean, and through the variance.
    """
    found: Array = g - normalised * (g * normalised).mean(axes, keepdims=True)
    if centred:
        found -= g.mean(axes, keepdims=True)
    found *= factor
    return found


def normalisation_gradient(x: Array, g: Array, axes: Sizes, eps: float) -> Array:
    """Return the gradient of x for that of x with mean 0 and variance 1 along axes."""
    return _through(*_normalised(x, axes, eps), g, axes)


def _learned(
    op: BatchNorm | GroupNorm | InstanceNorm, layer: EvaluatedLayer, normalised: Array, g: Array
) -> tuple[Array, dict[str, Array]]:
    """Return ∂L/∂x̂ and the gradients of scale and shift, for y = scale·x̂ + shift per channel and g = ∂L/∂y."""
    if not op.affine:
        return g, {}
    arrays = {"scale": _channel_sums(g, normalised), "shift": g.sum((0, *range(2, g.ndim)))}
    return g * _per_channel(layer.weights["scale"], g), arrays


def _per_channel(numbers: Array, x: Array) -> Array:
    return numbers.reshape(-1, *(1,) * (x.ndim - 2))


@gradient(BatchNorm)
def batch_norm(op: BatchNorm, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """In training, the statistics depend on the batch; at inference, the layer is a linear map per channel."""
    (x,), (g,) = layer.inputs, given
    axes = (0, *range(2, x.ndim))
    if layer.context.training:
        normalised, factor = _normalised(x, axes, float(op.eps))
        g, arrays = _learned(op, layer, normalised, g)
        return Gradients((_through(normalised, factor, g, axes),), arrays)
    mean, variance = (_per_channel(layer.weights[name], x) for name in ("mean", "variance"))
    factor = 1 / np.sqrt(variance + x.dtype.type(op.eps))
    if not op.affine:
        return Gradients((g * factor,))
    scale = _channel_sums(g, x - mean) * factor.reshape(-1)
    found = g * (factor * _per_channel(layer.weights["scale"], x))
    return Gradients((found,), {"scale": scale, "shift": g.sum(axes)})


def _channel_sums(g: Array, x: Array) -> Array:
    """Return Σ g·x per channel, over all examples and positions."""
    shape = (*g.shape[:2], -1)
    found: Array = np.einsum("ncp,ncp->c", g.reshape(shape), x.reshape(shape))
    return found


@gradient(LayerNorm, RmsNorm)
def layer_norm(op: LayerNorm | RmsNorm, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,), centred = layer.inputs, given, isinstance(op, LayerNorm)
    axes = {"all": tuple(range(1, x.ndim)), "last": (x.ndim - 1,), "channels": (1,)}[op.axis]
    normalised, factor = _normalised(x, axes, float(op.eps), centred=centred)
    arrays = {}
    if op.affine:
        others = tuple(axis for axis in range(x.ndim) if axis not in axes)
        arrays["scale"] = (g * normalised).sum(others)
        if centred:
            arrays["shift"] = g.sum(others)
        scale = layer.weights["scale"]
        g = g * (_per_channel(scale, x) if op.axis == "channels" else scale)
    return Gradients((_through(normalised, factor, g, axes, centred=centred),), arrays)


@gradient(InstanceNorm, GroupNorm)
def map_norm(op: InstanceNorm | GroupNorm, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (x,), (g,) = layer.inputs, given
    groups = op.groups if isinstance(op, GroupNorm) else x.shape[1]
    normalised, factor = _normalised(x.reshape(len(x), groups, -1), (2,), float(op.eps))
    g, arrays = _learned(op, layer, normalised.reshape(x.shape), g)
    found = _through(normalised, factor, g.reshape(normalised.shape), (2,))
    return Gradients((found.reshape(x.shape),), arrays)


@gradient(L2Norm)
def l2_norm(op: L2Norm, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Compute (g − y·Σ g·y)/‖x‖; where the length is replaced by ε, the layer is a linear map."""
    (x,), (g,) = layer.inputs, given
    axes = {"all": tuple(range(1, x.ndim)), "last": (x.ndim - 1,), "channels": (1,)}[op.axis]
    length, least = np.sqrt((x * x).sum(axes, keepdims=True)), float(op.eps)
    y = x / np.maximum(length, least)
    along = np.where(length > least, (g * y).sum(axes, keepdims=True), 0)
    return Gradients(((g - y * along) / np.maximum(length, least),))


@gradient(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Compute g·s^−β − 2αβ·x·Σ g·x·s^−β/s, the sum over the windows that contain a number, of y = x·s^−β."""
    (x,), (g,) = layer.inputs, given
    axes = (1,) if op.region == "across" else tuple(range(2, x.ndim))
    before, after = op.size // 2, op.size - 1 - op.size // 2
    sums = float(op.k) + float(op.alpha) * _window_sums(x * x, axes, before, after)
    factor = sums ** -float(op.beta)
    others = _window_sums(g * x * factor / sums, axes, after, before)
    return Gradients((g * factor - 2 * float(op.alpha) * float(op.beta) * x * others,))


def _window_sums(x: Array, axes: Sizes, before: int, after: int) -> Array:
    """Return the sum of every number and those before and after it along axes, as a new array."""
    framed = np.pad(x, [(before, after) if axis in axes else (0, 0) for axis in range(x.ndim)])
    sums = np.zeros_like(x)
    for shift in product(*(range(before + 1 + after) if axis in axes else (0,) for axis in range(x.ndim))):
        sums += framed[tuple(slice(start, start + n) for start, n in zip(shift, x.shape, strict=True))]
    return sums


@gradient(Standardize)
def standardize(op: Standardize, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    return Gradients((given[0] / _per_channel(layer.weights["std"], given[0]),))
