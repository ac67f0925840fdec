"""Kernels of normalisations."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod

import numpy as np

from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Arrays, Division, Sizes, Weights, Work, kernel, storage, view
from archcalc.executor.kernels.activation import read_and_write
from archcalc.executor.kernels.counted import add, divide, multiply, power, sqrt, subtract, total
from archcalc.executor.kernels.stretches import in_rows_of, in_stretches
from archcalc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, RmsNorm, Standardize

MOMENTUM = 0.1
"""The share of a batch's statistics in the new running ones, as PyTorch has it."""


def _learned(affine: bool, shape: Sizes) -> dict[str, Sizes]:
    return {"scale": shape, "shift": shape} if affine else {}


def _per_channel(numbers: Array, x: Array) -> Array:
    """One number per channel (or one for all), to be combined with a tensor."""
    return numbers.reshape(-1, *(1,) * (x.ndim - 2))


@storage(BatchNorm)
def batch_norm_arrays(op: BatchNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    maps = shapes[0][:1]
    return {**_learned(op.affine, maps), "mean": maps, "variance": maps}


@kernel(BatchNorm, divided=Division.LOCAL, taped=True)
def batch_norm(op: BatchNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """One multiplication and one addition per number, by factors that are known before (or after the statistics)."""
    x, out = read_and_write(inputs[0], work)
    mean, variance = _batch_statistics(x, weights, work) if work.training else (weights["mean"], weights["variance"])
    factor = 1 / np.sqrt(variance + float(op.eps))
    if op.affine:
        factor = factor * weights["scale"]
    offset = -mean * factor
    if op.affine:
        offset = offset + weights["shift"]
    factor, offset = factor.astype(x.dtype, copy=False), offset.astype(x.dtype, copy=False)
    _linear(x, factor, offset, out, work)
    return (out,)


def _linear(x: Array, factor: Array, offset: Array, out: Array, work: Work) -> None:
    """factor·x + offset per channel."""
    part = work.lane.share(x.shape)
    channels, shape = part[1], (*x[part].shape[:2], prod(x[part].shape[2:]))
    maps, results = view(x[part], *shape), view(out[part], *shape)
    factors = factor[channels, None], offset[channels, None]
    with in_rows_of(maps.shape[-1], work):
        for example, result in zip(maps, results, strict=True):
            in_stretches(partial(_learned_map, work), 0, example, *factors, result)


def _learned_map(work: Work, x: Array, scale: Array, shift: Array, out: Array) -> None:
    """scale·x + shift."""
    add(work, multiply(work, x, scale, out=out), shift, out=out)


def _batch_statistics(x: Array, weights: Weights, work: Work) -> tuple[Array, Array]:
    """Mean and variance of the batch per channel; the running ones move towards them.

    As in PyTorch the batch is normalised by its own variance (divided by N), and the running one moves towards an
    estimate of that of all data (divided by N − 1).

    Raises:
        ArrayError: there is but one number per channel, which has no variance.
    """
    axes = (0, *range(2, x.ndim))
    together = x.size // x.shape[1]
    if together == 1:
        raise ArrayError(["batch norm needs more than one number per channel in training: take a larger batch"])
    mean, differences = _centred(x, axes, work)
    variance = _mean_square(differences, axes, work)
    mean, variance = mean.reshape(-1), variance.reshape(-1)
    for name, batch in (("mean", mean), ("variance", variance * (together / (together - 1)))):
        work.updates[name] = ((1 - MOMENTUM) * weights[name] + MOMENTUM * batch).astype(weights[name].dtype, copy=False)
    return mean, variance


def _centred(x: Array, axes: Sizes, work: Work, out: Array | None = None) -> tuple[Array, Array]:
    """The mean of the numbers along axes, and their differences from it."""
    sums = total(work, x, axes)
    mean = divide(work, sums, x.size // sums.size, out=sums)
    return mean, subtract(work, x, mean, out=out)


def _mean_square(x: Array, axes: Sizes, work: Work) -> Array:
    sums = total(work, multiply(work, x, x, out=work.scratch("squares", x.shape, x.dtype)), axes)
    return divide(work, sums, x.size // sums.size, out=sums)


def _normalised(x: Array, axis: int, eps: float, out: Array, work: Work) -> None:
    """Numbers along one of the last two axes of three, less their mean, divided by the root of their variance."""

    def normalise(x: Array, out: Array) -> None:
        _, differences = _centred(x, (axis - 1,), work, out)
        variance = _mean_square(differences, (axis - 1,), work)
        deviation = sqrt(work, add(work, variance, eps, out=variance), out=variance)
        divide(work, differences, deviation, out=differences)

    with in_rows_of(x.shape[-1], work):
        for example, result in zip(x, out, strict=True):
            in_stretches(normalise, 2 - axis, example, result)


@storage(LayerNorm)
def layer_norm_arrays(op: LayerNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    (shape,) = shapes
    return _learned(op.affine, {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis])


@kernel(LayerNorm)
def layer_norm(op: LayerNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    x, out = read_and_write(inputs[0], work)
    across = op.axis == "channels"
    flat = {"all": (1, len(x), -1), "last": (1, -1, x.shape[-1]), "channels": (*x.shape[:2], -1)}[op.axis]
    _normalised(x.reshape(flat), 1 if across else 2, float(op.eps), out.reshape(flat), work)
    if op.affine:
        scale, shift = (_per_channel(each, x) if across else each for each in (weights["scale"], weights["shift"]))
        _learned_map(work, out, scale, shift, out)
    return (out,)


@storage(RmsNorm)
def rms_norm_arrays(op: RmsNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    (shape,) = shapes
    return {"scale": {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis]} if op.affine else {}


@kernel(RmsNorm)
def rms_norm(op: RmsNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    x, out = read_and_write(inputs[0], work)
    axes = {"all": tuple(range(1, x.ndim)), "last": (x.ndim - 1,), "channels": (1,)}[op.axis]
    square = _mean_square(x, axes, work)
    divide(work, x, sqrt(work, add(work, square, float(op.eps), out=square), out=square), out=out)
    if op.affine:
        scale = weights["scale"]
        multiply(work, out, _per_channel(scale, x) if op.axis == "channels" else scale, out=out)
    return (out,)


@storage(InstanceNorm, GroupNorm)
def map_norm_arrays(op: InstanceNorm | GroupNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return _learned(op.affine, shapes[0][:1])


@kernel(InstanceNorm, GroupNorm)
def map_norm(op: InstanceNorm | GroupNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Each map by itself, or groups of neighbouring maps."""
    x, out = read_and_write(inputs[0], work)
    groups = op.groups if isinstance(op, GroupNorm) else x.shape[1]
    flat = (len(x), groups, -1)
    _normalised(x.reshape(flat), 2, float(op.eps), out.reshape(flat), work)
    if op.affine:
        _linear(out, weights["scale"], weights["shift"], out, work)
    return (out,)


@kernel(LocalResponseNorm, divided=Division.APART, taped=True)
def local_response_norm(op: LocalResponseNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Some positions (``within``: some channels) at a time."""
    x, out = read_and_write(inputs[0], work)
    across = op.region == "across"
    examples, results = (view(each, *x.shape[:2], -1) if across else each for each in (x, out))
    for example, result in zip(examples, results, strict=True):
        in_stretches(partial(_respond, op, work), 1 if across else 0, example, result, lane=work.lane)
    return (out,)


def _respond(op: LocalResponseNorm, work: Work, x: Array, out: Array) -> None:
    """Squares with zeros around them are added up as often as a sum has terms, each time shifted by one."""
    axes = (0,) if op.region == "across" else tuple(range(1, x.ndim))
    before = op.size // 2
    framed = tuple(n + op.size - 1 if axis in axes else n for axis, n in enumerate(x.shape))
    squares = work.scratch("squares", framed, x.dtype)
    work.copy(0, squares)
    middle = tuple(slice(before, before + n) if axis in axes else slice(None) for axis, n in enumerate(x.shape))
    multiply(work, x, x, out=squares[middle])
    sums = work.scratch("sums of squares", x.shape, x.dtype)
    for number, shift in enumerate(product(*(range(op.size) if axis in axes else (0,) for axis in range(x.ndim)))):
        terms = squares[tuple(slice(first, first + n) for first, n in zip(shift, x.shape, strict=True))]
        if number:
            add(work, sums, terms, out=sums)
        else:
            work.copy(terms, sums)
    multiply(work, sums, float(op.alpha), out=sums)
    add(work, sums, float(op.k), out=sums)
    divide(work, x, power(work, sums, float(op.beta), out=sums), out=out)


@storage(Standardize)
def standardize_arrays(op: Standardize, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return {"mean": (len(op.mean),), "std": (len(op.std),)}


@kernel(Standardize)
def standardize(op: Standardize, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    x, out = read_and_write(inputs[0], work)
    differences = subtract(work, x, _per_channel(weights["mean"], x), out=out)
    return (divide(work, differences, _per_channel(weights["std"], x), out=out),)
