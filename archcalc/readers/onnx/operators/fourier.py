"""Discrete Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archcalc.ops.product import FourierTransform
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.batch import Places, Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import file_value
from archcalc.readers.steps import ElementwiseStep, Step, make


@dataclass(frozen=True, kw_only=True)
class FourierStep(ElementwiseStep):
    """A transform along the axis before the last, at every position of the axes before."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        if inputs[0] is None or inputs[0].axis < len(sizes[0]) - 2:
            yield inputs


@converts("DFT")
def fourier(n: NodeView) -> None:
    """Convert a transform along any axis, of as many numbers as are asked for: others are cut off, or zeros."""
    sizes, rank = list(n.sizes(0)), len(n.sizes(0))
    axis = n.attribute("axis", 1) if n.version < 20 else int(n.needed_value(2).flat[0]) if n.has(2) else -2
    if not -rank <= axis < rank or axis % rank == rank - 1:
        raise Untranslatable(f"the axis {axis}")
    axis %= rank
    inverse, onesided = bool(n.attribute("inverse", 0)), bool(n.attribute("onesided", 0))
    length = int(n.needed_value(1).flat[0]) if n.has(1) else None
    size = int(file_value(n.tensors.size_of(n.name(0), axis)))
    read, made = n.tensor(0), list(n.result_sizes())
    wanted = size if length is None else length // 2 + 1 if inverse and onesided else length
    if wanted < size:
        sizes[axis] = wanted
        read = n.compute("aten.slice.Tensor", tuple(sizes), self=read, dim=axis, start=0, end=wanted)
    elif wanted > size:
        sizes[axis] = wanted
        pad = [0, 0] * (rank - 1 - axis) + [0, wanted - size]
        read = n.compute("aten.constant_pad_nd.default", tuple(sizes), self=read, pad=pad)
    arguments = {"inverse": inverse, "onesided": onesided, "size": length if inverse and onesided else None}
    if axis == rank - 2:
        n.call("onnx.DFT", self=read, **arguments)
        return
    order = [*(at for at in range(rank - 1) if at != axis), axis, rank - 1]
    turned = n.compute("aten.permute.default", tuple(sizes[at] for at in order), self=read, dims=order)
    found = n.compute("onnx.DFT", tuple(made[at] for at in order), self=turned, **arguments)
    n.call("aten.permute.default", self=found, dims=[order.index(at) for at in range(rank)])


@converts("STFT")
def short_time(n: NodeView) -> None:
    """Convert the transforms of windows of a signal, which start at every multiple of the step."""
    batch, count, parts = n.sizes(0)
    step = int(n.needed_value(1).flat[0])
    window = n.sizes(2)[0] if n.has(2) else None
    length = int(n.needed_value(3).flat[0]) if n.has(3) else window
    if length is None or step < 1 or not 0 < length <= count or window not in (None, length):
        raise Untranslatable("a window that has another length than its transform, or than the signal has")
    frames = (count - length) // step + 1
    apart = n.compute(
        "aten.unfold.default", (batch, frames, parts, length), self=n.tensor(0), dimension=1, size=length, step=step
    )
    sizes = (batch, frames, length, parts)
    read = n.compute("aten.permute.default", sizes, self=apart, dims=[0, 1, 3, 2])
    if n.has(2):
        column = n.compute("aten.reshape.default", (length, 1), self=n.tensor(2), shape=[length, 1])
        read = n.compute("aten.mul.Tensor", sizes, self=read, other=column)
    n.call("onnx.DFT", self=read, onesided=bool(n.attribute("onesided", 1)))


@translates_function("onnx.DFT")
def transform(a: Arguments) -> list[Step]:
    op = make(
        FourierTransform,
        inverse=a.flag("inverse", default=False),
        onesided=a.flag("onesided", default=False),
        size=None if a.is_default("size", None) else a.integer("size"),
    )
    return [FourierStep(op=op, inputs=(a.tensor("self"),), outputs=(a.result(),))]
