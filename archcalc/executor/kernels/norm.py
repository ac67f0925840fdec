"""Kernels of normalisations."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np

from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.chunks import in_chunks
from archcalc.executor.kernels.counted import add, divide, maximum, multiply, power, sqrt, subtract, total
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


def _learned(affine: bool, shape: Sizes) -> dict[str, Sizes]:
    return {"scale": shape, "shift": shape} if affine else {}


def _per_channel(numbers: Array, x: Array) -> Array:
    """Return one number per channel (or one for all), in a shape that broadcasts to a tensor."""
    return numbers.reshape(-1, *(1,) * (x.ndim - 2))


@storage(BatchNorm)
def batch_norm_arrays(op: BatchNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    maps = shapes[0][:1]
    return {**_learned(op.affine, maps), "mean": maps, "variance": maps}


@kernel(BatchNorm)
def batch_norm(op: BatchNorm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Normalise by one multiplication and one addition per number, with factors computed from the statistics."""
    (x,) = inputs
    statistics = weights
    if context.training:
        mean, variance = _batch_statistics(x, weights, context)
        statistics = {**weights, "mean": mean, "variance": variance}
    factor, offset = factor_and_offset(op, statistics)
    return (_linear(x, factor.astype(x.dtype, copy=False), offset.astype(x.dtype, copy=False), context),)


def factor_and_offset(op: BatchNorm, weights: Weights) -> tuple[Array, Array]:
    """Return the linear map per channel that normalises by stored statistics."""
    factor = 1 / np.sqrt(weights["variance"] + float(op.eps))
    if op.affine:
        factor = factor * weights["scale"]
    offset = -weights["mean"] * factor
    return factor, offset + weights["shift"] if op.affine else offset


def _linear(x: Array, factor: Array, offset: Array, context: Context, out: Array | None = None) -> Array:
    """Return factor·x + offset per channel, computed for some channels of an example at a time."""
    out = np.empty(x.shape, x.dtype) if out is None else out
    factors = _per_channel(factor, x), _per_channel(offset, x)
    for example, result in zip(x, out, strict=True):
        in_chunks(partial(_learned_map, context), 0, example, *factors, result)
    return out


def _learned_map(context: Context, x: Array, scale: Array, shift: Array, out: Array) -> None:
    """Write scale·x + shift to ``out``."""
    add(context, multiply(context, x, scale, out=out), shift, out=out)


def _batch_statistics(x: Array, weights: Weights, context: Context) -> tuple[Array, Array]:
    """Return the mean and variance of the batch per channel, and update the running ones.

    The batch is normalised by its own variance (divided by N); the running variance is updated with that or with the
    unbiased estimate (divided by N − 1).

    Raises:
        ArrayError: there is only one number per channel, which has no variance.
    """
    axes = (0, *range(2, x.ndim))
    together = x.size // x.shape[1]
    if together == 1:
        raise ArrayError(["in training, batch norm needs more than one number per channel: use a larger batch"])
    mean, differences = _centred(x, axes, context)
    variance = _mean_square(differences, axes, context)
    mean, variance = mean.reshape(-1), variance.reshape(-1)
    estimate = variance * (together / (together - 1)) if context.average.unbiased else variance
    old, new = map(float, context.average.shares)
    for name, batch in (("mean", mean), ("variance", estimate)):
        context.updates[name] = (old * weights[name] + new * batch).astype(weights[name].dtype, copy=False)
    return mean, variance


