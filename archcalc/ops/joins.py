"""Joins: operators that combine several tensors into one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from math import prod
from typing import ClassVar

from archcalc.numeric import Number, known_equal, maximum, may_equal, minimum, product, require
from archcalc.ops.backward import OUTPUT, Kept, Needs, inputs_kept
from archcalc.ops.base import (
    Cost,
    Operator,
    Shape,
    Shapes,
    WrittenShapes,
    axis_index,
    operations,
    operator,
    per_axis,
)
from archcalc.ops.fields import axis, word
from archcalc.ops.formats import INTEGERS
from archcalc.ops.traits import NoGradient, Spread
from archcalc.ops.window import Reach, Window


def broadcasts(n: Number) -> bool:
    """Return whether an axis of this size broadcasts: it is 1 in every configuration, not only in some."""
    return known_equal(n, 1)


def broadcast_size(what: str, sizes: Iterable[Number], inputs: Shapes) -> Number:
    """Return the size of an axis after broadcasting; the sizes that are not 1 must be equal.

    Args:
        what: the operator, for the message.
        sizes: the sizes of the axis.
        inputs: the shapes of the inputs, for the message.
    """
    agreed: Number = 1
    for size in sizes:
        if broadcasts(agreed):
            agreed = size
        elif not broadcasts(size) and not known_equal(agreed, size):
            undecided = may_equal(agreed, 1) or may_equal(size, 1)  # 1, and broadcast, in some configurations only
            fits = (agreed - size) * (agreed - 1) * (size - 1) == 0 if undecided else agreed == size
            require(fits, "{what} needs equal shapes: {shapes}", what=what, shapes=WrittenShapes(inputs))
            agreed = maximum(agreed, size) if undecided else agreed
    return agreed


class ElementwiseJoin(Operator):
    """A join of corresponding elements. Axes of size 1 broadcast; a vector C joined with C×n… is used as C×1…."""

    arity: ClassVar[int | None] = None
    operation: ClassVar[str] = ""
    """The kind of operation that joins two elements."""

    def output(self, inputs: Shapes) -> Shape:
        rank = max(map(len, inputs))
        shapes = [(*shape, *(1,) * (rank - 1)) if len(shape) == 1 else shape for shape in inputs]
        require(
            all(len(shape) == rank for shape in shapes),
            "{what} needs tensors with the same number of axes (or vectors): {shapes}",
            what=self.name,
            shapes=WrittenShapes(inputs),
        )
        return tuple(broadcast_size(self.name, sizes, inputs) for sizes in per_axis(*shapes))

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(operations(**{self.operation: product(self.output(inputs)) * (len(inputs) - 1)}))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        output = self.output(inputs)
        return tuple(tuple(map(_window, shape, output)) for shape in inputs)


def extremes_kept(inputs: Shapes) -> tuple[Kept, ...]:
    """Return all inputs and the output, which is one of them at every position."""
    return (*inputs_kept(range(len(inputs))), OUTPUT)


def _window(n: Number, m: Number) -> Window:
    broadcast = broadcasts(n) and not broadcasts(m)
    return Window(stride=0) if broadcast else Window()


@operator("add")
class Add(ElementwiseJoin):
    """Sum of tensors.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   per output, one addition fewer than there are inputs
    Window: position by position; the one position of a broadcast axis
    Source: He et al. 2016; ONNX Add, Sum
    """

    operation = "add"

    def passes_gradient_unchanged(self, place: int, inputs: Shapes) -> bool:
        own, output = inputs[place], self.output(inputs)
        return len(own) == len(output) and all(known_equal(n, m) for n, m in zip(own, output, strict=True))

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return Spread(sum(each.mean for each in read), sum(each.variance for each in read))


@operator("sub")
class Sub(ElementwiseJoin):
    """The first tensor minus the others.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   per output, one addition fewer than there are inputs (a subtraction counts as an addition)
    Window: position by position; the one position of a broadcast axis
    Source: ONNX Sub
    """

    operation = "add"

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        means = [each.mean for each in read]
        return Spread(2 * means[0] - sum(means), sum(each.variance for each in read))


@operator("mul")
class Mul(ElementwiseJoin):
    """Element-wise product of tensors, as in gates.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   per output, one multiplication fewer than there are inputs; no macs
    Window: position by position; the one position of a broadcast axis
    Source: Hu et al. 2018 (Squeeze-and-Excitation); ONNX Mul
    """

    aliases = ("multiply",)

    operation = "mul"

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return every input that another one is multiplied by whose gradient is needed."""
        others = range(len(inputs))
        return inputs_kept([at for at in others if any(needs.inputs[other] for other in others if other != at)])

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        mean = prod(each.mean for each in read)
        return Spread(mean, prod(each.square for each in read) - mean**2)


