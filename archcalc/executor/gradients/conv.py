"""Gradients of convolutions: two matrix products for each that the forward pass has.

Each output is the product of a filter with a window of the input. So the gradient of the weights is the product of the
gradients of the outputs with the same windows, and the gradient of the input adds the product of the filter with the
gradient of an output to its window: a transposed convolution.
"""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.border import unpadded_gradient
from archcalc.executor.gradients.dense import NeededGradients, needed_gradients
from archcalc.executor.gradients.norm import normalisation_gradient
from archcalc.executor.gradients.weight_norm import through_weight_norm
from archcalc.executor.kernel import Array, Arrays, Context, Weights
from archcalc.executor.kernels.border import without_padding
from archcalc.executor.kernels.conv import (
    STANDARDISATION_EPSILON,
    convolve,
    oriented,
    scatter,
    standardised,
    transposed_axes,
)
from archcalc.executor.kernels.gather import block_positions, gather, maps_together
from archcalc.executor.kernels.product import matrix_products
from archcalc.executor.kernels.windows import WindowAxis, axes_of, blocks, positions
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv


def convolution_gradients(
    x: Array,
    weight: Array,
    groups: int,
    axes: list[WindowAxis],
    g: Array,
    context: Context,
    *,
    needed: NeededGradients = (True, True),
) -> tuple[Array | None, Array]:
    """Return the gradients of x (N×C×n…) and of weight (O×C/groups×k…) in a convolution, for g = ∂L/∂y (N×O×m…).

    The gradient of x is a convolution with the flipped kernels where windows are one position apart; otherwise every
    gradient is added, times the kernel, to its window.

    The gradient of x, and that of the weights, is computed if it is ``needed``; otherwise, that of the weights is 0.
    """
    of_input, of_weights = needed
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    g = np.ascontiguousarray(g)
    maps = x.reshape(len(x), groups, -1, *x.shape[2:])
    given = g.reshape(len(x), groups, matrix.shape[1], -1)
    if all(axis.is_pointwise for axis in axes):
        columns = maps.reshape(*maps.shape[:3], -1)
        stored = np.zeros_like(matrix)
        for each, some in zip(given, columns, strict=True) if of_weights else ():
            stored += matrix_products(each, some.swapaxes(-1, -2), context)
        found = matrix_products(matrix.swapaxes(-1, -2), given, context).reshape(x.shape) if of_input else None
        return found, stored.reshape(weight.shape)
    stored = np.zeros_like(matrix)
    found = _as_full_convolution(x, weight, groups, axes, g, context) if of_input else None
    scattered = np.zeros_like(x) if of_input and found is None else None
    size = matrix.shape[-1] * x.itemsize
    together = maps_together(size * given.shape[-1])
    for number, (sample, each) in enumerate(zip(maps, given, strict=True)):
        for first in range(0, groups, together):
            some = slice(first, first + together)
            channels = sample[some].reshape(-1, *x.shape[2:])
            for block in blocks(positions(axes), block_positions(size * len(sample[some]))):
                part = each[some, :, block.start : block.stop]
                if of_weights:
                    columns = gather(channels, axes, block, context).reshape(len(part), matrix.shape[-1], -1)
                    stored[some] += matrix_products(part, columns.swapaxes(-1, -2), context)
                if scattered is not None:
                    spread = context.scratch("spread", (len(part), matrix.shape[-1], part.shape[-1]), x.dtype)
                    np.matmul(matrix[some].swapaxes(-1, -2), part, out=spread)
                    target = scattered[number].reshape(groups, -1, *x.shape[2:])[some].reshape(-1, *x.shape[2:])
                    scatter(spread.reshape(len(channels), -1, *block.sizes), axes, block, target)
    if of_input:
        products = g.size * matrix.shape[-1]
        context.count(mul=products, add=products, macs=products)  # each product is added to the input
    return found if scattered is None else scattered, stored.reshape(weight.shape)


def _as_full_convolution(
    x: Array, weight: Array, groups: int, axes: list[WindowAxis], g: Array, context: Context
) -> Array | None:
    """Return the gradient of x as the convolution of g, padded by K − 1 less the padding of x, with flipped kernels.

    ``None`` if windows are more than one position apart, or the padding of x is larger than that.
    """
    before = [(axis.kernel - 1) * axis.dilation - axis.before for axis in axes]
    if any(axis.stride != 1 for axis in axes) or min(before) < 0:
        return None
    full = [
        WindowAxis(axis.positions, first, 0, axis.kernel, 1, axis.dilation, axis.size)
        for axis, first in zip(axes, before, strict=True)
    ]
    by_group = weight.reshape(groups, -1, *weight.shape[1:]).swapaxes(1, 2)
    flipped = np.flip(by_group, tuple(range(3, by_group.ndim)))
    found = np.empty_like(x)
    kernels = np.ascontiguousarray(flipped).reshape(x.shape[1], -1, *weight.shape[2:])
    convolve(g, kernels, groups, full, found, context.uncounted)  # products with the padding of g are not counted
    return found


