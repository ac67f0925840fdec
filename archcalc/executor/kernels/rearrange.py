"""Kernels of rearrangements, reductions and repetitions in einops' notation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel
from archcalc.executor.kernels.counted import CountedReduction, divide, largest, multiplied, smallest, total
from archcalc.ops.pattern import Axes, parse
from archcalc.ops.rearrange import ExplicitPattern, PixelShuffle, Rearrange, Reduce, Repeat, SpaceToDepth

REDUCTIONS: Mapping[str, CountedReduction] = {
    "sum": total,
    "mean": total,
    "max": largest,
    "min": smallest,
    "prod": multiplied,
}


def combined(how: str, x: Array, axes: Sizes, context: Context) -> Array:
    """Return the mean, sum, maximum, minimum or product along axes, which are kept with size 1."""
    result = REDUCTIONS[how](context, x, axes)
    return divide(context, result, x.size // result.size, out=result) if how == "mean" else result


@kernel(Rearrange, Repeat)
def rearrange(op: Rearrange | Repeat, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    """Split axes, permute them with the new ones, and merge them."""
    x, sizes = split_axes(op, inputs[0])
    parsed = parse(op.pattern)
    new = [name for name in parsed.output_names if name not in parsed.input_names]
    x = np.broadcast_to(x.reshape(*x.shape, *(1 for _ in new)), (*x.shape, *(sizes[name] for name in new)))
    return (_merged(x, (*parsed.input_names, *new), parsed.output),)


@kernel(Reduce)
def reduce(op: Reduce, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    x, _ = split_axes(op, inputs[0])
    parsed = parse(op.pattern)
    gone = tuple([1 + place for place, name in enumerate(parsed.input_names) if name not in parsed.output_names])
    x = combined(op.how, x, gone, context).squeeze(gone)
    return (_merged(x, [name for name in parsed.input_names if name in parsed.output_names], parsed.output),)


def split_axes(op: ExplicitPattern, x: Array) -> tuple[Array, dict[str, int]]:
    """Return the tensor with one axis per name on the left, and the sizes of all names."""
    parsed = parse(op.pattern)
    sizes = dict(op.sizes)
    for axis, n in zip(parsed.inputs[0], x.shape[1:], strict=True):
        known = prod(sizes[name] for name in axis if name in sizes)
        sizes.update({name: n // known for name in axis if name not in sizes})
    return x.reshape(len(x), *(sizes[name] for name in parsed.input_names)), sizes


def _merged(x: Array, names: Sequence[str], output: Axes) -> Array:
    """Return a tensor with one axis per name with its axes permuted and merged."""
    made = [name for axis in output for name in axis]
    x = x.transpose(0, *(1 + names.index(name) for name in made))
    sizes = dict(zip(made, x.shape[1:], strict=True))
    return x.reshape(len(x), *(prod(sizes[name] for name in axis) for axis in output))


@kernel(PixelShuffle)
def pixel_shuffle(op: PixelShuffle, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    rank, r = x.ndim - 2, op.block
    blocks = x.reshape(len(x), -1, *(r for _ in range(rank)), *x.shape[2:])
    pairs = [axis for place in range(rank) for axis in (2 + rank + place, 2 + place)]
    return (blocks.transpose(0, 1, *pairs).reshape(len(x), -1, *(n * r for n in x.shape[2:])),)


@kernel(SpaceToDepth)
def space_to_depth(op: SpaceToDepth, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    (x,) = inputs
    rank, r = x.ndim - 2, op.block
    blocks = x.reshape(*x.shape[:2], *(size for n in x.shape[2:] for size in (n // r, r)))
    inner, outer = range(3, 3 + 2 * rank, 2), range(2, 2 + 2 * rank, 2)
    return (blocks.transpose(0, 1, *inner, *outer).reshape(len(x), -1, *(n // r for n in x.shape[2:])),)
