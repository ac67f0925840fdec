"""The arithmetic of sliding windows, shared by convolutions and pooling.

Per axis: n input size, k kernel, s stride, d dilation, K = d(k − 1) + 1 effective kernel, p0 and p1 padding before and
after.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from archcalc.numeric import Number, ceil_div, let, maximum, minimum, require
from archcalc.ops.base import Operator, Shape, Shapes, per_axis, require_positions, spatial
from archcalc.ops.fields import axes, pads
from archcalc.ops.window import Reach, Window

Pads: TypeAlias = str | tuple[tuple[Number, Number], ...]
Axes: TypeAlias = tuple[Number, ...]


def effective_kernel(k: Number, d: Number) -> Number:
    """Return K = d(k − 1) + 1, the extent of a dilated kernel."""
    return k if type(d) is int and d == 1 else let("K", d * (k - 1) + 1)


def padding_sides(
    pad: str | tuple[Number, Number], n: Number, k: Number, s: Number, d: Number
) -> tuple[Number, Number]:
    """Return the padding before and after one axis.

    The padding modes: ``same`` makes the output size ⌈n/s⌉, with an odd element at the end (TensorFlow, Keras, ONNX
    SAME_UPPER); ``half`` is ⌊d(k − 1)/2⌋ on both sides, as is usual in PyTorch; ``valid`` is none; ``full`` is d(k − 1)
    on both sides.
    """
    if not isinstance(pad, str):
        return pad
    if pad == "same":
        total = let("P", maximum((ceil_div(n, s) - 1) * s + effective_kernel(k, d) - n, 0))
        before = let("p0", total // 2)
        return before, let("p1", total - before)
    if pad == "half":
        p = let("p", d * (k - 1) // 2)
        return p, p
    if pad == "full":
        p = let("p", d * (k - 1))
        return p, p
    return 0, 0


def output_size(n: Number, effective: Number, s: Number, p0: Number, p1: Number, *, ceil: bool = False) -> Number:
    """Return the output size on one axis, ⌊(n + p0 + p1 − K)/s⌋ + 1, for an effective kernel K.

    With ``ceil`` it is rounded up, less one if the last window would start in the padding after the input (PyTorch).

    Raises:
        Impossible: the window does not fit.
    """
    if ceil:
        size = ceil_div(n + p0 + minimum(p1 + s - effective, 0), s)
    else:
        around = 2 * p0 if p0 is p1 else p0 + p1  # one object for both sides: "2·p" in derivations
        size = (n + around - effective) // s + 1
    require(
        size >= 1,
        "a window of {size} does not fit into an axis of size {n} (padding {p0} before, {p1} after)",
        size=effective,
        n=n,
        p0=p0,
        p1=p1,
    )
    return size


class SlidingOperator(Operator):
    """An operator whose windows slide over the spatial axes."""

    window_kind = "sliding"
    reads_features = "first"
    mixes_channels: ClassVar[bool] = True
    """Whether an output sees all channels, not only that with its own index."""

    kernel: Axes = axes(sugar="k", help="kernel size")
    stride: Axes | None = axes(1, sugar="s", help="stride")
    pad: Pads = pads(help="padding: per axis, per side (1:2), or same, half, valid, full")
    dilation: Axes = axes(1, sugar="d", help="dilation")

    def strides(self) -> Axes:
        """Return the stride per axis; by default (pooling), the kernel size, so that windows do not overlap."""
        return self.kernel if self.stride is None else self.stride

    def paddings(self, shape: Shape) -> list[tuple[Number, Number]]:
        """Return the padding before and after, per spatial axis, with padding modes resolved to numbers."""
        return [(p0, p1) for *_, p0, p1 in self.geometry(shape)]

    def geometry(self, shape: Shape) -> list[tuple[Number, Number, Number, Number, Number]]:
        """Return per spatial axis: input size, effective kernel, stride, padding before, padding after."""
        require_positions(shape, self.name)
        rows = []
        pad = (self.pad,) * len(spatial(shape)) if isinstance(self.pad, str) else self.pad
        for n, k, s, d, p in per_axis(spatial(shape), self.kernel, self.strides(), self.dilation, pad):
            p0, p1 = padding_sides(p, n, k, s, d)
            rows.append((n, effective_kernel(k, d), s, p0, p1))
        return rows

    def positions(self, shape: Shape) -> Shape:
        """Return the spatial sizes of the output."""
        return tuple(output_size(n, effective, s, p0, p1) for n, effective, s, p0, p1 in self.geometry(shape))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        rows = per_axis(self.geometry(inputs[0]), self.dilation)
        windows = [Window(effective, s, p0, dilation=d) for (_, effective, s, p0, _), d in rows]
        return ((None if self.mixes_channels else Window(), *windows),)
