"""Operators that rearrange or select elements without arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from archcalc.numeric import (
    Number,
    PlainNumberRequired,
    both,
    ceil_div,
    exact_div,
    known_equal,
    may_equal,
    product,
    require,
    require_divisible,
    select,
)
from archcalc.ops.base import (
    Operator,
    Shape,
    Shapes,
    WrittenShapes,
    axis_index,
    complete_reach,
    operator,
    pointwise_reach,
)
from archcalc.ops.fields import axis, integer, positions, sizes
from archcalc.ops.view import View
from archcalc.ops.window import UNKNOWN, Reach, Window


@operator("identity")
class Identity(Operator):
    """The current tensor, unchanged; in a join, the tensor before the join.

    Shape:  any, unchanged
    Params: none
    Cost:   nothing
    Window: position by position
    Source: He et al. 2016 (the shortcut of a residual unit)
    """

    keeps_numbers = True


@operator("flatten")
class Flatten(Operator):
    """All elements as one vector, channels outermost.

    Shape:  any n… → the product of n…
    Params: none
    Cost:   nothing
    Window: everything
    Source: PyTorch Flatten
    """

    keeps_numbers = True
    flattens = True
    reorders = True

    def output(self, inputs: Shapes) -> Shape:
        return (product(inputs[0]),)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (complete_reach(inputs[0]),)

    def rearranged(self, view: View, shape: Shape) -> View:
        return view.reshaped(shape)


@operator("reshape")
class Reshape(Operator):
    """The same elements in the same order (the last axis varies fastest) in another shape.

    Shape:  any → shape; one size may be −1, which is inferred
    Params: none
    Cost:   nothing
    Window: the positions given by the factors of split or merged axes; unknown if they cannot be followed
    Source: PyTorch reshape; ONNX Reshape
    """

    keeps_numbers = True
    reorders = True

    shape: Shape = sizes(positional=True, at_least=-1, each="axis", help="the new shape; one size may be -1 (inferred)")

    def output(self, inputs: Shapes) -> Shape:
        open_axes = [axis for axis, size in enumerate(self.shape) if _is_open(size)]
        given = [size for axis, size in enumerate(self.shape) if axis not in open_axes]
        require(len(open_axes) <= 1, "reshape can infer at most one size (-1), got {count}", count=len(open_axes))
        for size in given:
            require(size >= 1, "a size must be at least 1 (or -1: inferred), got {size}", size=size)
        elements, known = product(inputs[0]), product(given)
        fits = elements % known == 0 if open_axes else elements == known
        require(
            fits,
            "cannot reshape {before} ({elements} numbers) to {after}",
            before=WrittenShapes(inputs),
            elements=elements,
            after=WrittenShapes((self.shape,)),
        )
        return tuple(exact_div(elements, known) if axis in open_axes else s for axis, s in enumerate(self.shape))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        """Return the bound that windows alone can give; `rearranged` gives the positions."""
        return (complete_reach(inputs[0]),)

    def rearranged(self, view: View, shape: Shape) -> View:
        return view.reshaped(shape)


def _is_open(size: Number) -> bool:
    """Return whether a size is to be inferred.

    Raises:
        PlainNumberRequired: it is to be inferred in some configurations only.
    """
    if may_equal(size, -1) and not known_equal(size, -1):
        raise PlainNumberRequired("a size that is inferred in some configurations")
    return known_equal(size, -1)


@operator("transpose")
class Transpose(Operator):
    """Permutation of the axes: output axis i is input axis order[i].

    Shape:  n₀×n₁… → n at order[0] × n at order[1] …
    Params: none
    Cost:   nothing
    Window: position by position along the axis that a spatial axis became; everything where it became the channels
    Source: NumPy transpose; PyTorch permute
    """

    keeps_numbers = True
    aliases = ("permute",)
    reorders = True

    order: tuple[int, ...] = sizes(positional=True, at_least=0, help="the axes in their new order; 0: the channels")

    def output(self, inputs: Shapes) -> Shape:
        rank = len(inputs[0])
        require(
            sorted(self.order) == list(range(rank)),
            "transpose of {rank} axes needs each of 0 … {last} once, got {order}",
            rank=rank,
            last=rank - 1,
            order=WrittenShapes((self.order,)),
        )
        return tuple(inputs[0][axis] for axis in self.order)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        became = [self.order.index(axis) for axis in range(len(inputs[0]))]
        return (tuple(Window() if new == axis else Window(axis=new) for axis, new in enumerate(became)),)

    def rearranged(self, view: View, shape: Shape) -> View:
        return view.transposed(self.order)


@operator("shuffle")
class ChannelShuffle(Operator):
    """Channel shuffle: the channels as groups × (C/groups), transposed, so that each group has channels of all groups.

    Shape:  any, unchanged
    Params: none
    Cost:   nothing
    Window: position by position
    Source: Zhang et al. 2018 (ShuffleNet); PyTorch ChannelShuffle
    """

    keeps_numbers = True
    reads_features = "first"
    single_channel: ClassVar[Mapping[str, Any]] = {"groups": 1}

    groups: Number = integer(positional=True, help="number of groups; must divide the channels")

    def output(self, inputs: Shapes) -> Shape:
        require_divisible(inputs[0][0], self.groups, "{number} channels are not divisible by {divisor} groups")
        return inputs[0]

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((UNKNOWN, *pointwise_reach(inputs[0])[1:]),)


class Selection(Operator):
    """A selection of positions along one axis."""

    selects_part = True

    axis: int = axis()

    def chosen(self, n: Number) -> tuple[Number, Number, Number]:
        """Return the first selected position of ``n``, the step to the next, and the number of selected positions."""
        raise NotImplementedError

    def output(self, inputs: Shapes) -> Shape:
        shape = inputs[0]
        axis = axis_index(self.axis, shape)
        _, _, count = self.chosen(shape[axis])
        return (*shape[:axis], count, *shape[axis + 1 :])

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        shape = inputs[0]
        cut = axis_index(self.axis, shape)
        start, step, _ = self.chosen(shape[cut])
        chosen = Window(stride=step, padding=-start)
        return (tuple(chosen if axis == cut else Window() for axis in range(len(shape))),)

    def on_one_channel(self, rank: int, features: int | None = 0) -> Operator:
        """Return the operator on one channel; a selection of channels is then the identity."""
        return Identity() if self.axis % rank == features else super().on_one_channel(rank, features)


@operator("roll", reserved=False)
class Roll(Operator):
    """Cyclic shift: position i takes the element i − shift, and those shifted out at one end enter at the other.

    Shape:  any, unchanged
    Params: none
    Cost:   nothing
    Window: size 1, along a shifted spatial axis padding shift; beyond one end, the positions at the other
    Source: NumPy roll; PyTorch roll; Liu et al. 2021 (Swin Transformer)
    """

    keeps_numbers = True

    shift: int = integer(positional=True, at_least=None, help="by how many positions; negative shifts to the front")
    axis: int = axis(0, help="the axis: 0 is that of the channels, -1 the last one")

    def output(self, inputs: Shapes) -> Shape:
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        rolled = axis_index(self.axis, inputs[0])
        shifted = Window(padding=self.shift, border="circular")
        return (tuple(shifted if axis == rolled else Window() for axis in range(len(inputs[0]))),)


@operator("split")
class Split(Selection):
    """One of several equal parts of an axis.

    Shape:  the axis of n becomes n/parts
    Params: none
    Cost:   nothing
    Window: size 1, along a split spatial axis padding −part·n/parts
    Source: PyTorch chunk; ONNX Split
    """

    parts: Number = integer(positional=True, help="number of equal parts; must divide the axis")
    part: Number = integer(at_least=0, help="index of the part, from 0")

    def chosen(self, n: Number) -> tuple[Number, Number, Number]:
        parts, part = self.parts, self.part
        require_divisible(n, parts, "an axis of size {number} cannot be split into {divisor} equal parts")
        require(
            both(part >= 0, part < parts),
            "part {part} does not exist: there are {parts} parts, counted from 0",
            parts=parts,
            part=part,
        )
        size = exact_div(n, parts)
        return part * size, 1, size


@operator("slice")
class Slice(Selection):
    """The positions start, start + step, … before stop of an axis. Negative ones count from its end.

    Unlike in Python, a slice that extends beyond the axis or is empty is an error.

    Shape:  the axis becomes ⌈(stop − start)/step⌉
    Params: none
    Cost:   nothing
    Window: size 1, along a sliced spatial axis stride step, padding −start
    Source: NumPy slicing; ONNX Slice
    """

    range: tuple[Number | None, Number | None] = positions(
        positional=True, help="start and stop; either may be omitted"
    )
    step: Number = integer(1, help="distance between selected positions")

    def chosen(self, n: Number) -> tuple[Number, Number, Number]:
        first, end = self.range
        start = 0 if first is None else select(first < 0, first + n, first)
        stop = n if end is None else select(end < 0, end + n, end)
        for place in (start, stop):
            require(both(place >= 0, place <= n), "position {place} is outside an axis of size {n}", place=place, n=n)
        require(
            start < stop,
            "the slice from {start} to {stop} of an axis of size {n} is empty",
            start=start,
            stop=stop,
            n=n,
        )
        return start, self.step, ceil_div(stop - start, self.step)
