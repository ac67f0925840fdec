"""Mistakes about transposed convolutions, which scatter every input over the output: m = (n − 1)·s + K − p0 − p1.

Each change is named after the mistake that it makes; see `archcalc.diagnosis.variation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from archcalc.diagnosis.variation import OutputChange, Site
from archcalc.diagnosis.windows import changed
from archcalc.numeric import Number, ratio
from archcalc.ops.base import Shape, Shapes, converted_operator
from archcalc.ops.conv import Conv, TransposedConv
from archcalc.ops.window import Reach, Window


def is_transposed(site: Site) -> bool:
    """Return whether the layer is a transposed convolution."""
    return site.op.window_kind == "transposed"


def taken_as_convolution(site: Site) -> Site | None:
    """Take a transposed convolution as a convolution."""
    return site._replace(op=converted_operator(Conv, site.op)) if is_transposed(site) else None


def output_padding_ignored(site: Site) -> Site | None:
    return changed(site, outpad=(0,) * len(site.op.strides()))


def size_taken_as(size: Callable[[Number, Number, Number, Number], Number]) -> OutputChange:
    """Return the mistake that computes the size of an axis by another formula.

    Args:
        size: the formula, of the correct size, the size n of the input, the stride s and the kernel K.
    """

    def output(site: Site) -> Shape | None:
        if not is_transposed(site):
            return None
        op: Any = site.op
        correct = op.output(site.inputs)
        rows = zip(op.geometry(site.shape), site.shape[1:], strict=True)
        sizes = tuple(size(m, n, s, k) for (m, k, s, _), n in rows)
        return (correct[0], *sizes) if sizes != correct[1:] and all(each >= 1 for each in sizes) else None

    return output


stride_only = size_taken_as(lambda correct, n, s, k: n * s)
not_less_one = size_taken_as(lambda correct, n, s, k: correct + s)
one_less = size_taken_as(lambda correct, n, s, k: correct - 1)
one_more = size_taken_as(lambda correct, n, s, k: correct + 1)


def padding_added(site: Site) -> Shape | None:
    """Use (n − 1)·s + K + 2p instead of − 2p."""
    pads = site.op.paddings(site.shape) if is_transposed(site) else []
    if not any(p for pair in pads for p in pair):
        return None
    channels, *sizes = site.op.output(site.inputs)
    return (channels, *(m + 2 * (before + after) for m, (before, after) in zip(sizes, pads, strict=True)))


def at_output_positions(site: Site) -> Site | None:
    """Count a transposed convolution like a convolution at the positions of its output."""
    if not is_transposed(site):
        return None
    op: Any = site.op
    conv = converted_operator(Conv, op, stride=(1,) * len(op.kernel), dilation=(1,) * len(op.kernel), pad="same")
    return Site(conv, ((site.shape[0], *op.output(site.inputs)[1:]),))


def at_one_position(site: Site) -> Site | None:
    """Count one input position only: as many products as weights."""
    if not is_transposed(site) or set(site.shape[1:]) == {1}:
        return None
    op: Any = site.op
    axes = len(op.kernel)
    own = replace(op, pad=((0, 0),) * axes, outpad=(0,) * axes)
    return Site(own, ((site.shape[0], *(1,) * axes),))


class TransposedAsStride(TransposedConv):
    """A transposed convolution whose kernel is taken to widen the receptive field like that of a convolution.

    The receptive field becomes RF + (k − 1)·j/s, as if the kernel covered k of the finer output positions, which in
    fact depend on the same input positions. The table of receptive fields of V-Net (Milletari et al. 2016, Table 1) is
    computed in this way.
    """

    window_kind = ""  # type: ignore[assignment]  # so that other mistakes do not apply to it

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        windows = (
            Window(1 + ratio(reach - 1, s), ratio(1, s), ratio(reach - 1 - p0, s))
            for _, reach, s, p0 in self.geometry(inputs[0])
        )
        return ((None, *windows),)


def kernel_at_stride_after(site: Site) -> Site | None:
    """Add (k − 1)·j/s to the receptive field at a transposed convolution."""
    return site._replace(op=TransposedAsStride(**site.op.attributes())) if is_transposed(site) else None
