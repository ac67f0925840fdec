"""Elements at given indices, and the largest elements with their indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from archcalc.numeric import Number, exact_div, may_equal, product, require
from archcalc.ops.backward import Kept, Needs, inputs_kept
from archcalc.ops.base import Cost, Operator, Shape, Shapes, WrittenShapes, axis_index, operations, operator
from archcalc.ops.fields import axis, flag, integer, word
from archcalc.ops.joins import broadcasts, extremes_kept
from archcalc.ops.traits import NoGradient, Spread
from archcalc.ops.window import Reach, Window


class IndexedJoin(Operator):
    """A join of a tensor with indices along one of its axes."""

    no_gradient = NoGradient("indices are integers", inputs=(1,))
    arity: ClassVar[int | None] = None
    joined = (2, 2)
    pairs_features = True
    operands: ClassVar[tuple[str, ...]] = ("a tensor", "indices")

    axis: int = axis()

    def indexed(self, inputs: Shapes) -> int:
        """Return the axis that the indices refer to."""
        require(
            len(inputs) == len(self.operands),
            "{what} needs {operands} and {last}, got {count} tensors",
            what=self.name,
            operands=", ".join(self.operands[:-1]),
            last=self.operands[-1],
            count=len(inputs),
        )
        return axis_index(self.axis, inputs[0])

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the indices."""
        return inputs_kept([1])

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return read[0]


@operator("take", reserved=False)
class Take(IndexedJoin):
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
class Gather(IndexedJoin):
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


@operator("scatter", reserved=False)
class Scatter(IndexedJoin):
    """The first tensor, with the values of the third one at the indices of the second one along an axis.

    With ``how=sum``, ``prod``, ``max`` or ``min``, a value is combined with the element at its index. Otherwise, it
    replaces that element; of several values at the same index, the last one counts. Along other axes, indices of size 1
    apply to all positions. Indices are rounded, and clipped to the positions of the axis.

    Shape:  a…×n×b…, a…×m×b… (or 1…×m×1…) and a…×m×b… → a…×n×b…
    Params: none
    Cost:   per value 1 addition (``sum``), multiplication (``prod``) or comparison (``max``, ``min``); a replacement
            costs nothing
    Window: position by position; all indices and values along the axis
    Source: NumPy put_along_axis, ufunc.at; PyTorch scatter, scatter_reduce; ONNX ScatterElements
    """

    aliases = ("scatterelements", "scatterreduce", "putalongaxis")
    operands = ("a tensor", "indices", "values")
    joined = (3, 3)

    how: str = word(
        "replace", "replace", "sum", "prod", "max", "min", help="what a value does to the element at its index"
    )

    def output(self, inputs: Shapes) -> Shape:
        at = self.indexed(inputs)
        shape, indices, values = inputs
        written = WrittenShapes(inputs)
        same_axes = len(shape) == len(indices) == len(values)
        require(same_axes, "scatter needs indices and values with the axes of the tensor: {shapes}", shapes=written)
        for number, (n, m, count) in enumerate(zip(shape, indices, values, strict=True)):
            if number == at:
                message = "scatter along axis {axis} needs one index for every value along it: {shapes}"
                require(m == count, message, axis=self.axis, shapes=written)
                continue
            message = "scatter along axis {axis} needs equal sizes on all others: {shapes}"
            require(n == count, message, axis=self.axis, shapes=written)
            fits = (m - 1) * (m - n) == 0 if may_equal(m, 1) else m == n  # one index, or one for each position
            require(fits, message, axis=self.axis, shapes=written)
        return shape

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the indices; for extremes also what is compared, and for products the factors."""
        if self.how in ("replace", "sum"):
            return inputs_kept([1])
        return extremes_kept(inputs) if self.how in ("max", "min") else inputs_kept(range(3))

    def cost(self, inputs: Shapes) -> Cost:
        kind = {"sum": "add", "prod": "mul", "max": "cmp", "min": "cmp"}.get(self.how)
        return Cost() if kind is None else Cost({kind: product(inputs[2])})

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        at = self.indexed(inputs)
        shape, indices, _ = inputs
        others = [
            Window(stride=0) if broadcasts(m) and not broadcasts(n) else Window()
            for n, m in zip(shape, indices, strict=True)
        ]
        at_indices = [None if axis == at else each for axis, each in enumerate(others)]
        at_values = [None if axis == at else Window() for axis in range(len(shape))]
        return ((Window(),) * len(shape), tuple(at_indices), tuple(at_values))


@operator("topk", reserved=False)
class TopK(Operator):
    """The largest elements along an axis, in descending order; their indices are the additional output ``indices``.

    With ``smallest``, they are the smallest ones, in ascending order. Of equal elements, the first comes first. With
    the size of the axis as ``count``, the elements are sorted; with 1, the index is that of the maximum.

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
