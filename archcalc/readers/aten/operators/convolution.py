"""Convolutions, their transposes, and padding."""

from __future__ import annotations

from dataclasses import replace

from archcalc.ops.conv import Conv, TransposedConv
from archcalc.readers.aten.operators.windows import convolution_by, convolution_windows
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.joining import ConcatenationStep
from archcalc.readers.padding import PaddingStep
from archcalc.readers.per_example import PerExampleStep, lifted
from archcalc.readers.steps import Step, make


def arrays(a: Arguments, *, trained: bool = True) -> dict[str, str]:
    """Return the stored weight and bias of a layer, which must be parameters if they are trained."""
    found = {name: a.stored(name, trained=trained) for name in ("weight", "bias")}
    return {array: name for array, name in found.items() if name is not None}


@translates("convolution")
def general_convolution(a: Arguments) -> list[Step]:
    return transposed_convolution(a) if a.flag("transposed", default=False) else convolution(a)


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
    given = [name for name in ("weight", "bias") if a.is_tensor(name)]
    if any(a.reading.stored(a.name(name), name) is None for name in given):
        return convolution_by(a, convolution_windows(a, pad), a.integer("groups", 1))
    attributes = {
        "channels": weight[0],
        "kernel": weight[2:],
        "stride": a.integers("stride", ones, count=axes),
        "pad": pad,
        "dilation": a.integers("dilation", ones, count=axes),
        "groups": a.integer("groups", 1),
        "bias": a.is_tensor("bias"),
    }
    return [
        PerExampleStep(
            op=make(Conv, **attributes),
            lifted=make(Conv, **lifted(attributes)),
            axes=axes + 1,
            inputs=(a.tensor("input"),),
            outputs=(a.result(),),
            stored=arrays(a),
        )
    ]


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
    return [
        PerExampleStep(
            op=op, axes=axes + 1, inputs=(a.tensor("input"),), outputs=(a.result(),), stored=arrays(a, trained=False)
        )
    ]


BORDERS = {"constant": "zeros", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
"""The values of ``border`` by the modes of padding."""


@translates("pad", "constant_pad_nd")
def padding(a: Arguments) -> list[Step]:
    widths = a.integers("pad")
    if not any(widths):
        a.reading.same(a.result_name, a.name("self"))
        return []
    sizes = a.sizes("self")
    mode = a.text("mode", "constant")
    border = BORDERS.get(mode)
    if border is None or len(widths) % 2 or len(widths) > 2 * len(sizes):
        raise Untranslatable(f"padding in the mode '{mode}'")
    pairs = [(widths[at], widths[at + 1]) for at in range(0, len(widths), 2)][::-1]
    margins = [(0, 0)] * (len(sizes) - len(pairs)) + pairs
    if any(width > 0 for width in widths) and not a.is_default("value", None, 0, 0.0):
        return surrounded(a, margins)
    return [PaddingStep(margins=tuple(margins), border=border, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates(*(f"reflection_pad{axes}d" for axes in (1, 2, 3)), *(f"replication_pad{axes}d" for axes in (1, 2, 3)))
def padding_by_name(a: Arguments) -> list[Step]:
    mode = "reflect" if a.operator.startswith("reflection") else "replicate"
    arguments = {"self": a.call.arguments["self"], "pad": a.call.arguments["padding"], "mode": mode}
    return padding(replace(a, call=replace(a.call, arguments=arguments)))


def surrounded(a: Arguments, margins: list[tuple[int, int]]) -> list[Step]:
    """Return the steps that put constants before and after a tensor, where the padding is not zeros."""
    value = a.call.arguments["value"]
    if type(value) not in (int, float) or any(min(margin) < 0 for margin in margins):
        raise Untranslatable("padding with a nonzero value combined with cropping")
    sizes, read = list(a.sizes("self")), a.tensor("self")
    padded = [axis for axis, margin in enumerate(margins) if any(margin)]
    steps: list[Step] = []
    for axis in padded:
        parts = [read]
        for place, (side, count) in enumerate(zip(("before", "after"), margins[axis], strict=True)):
            if count:
                shape = (*sizes[:axis], count, *sizes[axis + 1 :])
                name = a.constant(f"{side}_{axis}", "full", shape, size=list(shape), fill_value=float(value))
                parts.insert(place * len(parts), a.reading.tensor(name))
        sizes[axis] += sum(margins[axis])
        read = a.result() if axis == padded[-1] else a.reading.intermediate(tuple(sizes))
        steps.append(ConcatenationStep(axis=axis, inputs=tuple(parts), outputs=(read,)))
    return steps
