"""Convolutions, their transposes, and padding."""

from __future__ import annotations

from typing import Any

from archcalc.ops.conv import Conv, TransposedConv
from archcalc.readers.aten.operators.convolution import arrays
from archcalc.readers.aten.operators.windows import Windows, convolution_by, convolution_windows, put_back
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import file_value
from archcalc.readers.per_example import PerExampleStep, lifted
from archcalc.readers.steps import Step, make


def window(n: NodeView, kernel: Sizes) -> dict[str, Any]:
    """Return the attributes of windows of a node: kernel, strides, dilations and padding."""
    axes = len(kernel)
    stride = n.attribute("strides", None) or [1] * axes
    dilation = n.attribute("dilations", None) or [1] * axes
    return {
        "kernel": list(kernel),
        "stride": stride,
        "dilation": dilation,
        "pad": padding(n, kernel, stride, dilation),
    }


def padding(n: NodeView, kernel: Sizes, stride: list[int], dilation: list[int]) -> Any:
    """Return the padding before and after every axis, one after another; or ``same``."""
    mode = n.attribute("auto_pad", "NOTSET")
    axes = len(kernel)
    if mode == "SAME_UPPER":
        return "same"
    if mode == "SAME_LOWER":  # the odd element comes first
        pads = []
        for size, k, s, d in zip(n.sizes(0)[2:], kernel, stride, dilation, strict=True):
            total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
            pads += [total - total // 2, total // 2]
        return pads
    given = n.attribute("pads", None) or [0] * 2 * axes
    if mode == "VALID":
        given = [0] * 2 * axes
    if len(given) != 2 * axes:
        raise Untranslatable(f"{len(given)} paddings for {axes} axes")
    return [each for axis in range(axes) for each in (given[axis], given[axes + axis])]


def attributes(a: Arguments) -> dict[str, Any]:
    """Return the attributes of windows of a call."""
    axes = len(a.integers("kernel"))
    pad: Any = a.call.arguments["pad"]
    if not isinstance(pad, str):
        sides = a.integers("pad", count=2 * axes)
        pad = tuple([(sides[2 * axis], sides[2 * axis + 1]) for axis in range(axes)])
    return {
        "kernel": a.integers("kernel"),
        "stride": a.integers("stride", count=axes),
        "dilation": a.integers("dilation", count=axes),
        "pad": pad,
    }


@converts("Conv")
def conv(n: NodeView) -> None:
    n.call(
        "onnx.Conv",
        input=n.tensor(0),
        weight=n.tensor(1),
        bias=n.tensor(2) if n.has(2) else None,
        groups=n.attribute("group", 1),
        **window(n, n.sizes(1)[2:]),
    )


@translates_function("onnx.Conv")
def convolution(a: Arguments) -> list[Step]:
    weight = a.sizes("weight")
    arguments = [name for name in ("weight", "bias") if a.is_tensor(name)]
    if any(a.reading.stored(a.name(name), name) is None for name in arguments):
        return convolution_by(a, convolution_windows(a, attributes(a)["pad"]), a.integer("groups"))
    given = {
        "channels": weight[0],
        "groups": a.integer("groups"),
        "bias": a.is_tensor("bias"),
        **attributes(a),
    }
    return [
        PerExampleStep(
            op=make(Conv, **given),
            lifted=make(Conv, **lifted(given)),
            axes=len(weight) - 1,
            inputs=(a.tensor("input"),),
            outputs=(a.result(),),
            stored=arrays(a),
        )
    ]


@converts("ConvTranspose")
def conv_transpose(n: NodeView) -> None:
    weight = n.sizes(1)
    kernel, axes = weight[2:], len(weight) - 2
    stride = n.attribute("strides", None) or [1] * axes
    dilation = n.attribute("dilations", None) or [1] * axes
    outpad = n.attribute("output_padding", None) or [0] * axes
    before, after = n.sizes(0)[2:], n.result_sizes()[2:]
    mode = n.attribute("auto_pad", "NOTSET")
    if n.has_attribute("output_shape") or mode.startswith("SAME"):
        pads = []
        for size, made, k, s, d, extra in zip(before, after, kernel, stride, dilation, outpad, strict=True):
            total = s * (size - 1) + extra + d * (k - 1) + 1 - made
            first = total // 2 if mode == "SAME_UPPER" else total - total // 2
            pads += [first, total - first]
    else:
        pads = padding(n, kernel, stride, dilation)
    outpad = [extra + max(-after, 0) for extra, after in zip(outpad, pads[1::2], strict=True)]
    pads[1::2] = [max(each, 0) for each in pads[1::2]]
    if min(pads[::2], default=0) < 0:
        raise Untranslatable("a padding that adds positions before the first one")
    n.call(
        "onnx.ConvTranspose",
        input=n.tensor(0),
        weight=n.tensor(1),
        bias=n.tensor(2) if n.has(2) else None,
        groups=n.attribute("group", 1),
        kernel=list(kernel),
        stride=stride,
        dilation=dilation,
        pad=pads,
        outpad=outpad,
    )


@translates_function("onnx.ConvTranspose")
def transposed_convolution(a: Arguments) -> list[Step]:
    weight, groups = a.sizes("weight"), a.integer("groups")
    outpad = a.integers("outpad")
    op = make(
        TransposedConv,
        channels=weight[1] * groups,
        outpad=outpad if any(outpad) else None,
        groups=groups,
        bias=a.is_tensor("bias"),
        **attributes(a),
    )
    inputs, outputs = (a.tensor("input"),), (a.result(),)
    return [PerExampleStep(op=op, axes=len(weight) - 1, inputs=inputs, outputs=outputs, stored=arrays(a))]


@converts("Col2Im")
def windows_put_back(n: NodeView) -> None:
    sizes, kernel = ([int(file_value(each)) for each in n.needed_value(index).flat] for index in (1, 2))
    n.call("onnx.Col2Im", self=n.tensor(0), output_size=sizes, **window(n, tuple(kernel)))


@translates_function("onnx.Col2Im")
def summed_where_they_overlap(a: Arguments) -> list[Step]:
    given = attributes(a)
    slide = Windows(given["kernel"], given["stride"], given["dilation"], given["pad"])
    return put_back(a, slide, a.integers("output_size"))


MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@converts("Pad")
def pad(n: NodeView) -> None:
    rank = len(n.sizes(0))
    if n.version < 11:
        widths, value = n.attribute("pads"), n.attribute("value", 0.0)
        axes = list(range(rank))
    else:
        widths = [int(file_value(each)) for each in n.needed_value(1).flat]
        value = float(n.needed_value(2).flat[0]) if n.has(2) else 0.0
        axes = [int(each) % rank for each in n.needed_value(3).flat] if n.has(3) else list(range(rank))
    if len(widths) != 2 * len(axes):
        raise Untranslatable(f"{len(widths)} paddings for {len(axes)} axes")
    mode = MODES.get(n.attribute("mode", "constant"), "")
    margins = dict.fromkeys(range(rank), (0, 0))
    for at, axis in enumerate(axes):
        margins[axis] = (widths[at], widths[len(axes) + at])
    flat = [side for axis in reversed(range(rank)) for side in margins[axis]]
    while len(flat) > 2 and flat[-2:] == [0, 0]:
        flat = flat[:-2]
    n.call("aten.pad.default", self=n.tensor(0), pad=flat, mode=mode, value=value)
