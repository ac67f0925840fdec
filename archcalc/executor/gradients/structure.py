"""Gradients of operators that rearrange or select numbers: every gradient returns to where its number came from.

The kernel itself says where that is: applied to the indices of the numbers of its input, it gives the index of every
number of its output, and 0 for padding.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.kernel import Array, Arrays, Sizes, kernel_of
from archcalc.ops.structure import ChannelShuffle, Flatten, Identity, Reshape, Roll, Slice, Split, Transpose


def numbered_indices(examples: int, sizes: Sizes) -> Array:
    """Return the indices 1, 2, … in the shape of an array."""
    return np.arange(1, examples * prod(sizes) + 1).reshape(examples, *sizes)


def scattered_sums(g: Array, places: Array, shape: Sizes) -> Array:
    """Return sums of gradients by the index, from 1, of the number in an array of a shape that they are of.

    Args:
        g: the gradients, batch in front.
        places: the index of the number for each of them; 0 if there is none. If the first axis has size 1, the
            indices are those within an example, and the same for all examples.
        shape: the shape of the array.
    """
    size = prod(shape)
    if len(places) == len(g):
        return np.bincount(places.reshape(-1), g.reshape(-1), size + 1)[1:].astype(g.dtype).reshape(shape)
    each, flat = size // len(g), places.reshape(-1)
    found = [np.bincount(flat, example.reshape(-1), each + 1)[1:] for example in g]
    return np.stack(found).astype(g.dtype).reshape(shape)


def rearrangement_gradient(op: Any, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Return the gradient of an operator that rearranges, selects or repeats numbers of its first input.

    Further inputs are indices, which differ from example to example.
    """
    x, *indices = layer.inputs
    places = numbered_indices(len(x) if indices else 1, x.shape[1:])
    (found,) = kernel_of(op)(op, (places, *indices), {}, layer.context)
    return Gradients((scattered_sums(given[0], found, x.shape), *(None for _ in indices)))


gradient(Roll, Split, Slice)(rearrangement_gradient)


@gradient(Identity)
def identity(op: Identity, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    return Gradients(given)


@gradient(Flatten, Reshape)
def reshape(op: Flatten | Reshape, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    return Gradients((given[0].reshape(layer.inputs[0].shape),))


@gradient(Transpose)
def transpose(op: Transpose, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    return Gradients((np.transpose(given[0], (0, *(axis + 1 for axis in np.argsort(op.order)))),))


@gradient(ChannelShuffle)
def shuffle(op: ChannelShuffle, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    (g,) = given
    grouped = g.reshape(len(g), -1, op.groups, *g.shape[2:])
    return Gradients((grouped.swapaxes(1, 2).reshape(g.shape),))
