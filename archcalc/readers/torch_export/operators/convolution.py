"""Convolutions, their transposes, and padding."""

from __future__ import annotations

from archcalc.ops.conv import Conv, TransposedConv
from archcalc.ops.resample import Crop, Pad
from archcalc.readers.steps import PerExample, Step, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates


def arrays(a: Arguments) -> dict[str, str]:
    """Return the stored weight and bias of a layer."""
    found = {"weight": a.stored("weight"), "bias": a.stored("bias")}
    return {array: name for array, name in found.items() if name is not None}


@translates("conv1d", "conv2d", "conv3d")
def convolution(a: Arguments) -> list[Step]:
    weight = a.sizes("weight")
    axes = len(weight) - 2
    ones = (1,) * axes
    padding = a.call.arguments.get("padding", 0)
    pad: object
    if isinstance(padding, str):
        pad = padding
        if padding not in ("same", "valid"):
            raise Untranslatable(f"the padding '{padding}'")
    else:
        pad = tuple([(each, each) for each in a.integers("padding", (0,), count=axes)])
    op = make(
        Conv,
        channels=weight[0],
        kernel=weight[2:],
        stride=a.integers("stride", ones, count=axes),
        pad=pad,
        dilation=a.integers("dilation", ones, count=axes),
        groups=a.integer("groups", 1),
        bias=a.is_tensor("bias"),
    )
    return [PerExample(op=op, axes=axes + 1, inputs=(a.tensor("input"),), outputs=(a.result(),), stored=arrays(a))]


@translates("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(a: Arguments) -> list[Step]:
    weight = a.sizes("weight")
    axes = len(weight) - 2
    ones, zeros = (1,) * axes, (0,) * axes
    groups = a.integer("groups", 1)
    outpad = a.integers("output_padding", zeros, count=axes)
    op = make(
        TransposedConv,
        channels=weight[1] * groups,
        kernel=weight[2:],
        stride=a.integers("stride", ones, count=axes),
        pad=tuple([(each, each) for each in a.integers("padding", zeros, count=axes)]),
        outpad=outpad if any(outpad) else None,
        dilation=a.integers("dilation", ones, count=axes),
        groups=groups,
        bias=a.is_tensor("bias"),
    )
    return [PerExample(op=op, axes=axes + 1, inputs=(a.tensor("input"),), outputs=(a.result(),), stored=arrays(a))]


BORDERS = {"constant": "zeros", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
"""The modes of padding, and what stands in it."""


@translates("pad", "constant_pad_nd")
def padding(a: Arguments) -> list[Step]:
    widths = a.integers("pad")
    if not any(widths):
        a.reading.same(a.result_name, a.name("self"))
        return []
    rank = len(a.sizes("self"))
    border = BORDERS.get(a.text("mode", "constant"))
    if border is None or not a.is_default("value", None, 0, 0.0) or len(widths) % 2:
        raise Untranslatable(f"padding in the mode '{a.text('mode', 'constant')}'")
    pairs = [(widths[at], widths[at + 1]) for at in range(0, len(widths), 2)][::-1]
    pairs = [(0, 0)] * (rank - 2 - len(pairs)) + pairs
    signs = {width > 0 for pair in pairs for width in pair if width}
    if len(pairs) != rank - 2 or len(signs) > 1:
        raise Untranslatable("padding of the channels, or padding and cropping at once")
    margin = tuple([(abs(before), abs(after)) for before, after in pairs])
    op = make(Pad, margin=margin, border=border) if signs == {True} else make(Crop, margin=margin)
    return [PerExample(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]