@operator("max")
class Max(ElementwiseJoin):
    """Element-wise maximum of tensors.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   per output, one comparison fewer than there are inputs
    Window: position by position; the one position of a broadcast axis
    Source: Goodfellow et al. 2013; ONNX Max
    """

    operation = "cmp"

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        return extremes_kept(inputs)


@operator("min", reserved=False)
class Min(ElementwiseJoin):
    """Element-wise minimum of tensors.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   per output, one comparison fewer than there are inputs
    Window: position by position; the one position of a broadcast axis
    Source: NumPy minimum; ONNX Min
    """

    operation = "cmp"

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        return extremes_kept(inputs)


@operator("div", reserved=False)
class Div(ElementwiseJoin):
    """The first tensor divided by the others.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   per output, one division fewer than there are inputs
    Window: position by position; the one position of a broadcast axis
    Source: NumPy divide; ONNX Div
    """

    aliases = ("divide",)

    operation = "div"

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the divisors that are divided by again, and the output for the gradients of divisors."""
        first, *others = needs.inputs
        divisors = inputs_kept([at for at, needed in enumerate(others, start=1) if needed or first])
        return (*divisors, OUTPUT) if any(others) else divisors

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the mean and variance if the divisors were constants: their root mean squares."""
        first, *others = read
        divisor = max(prod(each.square for each in others), 1e-12) ** 0.5
        return Spread(first.mean / divisor, first.variance / divisor**2)


@operator("where", reserved=False)
class Where(ElementwiseJoin):
    """Elements of the second tensor where the first is positive, elements of the third elsewhere.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   1 comparison per output
    Window: position by position; the one position of a broadcast axis
    Source: NumPy where; PyTorch where, masked_fill; ONNX Where
    """

    joined = (3, 3)
    no_gradient = NoGradient("the condition is only compared with 0", inputs=(0,))

    def output(self, inputs: Shapes) -> Shape:
        require(
            len(inputs) == 3,
            "where needs a condition and two tensors to choose from, got {count} tensors",
            count=len(inputs),
        )
        return super().output(inputs)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(operations(cmp=product(self.output(inputs))))

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the condition."""
        return inputs_kept([0])

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the mean and variance if the condition held for half of all elements."""
        _, one, other = read
        mean = (one.mean + other.mean) / 2
        return Spread(mean, (one.square + other.square) / 2 - mean**2)


COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")


