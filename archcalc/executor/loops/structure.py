"""Rearrangements by their definition: the new index of every number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.tensor import Tensor, Tensors, along, definition, flat, sizes
from archcalc.ops.structure import ChannelShuffle, Flatten, Identity, Reshape, Roll, Slice, Split, Transpose


@definition(Identity)
def identity(op: Identity, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return dict(inputs[0])


@definition(Flatten)
def flatten(op: Flatten, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return {(place,): number for place, number in enumerate(flat(inputs[0]))}


@definition(Reshape)
def reshape(op: Reshape, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    numbers = flat(inputs[0])
    known = prod(size for size in op.shape if size != -1)
    shape = [len(numbers) // known if size == -1 else size for size in op.shape]
    return dict(zip(product(*map(range, shape)), numbers, strict=True))


@definition(Transpose)
def transpose(op: Transpose, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    return {tuple(index[axis] for axis in op.order): number for index, number in inputs[0].items()}


@definition(ChannelShuffle)
def shuffle(op: ChannelShuffle, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Reorder the channels: as a table with a row per group, read column by column."""
    (x,) = inputs
    each = sizes(x)[0] // op.groups
    return {(c % each * op.groups + c // each, *place): number for (c, *place), number in x.items()}


@definition(Roll)
def roll(op: Roll, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    axis = along(op.axis, x)
    n = sizes(x)[axis]
    return {(*index[:axis], (index[axis] + op.shift) % n, *index[axis + 1 :]): number for index, number in x.items()}


@definition(Split)
def split(op: Split, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    axis = along(op.axis, x)
    size = sizes(x)[axis] // op.parts
    return _taken(x, axis, range(op.part * size, (op.part + 1) * size))


@definition(Slice)
def cut(op: Slice, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    axis = along(op.axis, x)
    return _taken(x, axis, range(sizes(x)[axis])[slice(*op.range, op.step)])


def _taken(x: Tensor, axis: int, positions: Sequence[int]) -> Tensor:
    """Return some positions of an axis, in the given order."""
    to = {place: i for i, place in enumerate(positions)}
    return {
        (*index[:axis], to[index[axis]], *index[axis + 1 :]): number for index, number in x.items() if index[axis] in to
    }
