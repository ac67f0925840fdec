"""Means and sums over axes, and sums up to every position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archcalc.numeric import product, require
from archcalc.ops.base import Cost, Operator, Shape, Shapes, axis_index, operations, operator
from archcalc.ops.fields import axis, axis_list, flag
from archcalc.ops.rearrange import reduction_cost
from archcalc.ops.traits import Spread
from archcalc.ops.window import Reach, Window


class Reduction(Operator):
    """An operator that combines all elements along some axes."""

    how: ClassVar[str]
    """What is computed, in the words of ``reduce``."""

    axis: tuple[int, ...] = axis_list(help="one or more axes (1x2): 0 is that of the channels, -1 the last one")
    keep: bool = flag(False, "keep", help="whether the axes remain, with size 1")

    def reduced(self, shape: Shape) -> set[int]:
        """Return the axes over which elements are combined."""
        axes = [axis_index(axis, shape) for axis in self.axis]
        require(len(set(axes)) == len(axes), "an axis of {what} is given twice", what=self.name)
        require(self.keep or len(axes) < len(shape), "{what} over all axes must keep them: write keep", what=self.name)
        return set(axes)

    def output(self, inputs: Shapes) -> Shape:
        reduced = self.reduced(inputs[0])
        sizes = ((axis, 1 if axis in reduced else n) for axis, n in enumerate(inputs[0]))
        return tuple([n for axis, n in sizes if self.keep or axis not in reduced])

    def cost(self, inputs: Shapes) -> Cost:
        return reduction_cost(self.how, product(inputs[0]), product(self.output(inputs)))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        new = self.places(inputs[0])
        return (tuple(None if place is None else Window(axis=place) for place in new),)

    def places(self, shape: Shape) -> list[int | None]:
        """Return the axis of the output for every axis of the input; ``None`` for those that are combined."""
        reduced = self.reduced(shape)
        kept = [axis for axis in range(len(shape)) if self.keep or axis not in reduced]
        return [None if axis in reduced else kept.index(axis) for axis in range(len(shape))]

    def feature_axis(self, inputs: Shapes, features: tuple[int | None, ...]) -> int | None:
        (axis,) = features
        return axis if axis is None or self.keep else self.places(inputs[0])[axis]


@operator("mean", reserved=False)
class Mean(Reduction):
    """Mean over one or more axes, which are removed unless ``keep`` is given.

    Shape:  without the axes; with ``keep`` they have size 1
    Params: none
    Cost:   per output of N elements N − 1 additions and 1 division
    Window: everything along the axes; position by position along others
    Source: PyTorch mean; ONNX ReduceMean
    """

    aliases = ("reducemean",)
    how = "mean"


@operator("sum", reserved=False)
class Sum(Reduction):
    """Sum over one or more axes, which are removed unless ``keep`` is given.

    Shape:  without the axes; with ``keep`` they have size 1
    Params: none
    Cost:   per output of N elements N − 1 additions
    Window: everything along the axes; position by position along others
    Source: PyTorch sum; ONNX ReduceSum
    """

    aliases = ("reducesum",)
    how = "sum"


@operator("cumsum", reserved=False)
class CumulativeSum(Operator):
    """Cumulative sum along an axis: each element plus all elements before it.

    Shape:  any, unchanged
    Params: none
    Cost:   n − 1 additions for every row of n
    Window: everything along the axis (although an output reads only up to its own position); position by position along
            others
    Source: NumPy cumsum; PyTorch cumsum; ONNX CumSum
    """

    axis: int = axis()

    def output(self, inputs: Shapes) -> Shape:
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def cost(self, inputs: Shapes) -> Cost:
        shape = inputs[0]
        at = axis_index(self.axis, shape)
        rows = product((*shape[:at], *shape[at + 1 :]))
        return Cost(operations(add=rows * (shape[at] - 1)))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        at = axis_index(self.axis, inputs[0])
        return (tuple(None if axis == at else Window() for axis in range(len(inputs[0]))),)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the mean and variance in the middle of the axis."""
        half = shapes[0][self.axis] / 2
        return Spread(read[0].mean * half, read[0].variance * half)