def bias_gradients(g: Array, weights: Weights) -> dict[str, Array]:
    """Return the gradient of the bias per channel, if there is one: the sum over examples and positions."""
    return {"bias": g.sum((0, *range(2, g.ndim)))} if "bias" in weights else {}


@gradient(Conv)
@through_weight_norm
def conv(op: Conv, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the gradients; a connection table is a complete convolution in which the other weights are zero."""
    (inputs,), (g,), weight = layer.inputs, given, layer.weights["weight"]
    x, axes = without_padding(np.ascontiguousarray(inputs), op.border, axes_of(op, inputs.shape[2:]))
    weight = oriented(op, weight)
    used = standardised(weight) if op.ws else weight
    connections = None if op.table is None else np.nonzero(np.array(op.table, bool).T)
    if connections is not None:
        complete = np.zeros((op.channels, x.shape[1], *op.kernel), x.dtype)
        complete[connections] = used
        used = complete
    context = layer.context if connections is None else layer.context.uncounted
    found, stored = convolution_gradients(x, used, op.groups, axes, g, context, needed=needed_gradients(layer))
    if connections is not None:
        stored = stored[connections]
        products = sum(needed_gradients(layer)) * g[:, 0].size * stored.size
        layer.context.count(mul=products, add=products, macs=products)
    if op.ws:
        stored = normalisation_gradient(weight, stored, tuple(range(1, weight.ndim)), STANDARDISATION_EPSILON)
    return Gradients(
        (unpadded_gradient(found, op, inputs.shape),),
        {"weight": oriented(op, stored), **bias_gradients(g, layer.weights)},
    )


@gradient(DepthwiseConv)
@through_weight_norm
def depthwise_conv(op: DepthwiseConv, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (inputs,), (g,), weight = layer.inputs, given, layer.weights["weight"]
    x, axes = without_padding(np.ascontiguousarray(inputs), op.border, axes_of(op, inputs.shape[2:]))
    used = oriented(op, weight)
    found, stored = convolution_gradients(x, used, x.shape[1], axes, g, layer.context, needed=needed_gradients(layer))
    return Gradients(
        (unpadded_gradient(found, op, inputs.shape),),
        {"weight": oriented(op, stored), **bias_gradients(g, layer.weights)},
    )


@gradient(SeparableConv)
@through_weight_norm
def separable_conv(op: SeparableConv, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the gradients of the 1×1 convolution, then, with that of its input, those of the depthwise one."""
    (inputs,), (g,) = layer.inputs, given
    x, axes = without_padding(np.ascontiguousarray(inputs), op.border, axes_of(op, inputs.shape[2:]))
    depthwise, pointwise = oriented(op, layer.weights["depthwise"]), layer.weights["pointwise"]
    maps = np.empty((len(x), len(depthwise), *positions(axes)), x.dtype)
    convolve(x, depthwise, x.shape[1], axes, maps, layer.context.uncounted)
    single = [WindowAxis(axis.positions, 0, 0, 1, 1, 1, axis.positions) for axis in axes]
    of_input, of_weights = needed_gradients(layer)
    between, last = convolution_gradients(maps, pointwise, 1, single, g, layer.context, needed=(True, of_weights))
    assert between is not None
    found, first = convolution_gradients(
        x, depthwise, x.shape[1], axes, between, layer.context, needed=(of_input, of_weights)
    )
    arrays = {"depthwise": oriented(op, first), "pointwise": last, **bias_gradients(g, layer.weights)}
    return Gradients((unpadded_gradient(found, op, inputs.shape),), arrays)


@gradient(TransposedConv)
@through_weight_norm
def transposed_conv(op: TransposedConv, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Gather the windows of the gradient: its convolution with the weights is the gradient of the input."""
    (x,), weight = layer.inputs, layer.weights["weight"]
    g = np.ascontiguousarray(given[0])
    axes = transposed_axes(op, x.shape[2:])
    of_input, of_weights = needed_gradients(layer)
    inputs = None
    if of_input:
        inputs = np.empty_like(x, order="C")
        convolve(g, weight, op.groups, axes, inputs, layer.context)
    _, stored = convolution_gradients(g, weight, op.groups, axes, x, layer.context, needed=(False, of_weights))
    return Gradients((inputs,), {"weight": stored, **bias_gradients(g, layer.weights)})