def _centred(x: Array, axes: Sizes, context: Context, out: Array | None = None) -> tuple[Array, Array]:
    """Return the mean along axes, and the differences from it."""
    sums = total(context, x, axes)
    mean = divide(context, sums, x.size // sums.size, out=sums)
    return mean, subtract(context, x, mean, out=out)


def _mean_square(x: Array, axes: Sizes, context: Context) -> Array:
    sums = total(context, multiply(context, x, x, out=context.scratch("squares", x.shape, x.dtype)), axes)
    return divide(context, sums, x.size // sums.size, out=sums)


def _normalised(x: Array, axis: int, eps: float, out: Array, context: Context, *, centred: bool = True) -> None:
    """Normalise along one of the last two of three axes: subtract the mean, divide by the root of the mean square."""

    def normalise(x: Array, out: Array) -> None:
        differences = _centred(x, (axis - 1,), context, out)[1] if centred else x
        square = _mean_square(differences, (axis - 1,), context)
        root = sqrt(context, add(context, square, eps, out=square), out=square)
        divide(context, differences, root, out=out)

    for example, result in zip(x, out, strict=True):
        in_chunks(normalise, 2 - axis, example, result)


@storage(LayerNorm)
def layer_norm_arrays(op: LayerNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    (shape,) = shapes
    return _learned(op.affine, {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis])


@kernel(LayerNorm)
def layer_norm(op: LayerNorm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    out = _normalised_together(op, inputs[0], context)
    if op.affine:
        scale, shift = (_per_number(op, weights[name], out) for name in ("scale", "shift"))
        _learned_map(context, out, scale, shift, out)
    return (out,)


def _normalised_together(op: LayerNorm | RmsNorm, x: Array, context: Context) -> Array:
    """Return an example normalised over all its numbers, its last axis, or its channels at each position."""
    x = np.ascontiguousarray(x)
    out = np.empty_like(x)
    flat = {"all": (1, len(x), -1), "last": (1, -1, x.shape[-1]), "channels": (*x.shape[:2], -1)}[op.axis]
    axis = 1 if op.axis == "channels" else 2
    _normalised(x.reshape(flat), axis, float(op.eps), out.reshape(flat), context, centred=isinstance(op, LayerNorm))
    return out


def _per_number(op: LayerNorm | RmsNorm, numbers: Array, x: Array) -> Array:
    """Return stored numbers in a shape that broadcasts to a tensor."""
    return _per_channel(numbers, x) if op.axis == "channels" else numbers


@storage(RmsNorm)
def rms_norm_arrays(op: RmsNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    (shape,) = shapes
    return {"scale": {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]} if op.affine else {}


@kernel(RmsNorm)
def rms_norm(op: RmsNorm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    out = _normalised_together(op, inputs[0], context)
    if op.affine:
        multiply(context, out, _per_number(op, weights["scale"], out), out=out)
    return (out,)


@kernel(L2Norm)
def l2_norm(op: L2Norm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    axes = {"all": tuple(range(1, x.ndim)), "last": (x.ndim - 1,), "channels": (1,)}[op.axis]
    length = total(context, multiply(context, x, x), axes)
    maximum(context, sqrt(context, length, out=length), float(op.eps), out=length)
    return (divide(context, x, length),)


@storage(InstanceNorm, GroupNorm)
def map_norm_arrays(op: InstanceNorm | GroupNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return _learned(op.affine, shapes[0][:1])


@kernel(InstanceNorm, GroupNorm)
def map_norm(op: InstanceNorm | GroupNorm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Normalise each map on its own, or groups of neighbouring maps."""
    x = np.ascontiguousarray(inputs[0])
    out = np.empty_like(x)
    groups = op.groups if isinstance(op, GroupNorm) else x.shape[1]
    flat = (len(x), groups, -1)
    _normalised(x.reshape(flat), 2, float(op.eps), out.reshape(flat), context)
    if op.affine:
        _linear(out, weights["scale"], weights["shift"], context, out)
    return (out,)


@kernel(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Normalise some positions at a time; with ``within``, some channels."""
    x = np.ascontiguousarray(inputs[0])
    out, across = np.empty_like(x), op.region == "across"
    examples, results = (each.reshape(*x.shape[:2], -1) if across else each for each in (x, out))
    for example, result in zip(examples, results, strict=True):
        in_chunks(partial(_respond, op, context), 1 if across else 0, example, result)
    return (out,)


def _respond(op: LocalResponseNorm, context: Context, x: Array, out: Array) -> None:
    """Sum zero-padded squares, each term of the sums as a shifted view of them, and divide by the result."""
    axes = (0,) if op.region == "across" else tuple(range(1, x.ndim))
    before = op.size // 2
    framed = tuple(n + op.size - 1 if axis in axes else n for axis, n in enumerate(x.shape))
    squares, sums = context.scratch("squares", framed, x.dtype), context.scratch("sums", x.shape, x.dtype)
    squares[...] = 0
    middle = tuple(slice(before, before + n) if axis in axes else slice(None) for axis, n in enumerate(x.shape))
    multiply(context, x, x, out=squares[middle])
    shifts = product(*(range(op.size) if axis in axes else (0,) for axis in range(x.ndim)))
    first, *others = (
        squares[tuple(slice(start, start + n) for start, n in zip(shift, x.shape, strict=True))] for shift in shifts
    )
    sums[...] = first
    for terms in others:
        add(context, sums, terms, out=sums)
    multiply(context, sums, float(op.alpha), out=sums)
    add(context, sums, float(op.k), out=sums)
    divide(context, x, power(context, sums, float(op.beta), out=sums), out=out)


@storage(Standardize)
def standardize_arrays(op: Standardize, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return {"mean": (len(op.mean),), "std": (len(op.std),)}


@kernel(Standardize)
def standardize(op: Standardize, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    differences = subtract(context, x, _per_channel(weights["mean"], x))
    return (divide(context, differences, _per_channel(weights["std"], x), out=differences),)
