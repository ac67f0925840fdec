"""Windows of a tensor side by side, and what is computed of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archcalc.ops.joins import Add
from archcalc.ops.product import MatMul
from archcalc.ops.reduction import Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.batch import Sizes
from archcalc.readers.joining import MatrixJoinStep
from archcalc.readers.padding import PaddingStep
from archcalc.readers.steps import PermutationStep, Step, sizes_of_axes

Margins = Sequence[tuple[int, int]]


class Windows:
    """Windows that slide over the axes behind the batch and the channels."""

    def __init__(self, kernel: Sizes, stride: Sizes, dilation: Sizes, margins: Margins) -> None:
        self.kernel, self.stride, self.dilation, self.margins = kernel, stride, dilation, margins

    def padded(self, sizes: Sizes) -> Sizes:
        """Return the sizes of axes with their padding."""
        return tuple([n + before + after for n, (before, after) in zip(sizes, self.margins, strict=True)])

    def positions(self, sizes: Sizes) -> Sizes:
        """Return the number of windows along every axis."""
        rows = zip(self.padded(sizes), self.kernel, self.stride, self.dilation, strict=True)
        return tuple([(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in rows])

    def table(self, c: Composition, function: str, shape: Sizes, sizes: Sizes) -> int:
        """Return a table of indices; see `archcalc.readers.aten.tables`."""
        given = {"kernel": self.kernel, "stride": self.stride, "dilation": self.dilation}
        lists = {name: list(value) for name, value in given.items()}
        return c.constant(function, shape, axes=list(self.padded(sizes)), **lists)

    def unfold(self, c: Composition, x: int) -> int:
        """Return the elements of all windows: batch × channels × taps × windows."""
        batch, channels, *sizes = c.sizes(x)
        if any(map(any, self.margins)):
            made = c.new((batch, channels, *self.padded(tuple(sizes))))
            x = c.add(PaddingStep(margins=((0, 0), (0, 0), *self.margins), inputs=(x,), outputs=(made,)))
        count = prod(self.padded(tuple(sizes)))
        flat = c.reshape(x, (*sizes_of_axes((0, 1)), -1), (batch, channels, count))
        shape = (prod(self.kernel), prod(self.positions(tuple(sizes))))
        return c.take(flat, self.table(c, "window_index", shape, tuple(sizes)), 2, size=count)

    def overlap(self, sizes: Sizes) -> int:
        """Return the largest number of windows that have a position in common."""
        most = 1
        for n, count, k, s, d in zip(
            self.padded(sizes), self.positions(sizes), self.kernel, self.stride, self.dilation, strict=True
        ):
            reads = [0] * n
            for window in range(count):
                for tap in range(k):
                    reads[window * s + tap * d] += 1
            most *= max(reads)
        return most


def windows(a: Arguments) -> Windows:
    """Return the windows of a call over two axes."""
    kernel, stride, dilation = (a.integers(name, (1, 1), count=2) for name in ("kernel_size", "stride", "dilation"))
    return Windows(kernel, stride, dilation, [(each, each) for each in a.integers("padding", (0, 0), count=2)])


@translates("im2col")
def side_by_side(a: Arguments) -> list[Step]:
    """Translate windows side by side: batch × (channels · taps) × windows."""
    c, result = Composition(a), a.reading.sizes(a.result_name)
    found = windows(a).unfold(c, a.tensor("self"))
    return c.done(c.reshape(found, (*sizes_of_axes((0,)), -1, result[2]), result))


@translates("col2im")
def summed_where_they_overlap(a: Arguments) -> list[Step]:
    return put_back(a, windows(a), a.integers("output_size", count=2))


def put_back(a: Arguments, slide: Windows, sizes: Sizes) -> list[Step]:
    """Return the steps that put windows back in their places, with sums where several overlap."""
    c = Composition(a)
    batch, rows, count = a.sizes("self")
    channels, padded = rows // prod(slide.kernel), slide.padded(sizes)
    total = prod(slide.kernel) * count
    flat = c.reshape(a.tensor("self"), (*sizes_of_axes((0,)), channels, -1), (batch, channels, total))
    margins = ((0, 0), (0, 0), (0, 1))  # a zero behind all
    closed = c.add(PaddingStep(margins=margins, inputs=(flat,), outputs=(c.new((batch, channels, total + 1)),)))
    table = slide.table(c, "source_index", (prod(padded), slide.overlap(sizes)), sizes)
    sums = c.reduce(Sum, c.take(closed, table, 2, size=total + 1), [-1], keep=False)
    made = c.reshape(sums, (*sizes_of_axes((0, 1)), *padded), (batch, channels, *padded))
    if padded != sizes:
        cut = ((0, 0), (0, 0), *((-before, -after) for before, after in slide.margins))
        made = c.add(PaddingStep(margins=cut, inputs=(made,), outputs=(c.new((batch, channels, *sizes)),)))
    return c.done(made)


@translates("unfold")
def windows_along_axis(a: Arguments) -> list[Step]:
    """Translate the windows of one axis, whose elements are a new last axis."""
    sizes = a.sizes("self")
    axis, size, step = a.axis("dimension", len(sizes)), a.integer("size"), a.integer("step")
    c, slide = Composition(a), Windows((size,), (step,), (1,), [(0, 0)])
    n = (sizes[axis],)
    found = c.take(
        a.tensor("self"), slide.table(c, "window_index", (size, *slide.positions(n)), n), axis, size=sizes[axis]
    )
    order = (*range(axis), *range(axis + 1, len(sizes) + 1), axis)
    return c.done(
        c.add(PermutationStep(order=order, inputs=(found,), outputs=(c.new([c.sizes(found)[each] for each in order]),)))
    )


def convolution_by(a: Arguments, slide: Windows, groups: int) -> list[Step]:
    """Return the steps of a convolution with kernels that are computed: products of matrices with windows."""
    c, result, kernels = Composition(a), a.reading.sizes(a.result_name), a.sizes("weight")
    batch = a.sizes("input")[0]
    found = slide.unfold(c, a.tensor("input"))
    taps, count = prod(kernels[1:]), c.sizes(found)[-1]
    of_groups = (groups,) if groups > 1 else ()
    inputs = c.reshape(found, (*sizes_of_axes((0,)), *of_groups, taps, count), (batch, *of_groups, taps, count))
    shape = (*of_groups, kernels[0] // groups, taps)
    matrix = c.reshape(a.tensor("weight"), shape, shape)
    made = c.new((batch, *of_groups, kernels[0] // groups, count))
    made = c.add(MatrixJoinStep(op=MatMul(), inputs=(matrix, inputs), outputs=(made,)))
    made = c.reshape(made, (*sizes_of_axes((0,)), *result[1:]), result)
    if a.is_tensor("bias"):
        column = (kernels[0], *(1,) * (len(result) - 2))
        made = c.join(Add(), made, c.reshape(a.tensor("bias"), column, column))
    return c.done(made)


def convolution_windows(a: Arguments, pad: object) -> Windows:
    """Return the windows of a convolution."""
    kernel, ones = a.sizes("weight")[2:], (1,) * (len(a.sizes("weight")) - 2)
    stride, dilation = (a.integers(name, ones, count=len(ones)) for name in ("stride", "dilation"))
    if pad == "valid":
        pad = [(0, 0)] * len(kernel)
    if pad == "same":
        extents = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        pad = [(extent // 2, extent - extent // 2) for extent in extents]
    if not isinstance(pad, list | tuple):
        raise Untranslatable("a padding that is not a number")
    return Windows(kernel, stride, dilation, list(pad))
