"""Kernels of normalisations."""

from __future__ import annotations

from itertools import product

import numpy as np

from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Arrays, Sizes, Weights, Work, kernel, storage
from archcalc.executor.kernels.activation import STRETCH, read_and_write
from archcalc.executor.kernels.counted import add, divide, multiply, power, sqrt, subtract, total
from archcalc.executor.threads import share
from archcalc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Standardize

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


@kernel(BatchNorm)
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
    """factor·x + offset per channel, so many channels at a time that the addition finds them in the cache."""
    examples, channels = x.shape[:2]
    maps, results = (each.reshape(examples, channels, -1) for each in (x, out))
    factor, offset = factor[:, None], offset[:, None]
    together = max(1, STRETCH // maps.shape[2])

    def part(start: int, stop: int) -> None:
        for example in range(examples):
            for first in range(start, stop, together):
                some = slice(first, min(first + together, stop))
                there = results[example, some]
                add(work, multiply(work, maps[example, some], factor[some], out=there), offset[some], out=there)

    share(part, channels, x.size)


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
    sums = total(work, multiply(work, x, x), axes)
    return divide(work, sums, x.size // sums.size, out=sums)


def _normalised(x: Array, axes: Sizes, eps: float, out: Array, work: Work) -> None:
    """x less its mean, divided by the root of its variance, both along axes."""
    _, differences = _centred(x, axes, work, out)
    variance = _mean_square(differences, axes, work)
    deviation = sqrt(work, add(work, variance, eps, out=variance), out=variance)
    divide(work, differences, deviation, out=differences)


def _learned_map(x: Array, scale: Array, shift: Array, work: Work) -> None:
    """scale·x + shift, in place."""
    add(work, multiply(work, x, scale, out=x), shift, out=x)


@storage(LayerNorm)
def layer_norm_arrays(op: LayerNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    (shape,) = shapes
    return _learned(op.affine, {"all": shape, "last": shape[-1:], "channels": shape[:1]}[op.axis])


@kernel(LayerNorm)
def layer_norm(op: LayerNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    x, out = read_and_write(inputs[0], work)
    axes = {"all": tuple(range(1, x.ndim)), "last": (x.ndim - 1,), "channels": (1,)}[op.axis]
    _normalised(x, axes, float(op.eps), out, work)
    if op.affine:
        scale, shift = weights["scale"], weights["shift"]
        if op.axis == "channels":
            scale, shift = _per_channel(scale, x), _per_channel(shift, x)
        _learned_map(out, scale, shift, work)
    return (out,)


@storage(InstanceNorm, GroupNorm)
def map_norm_arrays(op: InstanceNorm | GroupNorm, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    return _learned(op.affine, shapes[0][:1])


@kernel(InstanceNorm, GroupNorm)
def map_norm(op: InstanceNorm | GroupNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Each map by itself, or groups of neighbouring maps."""
    x, out = read_and_write(inputs[0], work)
    groups = op.groups if isinstance(op, GroupNorm) else x.shape[1]
    together = (x.shape[0], groups, -1)
    _normalised(x.reshape(together), (2,), float(op.eps), out.reshape(together), work)
    if op.affine:
        _learned_map(out, _per_channel(weights["scale"], x), _per_channel(weights["shift"], x), work)
    return (out,)


@kernel(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, inputs: Arrays, weights: Weights, work: Work) -> Arrays:
    """Some positions (``within``: some channels) at a time, so that all steps find them in the cache."""
    x, out = read_and_write(inputs[0], work)
    across = op.region == "across"
    examples, results = (each.reshape(*x.shape[:2], -1) if across else each for each in (x, out))
    length = examples.shape[2 if across else 1]
    together = max(1, STRETCH * length * len(x) // x.size)

    def part(start: int, stop: int) -> None:
        for example, result in zip(examples, results, strict=True):
            for first in range(start, stop, together):
                some = (slice(None),) * across + (slice(first, min(first + together, stop)),)
                _respond(op, example[some], result[some], work)

    share(part, length, x.size)
    return (out,)


def _respond(op: LocalResponseNorm, x: Array, out: Array, work: Work) -> None:
    """Squares with zeros around them are added up as often as a sum has terms, each time shifted by one."""
    axes = (0,) if op.region == "across" else tuple(range(1, x.ndim))
    before = op.size // 2
    framed = tuple(n + op.size - 1 if axis in axes else n for axis, n in enumerate(x.shape))
    squares = work.scratch("squares", framed, x.dtype)
    squares[...] = 0
    middle = tuple(slice(before, before + n) if axis in axes else slice(None) for axis, n in enumerate(x.shape))
    multiply(work, x, x, out=squares[middle])
    sums = work.scratch("sums of squares", x.shape, x.dtype)
    for number, shift in enumerate(product(*(range(op.size) if axis in axes else (0,) for axis in range(x.ndim)))):
        terms = squares[tuple(slice(first, first + n) for first, n in zip(shift, x.shape, strict=True))]
        if number:
            add(work, sums, terms, out=sums)
        else:
            sums[...] = terms
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
