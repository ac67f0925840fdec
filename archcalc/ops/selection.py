"""Elements at given indices, and the largest elements with their indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from archcalc.numeric import Number, exact_div, product, require
from archcalc.ops.backward import Kept, Needs, inputs_kept
from archcalc.ops.base import Cost, Operator, Shape, Shapes, WrittenShapes, axis_index, operations, operator
from archcalc.ops.fields import axis, flag, integer
from archcalc.ops.traits import NoGradient, Spread
from archcalc.ops.window import Reach, Window


class Indexed(Operator):
    """A join of a tensor with indices along one of its axes."""

    no_gradient = NoGradient("indices are integers", inputs=(1,))
    arity: ClassVar[int | None] = None
    pairs_features = True

    axis: int = axis()

    def indexed(self, inputs: Shapes) -> int:
        """Return the axis that the indices refer to."""
        require(
            len(inputs) == 2,
            "{what} needs a tensor and indices, got {count} tensors",
            what=self.name,
            count=len(inputs),
        )
        return axis_index(self.axis, inputs[0])

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the indices."""
        return inputs_kept([1])

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return read[0]


@operator("take", reserved=False)
class Take(Indexed):
    """The elements of the first tensor at indices along an axis; the axes of the indices replace that axis.

    The indices are the elements of the second tensor, rounded, and clipped to the positions of the axis.

    Shape:  a…×n×b… and m… → a…×m…×b…
    Params: none
    Cost:   nothing (a lookup)
    Window: everything along the axis; position by position along others
    Source: NumPy take; PyTorch index_select; ONNX Gather
    """

    aliases = ("indexselect",)

    def output(self, inputs: Shapes) -> Shape:
        at = self.indexed(inputs)
        shape, indices = inputs
        return (*shape[:at], *indices, *shape[at + 1 :])

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        at = self.indexed(inputs)
        shape, indices = inputs
        moved = len(indices) - 1
        read = [None if axis == at else Window(axis=axis if axis < at else axis + moved) for axis in range(len(shape))]
        return (tuple(read), tuple([Window(axis=at + axis) for axis in range(len(indices))]))


@operator("gather", reserved=False)
class Gather(Indexed):
    """The elements of the first tensor at indices along an axis, separate ones at every position of the other axes.

    The indices are the elements of the second tensor, rounded, and clipped to the positions of the axis.

    Shape:  a…×n×b… and a…×m×b… → a…×m×b…
    Params: none
    Cost:   nothing (a lookup)
    Window: everything along the axis; position by position along others
    Source: NumPy take_along_axis; PyTorch gather; ONNX GatherElements
    """

    aliases = ("gatherelements", "takealongdim", "takealongaxis")

    def output(self, inputs: Shapes) -> Shape:
        at = self.indexed(inputs)
        shape, indices = inputs
        written = WrittenShapes(inputs)
        require(
            len(shape) == len(indices), "gather needs indices with the axes of the tensor: {shapes}", shapes=written
        )
        for number, (n, m) in enumerate(zip(shape, indices, strict=True)):
            if number != at:
                message = "gather along axis {axis} needs equal sizes on all others: {shapes}"
                require(n == m, message, axis=self.axis, shapes=written)
        return indices

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        at = self.indexed(inputs)
        rank = len(inputs[0])
        read = [None if axis == at else Window() for axis in range(rank)]
        return (tuple(read), (Window(),) * rank)


@operator("topk", reserved=False)
class TopK(Operator):
    """The largest elements along an axis, in descending order; their indices are the additional output ``indices``.

    With ``smallest``, the smallest elements in ascending order. Of equal elements, the first comes first. With the size
    of the axis as ``count``, the elements are sorted; with 1, the index is that of the maximum.

    Shape:  n → count along the axis
    Params: none
    Cost:   comparisons, as in a selection sort that stops after count elements: count·(n − 1) − count·(count − 1)/2 for
            every row of n
    Window: everything along the axis; position by position along others
    Source: PyTorch topk, sort, argmax; ONNX TopK, ArgMax
    """

    no_gradient = NoGradient("indices are integers", outputs=(1,))
    aliases = ("argmax", "argmin", "sort", "argsort")
    further_outputs = ("indices",)
    pairs_features = True

    count: Number = integer(positional=True, help="number of elements")
    axis: int = axis()
    smallest: bool = flag(False, "smallest", reserved=False, help="whether to take the smallest elements")

    def output(self, inputs: Shapes) -> Shape:
        shape = inputs[0]
        at = axis_index(self.axis, shape)
        message = "an axis of {n} does not have {count} elements"
        require(self.count <= shape[at], message, n=shape[at], count=self.count)
        return (*shape[:at], self.count, *shape[at + 1 :])

    def outputs(self, inputs: Shapes) -> Shapes:
        return (self.output(inputs),) * 2

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the indices."""
        return (Kept("output", 1),)

    def cost(self, inputs: Shapes) -> Cost:
        shape = inputs[0]
        at = axis_index(self.axis, shape)
        rows = product((*shape[:at], *shape[at + 1 :]))
        compared = self.count * (shape[at] - 1) - exact_div(self.count * (self.count - 1), 2)
        return Cost(operations(cmp=rows * compared))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        at = axis_index(self.axis, inputs[0])
        return (tuple(None if axis == at else Window() for axis in range(len(inputs[0]))),)

    def on_one_channel(self, rank: int, features: int | None = 0) -> Operator:
        """Return the operator on one channel, of which there is one element."""
        return replace(self, count=1) if self.axis % rank == features else super().on_one_channel(rank, features)