@operator("compare", reserved=False)
class Compare(ElementwiseJoin):
    """1 where the comparison of the elements of two tensors holds, 0 elsewhere.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   1 comparison per output
    Window: position by position; the one position of a broadcast axis
    Source: NumPy greater, equal …; PyTorch gt, eq …; ONNX Greater, Equal …
    """

    joined = (2, 2)
    no_gradient = NoGradient("it is constant between its steps")
    operation = "cmp"

    how: str = word("greater", *COMPARISONS, help="the comparison of the first with the second")

    def output(self, inputs: Shapes) -> Shape:
        require(len(inputs) == 2, "compare needs two tensors, got {count}", count=len(inputs))
        return super().output(inputs)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the mean and variance if the comparison held for half of all elements."""
        return Spread(0.5, 0.25)


BITWISE = ("and", "or", "xor", "left", "right")
"""Operations on the bits of two integers: logic, and shifts of the first one by the second."""


@operator("bitwise", reserved=False)
class Bitwise(ElementwiseJoin):
    """An operation on the bits of two integers: and, or, xor, or a shift of the first one (``left``, ``right``).

    Negative integers are in two's complement. The result has the lowest bits, as many as ``format`` has. A shift by a
    negative number, or by at least as many bits as there are, leaves only zeros or copies of the sign. Numbers that are
    not integers are truncated.

    Shape:  equal shapes, unchanged; axes of size 1 broadcast, a vector C counts as C×1…
    Params: none
    Cost:   1 comparison per output, like logic on Booleans
    Window: position by position; the one position of a broadcast axis
    Source: NumPy bitwise_and, left_shift …; ONNX BitwiseAnd, BitShift …; PyTorch bitwise_and …
    """

    joined = (2, 2)
    no_gradient = NoGradient("it is constant between its steps")
    operation = "cmp"

    how: str = word("and", *BITWISE, help="the operation on the bits")
    format: str = word("int64", *(each.name for each in INTEGERS), help="the format of the integers")

    def output(self, inputs: Shapes) -> Shape:
        require(len(inputs) == 2, "bitwise needs two tensors, got {count}", count=len(inputs))
        return super().output(inputs)


@operator("concat")
class Concat(Operator):
    """Concatenation of tensors along an axis.

    With ``crop=smallest`` the other spatial axes are first cropped to the smallest of the inputs, around the centre
    (⌊(n − m)/2⌋ positions are dropped before), as in the original U-Net.

    Shape:  the sizes along the axis are added, all others agree
    Params: none
    Cost:   nothing
    Window: position by position; along a joined spatial axis, the padding is the total size of the preceding inputs,
            and each output position has a window on only one input; cropped: padding −⌊(n − m)/2⌋
    Source: Szegedy et al. 2015; crop: Ronneberger et al. 2015; ONNX Concat
    """

    aliases = ("cat", "concatenate")

    arity: ClassVar[int | None] = None

    axis: int = axis()
    crop: str = word("none", "none", "smallest", help="whether other spatial axes are cropped to the smallest input")

    def passes_gradient_unchanged(self, place: int, inputs: Shapes) -> bool:
        return self.crop == "none"

    def output(self, inputs: Shapes) -> Shape:
        require(
            len(set(map(len, inputs))) == 1,
            "concat needs tensors with the same number of axes: {shapes}",
            shapes=WrittenShapes(inputs),
        )
        joined = axis_index(self.axis, inputs[0])
        return tuple(
            reduce(lambda total, size: total + size, sizes) if axis == joined else self._agreed(axis, sizes, inputs)
            for axis, sizes in enumerate(per_axis(*inputs))
        )

    def _agreed(self, axis: int, sizes: tuple[Number, ...], inputs: Shapes) -> Number:
        if self.crop == "smallest" and axis > 0:
            return reduce(minimum, sizes)
        for size in sizes[1:]:
            require(
                size == sizes[0],
                "concat along axis {joined} needs equal sizes on axis {axis}: {shapes}",
                joined=self.axis,
                axis=axis,
                shapes=WrittenShapes(inputs),
            )
        return sizes[0]

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        output = self.output(inputs)
        joined = axis_index(self.axis, output)
        offset: Number = 0
        reaches = []
        for index, shape in enumerate(inputs):
            windows = [
                Window(padding=-((n - m) // 2) if axis and self.crop == "smallest" else 0)
                for axis, (n, m) in enumerate(per_axis(shape, output))
            ]
            end = offset + shape[joined]
            begins, ends = (None if index == 0 else offset), (None if index == len(inputs) - 1 else end - 1)
            windows[joined] = Window(padding=offset, outputs=(begins, ends))
            reaches.append(tuple(windows))
            offset = end
        return tuple(reaches)
