"""Layers that rearrange elements. Keras orders them with the channels last; graphs may have them first."""

from __future__ import annotations

from archcalc.graph import Ref
from archcalc.numeric import Number, known_equal
from archcalc.ops.base import Shape
from archcalc.ops.rearrange import Rearrange, Repeat
from archcalc.ops.structure import Flatten, Identity
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make


def in_order(n: LayerView, x: Ref, axes: list[int]) -> Ref:
    """Return all elements as one vector, the last of these axes varying fastest."""
    rank = n.rank(x)
    if rank == 1:
        return n.add(Identity(), x)
    shape, order = n.shape(x), [n.at(axis, rank) for axis in axes]
    long = [axis for axis in order if not known_equal(shape[axis], 1)]
    if long == sorted(long):
        return n.add(Flatten(), x)
    names = [f"a{axis}" for axis in range(rank)]
    pattern = f"{' '.join(names)} = ({' '.join(names[axis] for axis in order)})"
    return n.add(make(Rearrange, pattern=pattern), x)


@converts("Flatten")
def flatten(n: LayerView) -> Ref:
    """Convert the elements as a vector, with the channels varying fastest, even if the file has them first."""
    rank = n.rank(n.x)
    axes = list(range(1, rank + 1))
    return in_order(n, n.x, axes if n.channels_last or rank < 2 else [*axes[1:], 1])


def reshape_to(n: LayerView, x: Ref, target: Shape) -> Ref:
    """Return the elements of a tensor in another shape, both in the order of Keras; one size may be −1."""
    if len(target) == 1:
        return in_order(n, x, list(range(1, n.rank(x) + 1)))
    read = n.in_file(x)
    return n.from_file(n.reshaped(read, tuple(target or (1,))))


@converts("Reshape")
def reshape(n: LayerView) -> Ref:
    target = n.get("target_shape")
    if not isinstance(target, list) or not all(type(each) is int for each in target):
        raise Unconvertible("'target_shape' must be integers")
    made = reshape_to(n, n.x, tuple(target))
    return n.add(Identity(), made) if made == n.x else made


@converts("Permute")
def permute(n: LayerView) -> Ref:
    dims, rank = n.get("dims"), n.rank(n.x)
    if not isinstance(dims, list) or sorted(dims) != list(range(1, rank + 1)):
        raise Unconvertible("'dims' must name each axis once")
    made = n.from_file(n.arranged(n.x, dims))
    return n.add(Identity(), made) if made == n.x else made


@converts("RepeatVector")
def repeat_vector(n: LayerView) -> Ref:
    count: Number = n.integer("n")
    return n.from_file(n.add(make(Repeat, pattern="c = n c", sizes=(("n", count),)), n.x))
