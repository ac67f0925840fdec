"""Layers of several tensors."""

from __future__ import annotations

from fractions import Fraction

from archcalc.graph import Ref
from archcalc.ops import joins
from archcalc.ops.arithmetic import Scale
from archcalc.ops.base import Operator
from archcalc.ops.product import Einsum
from archcalc.ops.structure import Identity
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView, checked_axis
from archcalc.readers.steps import make

JOINS: dict[str, Operator] = {
    "Add": joins.Add(),
    "Average": joins.Add(),
    "Maximum": joins.Max(),
    "Minimum": joins.Min(),
    "Multiply": joins.Mul(),
    "Subtract": joins.Sub(),
}


def aligned(n: LayerView, tensors: list[Ref]) -> list[Ref]:
    """Return tensors with as many axes as the one with the most, new ones before their own."""
    rank = max(map(n.rank, tensors))
    found = []
    for each in tensors:
        shape = n.file_shape(each)
        if len(shape) < rank:
            whole = (*(1,) * (rank - len(shape)), *shape)
            each = n.from_file(n.reshaped(n.in_file(each), whole))
        found.append(each)
    return found


@converts(*JOINS)
def join(n: LayerView) -> Ref:
    name, tensors = n.call.layer.class_name, n.tensors
    if len(n.call.args) > 1:
        raise Unconvertible("a list of tensors must be given")
    if len(tensors) == 1:
        return n.add(Identity(), tensors[0])
    made = n.add(JOINS[name], *aligned(n, tensors))
    return n.add(make(Scale, factor=Fraction(1, len(tensors))), made) if name == "Average" else made


@converts("CustomScaleLayer")
def scaled_residual(n: LayerView) -> Ref:
    """Convert x + scale·y, as in Keras's Inception-ResNet."""
    one, other = n.tensors
    return n.add(joins.Add(), one, n.add(make(Scale, factor=n.number("scale")), other))


@converts("Concatenate")
def concatenate(n: LayerView) -> Ref:
    tensors = n.tensors
    rank = n.rank(tensors[0])
    axis = n.at(n.axis("axis", rank), rank)
    return n.add(make(joins.Concat, axis=axis), *tensors) if len(tensors) > 1 else n.add(Identity(), tensors[0])


@converts("Dot")
def dot(n: LayerView) -> Ref:
    """Convert sums of products along one axis of each of two tensors."""
    one, other = n.tensors
    ranks = n.rank(one), n.rank(other)
    given = n.get("axes")
    pair = [given, given] if type(given) is int else given
    if not isinstance(pair, list) or len(pair) != 2 or n.flag("normalize", False):
        raise Unconvertible("'axes' must be one axis of each tensor, and 'normalize' false")
    axes = [checked_axis(axis, rank) for axis, rank in zip(pair, ranks, strict=True)]
    first = [f"a{axis}" for axis in range(1, ranks[0] + 1)]
    second = [f"b{axis}" for axis in range(1, ranks[1] + 1)]
    made = [each for at, each in enumerate(first, 1) if at != axes[0]]
    made += [each for at, each in enumerate(second, 1) if at != axes[1]]
    second[axes[1] - 1] = first[axes[0] - 1]
    read = [n.in_file(one), n.in_file(other)]
    if not made:  # a single number
        read[0] = n.reshaped(read[0], (1, *n.shape(read[0])))
        first, made = ["one", *first], ["one"]
    pattern = f"{' '.join(first)}, {' '.join(second)} = {' '.join(made)}"
    return n.from_file(n.add(make(Einsum, pattern=pattern), *read))
