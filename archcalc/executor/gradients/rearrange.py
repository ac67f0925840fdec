"""Gradients of rearrangements, reductions and repetitions in einops' notation."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.activation import maximum_gradient
from archcalc.executor.gradients.structure import rearrangement_gradient
from archcalc.executor.kernel import Array, Arrays, Sizes
from archcalc.executor.kernels.rearrange import split_axes
from archcalc.ops.pattern import parse
from archcalc.ops.rearrange import PixelShuffle, Rearrange, Reduce, Repeat, SpaceToDepth

gradient(Rearrange, Repeat, PixelShuffle, SpaceToDepth)(rearrangement_gradient)


@gradient(Reduce)
def reduce(op: Reduce, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Bring the axes of the gradient into the order of the input, then undo the reduction."""
    x, sizes = split_axes(op, layer.inputs[0])
    parsed = parse(op.pattern)
    kept = [name for name in parsed.input_names if name in parsed.output_names]
    gone = tuple([1 + place for place, name in enumerate(parsed.input_names) if name not in parsed.output_names])
    order = (0, *(1 + parsed.output_names.index(name) for name in kept))
    y, g = (
        np.expand_dims(each.reshape(len(x), *(sizes[name] for name in parsed.output_names)).transpose(order), gone)
        for each in (layer.outputs[0], given[0])
    )
    return Gradients((reduction_gradient(op.how, x, y, g, gone).reshape(layer.inputs[0].shape),))


def reduction_gradient(how: str, x: Array, y: Array, g: Array, axes: Sizes) -> Array:
    """Return the gradient of the mean, sum, maximum, minimum or product along axes, which are kept with size 1."""
    if how in ("sum", "mean"):
        share = g if how == "sum" else g / (x.size // y.size)
        return np.broadcast_to(share, x.shape)
    if how == "prod":
        return g * _products_of_others(x, axes)
    front = tuple(range(x.ndim - len(axes), x.ndim))
    moved, (y, g) = np.moveaxis(x, axes, front), (np.moveaxis(each, axes, front) for each in (y, g))
    flat = moved.reshape(*moved.shape[: front[0]], -1) if axes else moved[..., None]
    y, g = (each.reshape(*flat.shape[:-1], 1) for each in (y, g))
    found = maximum_gradient(flat, y, g, -1)
    return np.moveaxis(found.reshape(moved.shape), front, axes)


def _products_of_others(x: Array, axes: Sizes) -> Array:
    """Return the product of all other numbers along axes: of those before and of those after each."""
    front = tuple(range(x.ndim - len(axes), x.ndim))
    moved = np.moveaxis(x, axes, front)
    flat = moved.reshape(*moved.shape[: front[0]], -1) if axes else moved[..., None]
    before, after = np.ones_like(flat), np.ones_like(flat)
    np.cumprod(flat[..., :-1], -1, out=before[..., 1:])
    after[..., :-1] = np.cumprod(flat[..., :0:-1], -1)[..., ::-1]
    return np.moveaxis((before * after).reshape(moved.shape), front, axes)
