"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any, TypeAlias

from archcalc.writers.code.calls import (
    CallArgument,
    CallExpression,
    LayerCode,
    NotInLibrary,
    Slot,
    helper,
    option,
    per_axis,
    width,
)
from archcalc.writers.code.lines import wrapped
from archcalc.writers.pytorch.registry import PyTorchContext, by_rank, module, modules, writes

Sides: TypeAlias = Sequence[tuple[int, int]]
"""What is added before and after each axis."""

WEIGHT_NORMED = {
    "weight": ("", "parametrizations.weight.original1"),
    "gain": ("", "parametrizations.weight.original0"),
}
"""Where PyTorch's weight norm keeps the weights and their gains."""
PADDERS = {"zeros": "ZeroPad", "reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}

TABLE = """
class TableConv{rank}d(nn.Module):
    \"\"\"A convolution in which each output map, a column, reads some input maps, rows.\"\"\"

    def __init__(
        self,
        table: Sequence[str],
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        columns = zip(*table)
        self.sources = [[i for i, mark in enumerate(c) if mark == "X"] for c in columns]
        self.convs = nn.ModuleList()
        for maps in self.sources:
            self.convs.append(
                nn.Conv{rank}d(
                    len(maps),
                    1,
                    kernel_size,
                    stride,
                    padding,
                    dilation,
                    bias=bias,
                    padding_mode=padding_mode,
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        read = [torch.cat([x[:, i : i + 1] for i in maps], 1) for maps in self.sources]
        return torch.cat([conv(maps) for conv, maps in zip(self.convs, read)], dim=1)
"""
WEIGHT_STANDARDISATION = """
class WeightStandardizedConv{rank}d(nn.Conv{rank}d):
    \"\"\"A convolution whose weights have mean 0 and variance 1 per output channel.\"\"\"

    def forward(self, x: Tensor) -> Tensor:
{moments}
        weight = (self.weight - mean) / (variance + 1e-5).sqrt()
        return self._conv_forward(x, weight, self.bias)
"""


def are_even(sides: Sides) -> bool:
    """Return whether the padding is the same before and after every axis."""
    return all(before == after for before, after in sides)


def padding(sides: Sides, border: str = "zeros") -> CallExpression:
    """Return the module that pads the spatial axes."""
    flat = tuple([side for pair in reversed(sides) for side in pair])
    return CallExpression(
        by_rank(PADDERS[border], len(sides)), (CallArgument("padding", per_axis(flat), positional=True),)
    )


def spaced(op: Any, sides: Sides) -> tuple[CallArgument, ...]:
    """Return the arguments of a window: stride, padding and dilation."""
    return (
        option("stride", per_axis(op.stride), 1),
        option("padding", per_axis(tuple([before for before, _ in sides])), 0),
        option("dilation", per_axis(op.dilation), 1),
    )


def kernel(op: Any) -> CallArgument:
    """Return the argument of the kernel size."""
    return CallArgument("kernel_size", per_axis(op.kernel), kind="kernel_size")


def convolution(
    context: PyTorchContext, cls: str, channels_in: int, channels: int, groups: int, sides: Sides, *, bias: bool
) -> CallExpression:
    """Return a convolution with padding that is equal on both sides."""
    op = context.op
    made = CallExpression(
        cls,
        (
            width("in_channels", channels_in),
            width("out_channels", channels),
            kernel(op),
            *spaced(op, sides),
            option("groups", groups, 1, "width" if groups > 1 and groups == channels_in else "groups"),
            option("bias", bias, True),
            option("padding_mode", op.border, "zeros"),
        ),
    )
    return weight_normed(made) if op.weight_norm else made


def weight_normed(call: CallExpression) -> CallExpression:
    """Return a module whose weights are divided by their norm, times a gain."""
    return CallExpression("nn.utils.parametrizations.weight_norm", (CallArgument("module", call, positional=True),))


def over_batch(context: PyTorchContext, write: Callable[[PyTorchContext], LayerCode]) -> LayerCode | None:
    """Return the code of windows of size 1 along the first of four spatial axes, which joins the batch, or ``None``."""
    op = context.op
    first, *_ = op.paddings(context.shape)
    if context.rank != 4 or (op.kernel[0], (op.stride or op.kernel)[0], *map(int, first)) != (1, 1, 0, 0):
        return None
    inside = {name: getattr(op, name)[1:] for name in ("kernel", "stride", "dilation") if getattr(op, name)}
    if not isinstance(op.pad, str):
        inside["pad"] = op.pad[1:]
    shape, output = ((sizes[0], *sizes[2:]) for sizes in (context.shape, context.output))
    code = write(replace(context, op=replace(op, **inside), shapes=(shape,), output=output))
    text = code.template.replace("$0", "$0.movedim(2, 1).flatten(0, 1)")
    return code._replace(
        template=f"{text}.unflatten(0, (-1, $size)).movedim(2, 1)", steps=(), values=(Slot("size", context.shape[1]),)
    )


def sliding(context: PyTorchContext, cls: str, channels: int, groups: int) -> LayerCode:
    """Return a convolution; one with other padding on either side pads its input first."""
    op, shape = context.op, context.shape
    if op.flip:
        raise NotInLibrary("PyTorch's convolutions do not flip their kernels")
    sides = [(int(before), int(after)) for before, after in op.paddings(shape)]
    own = sides if are_even(sides) else [(0, 0)] * len(sides)
    call = convolution(context, cls, shape[0], channels, groups, own, bias=op.bias)
    code = module(call) if own is sides else modules(("pad", padding(sides, op.border)), ("", call))
    return code._replace(arrays=WEIGHT_NORMED) if op.weight_norm else code


@writes("conv")
def write_conv(context: PyTorchContext) -> LayerCode:
    op = context.op
    if (folded := over_batch(context, write_conv)) is not None:
        return folded
    cls = by_rank("Conv", context.rank)
    if op.table is not None:
        return with_table(context)
    if not op.ws:
        return sliding(context, cls, op.channels, op.groups)
    axes = f"({', '.join(str(axis) for axis in range(1, context.rank + 2))})"
    line = f"        variance, mean = torch.var_mean(self.weight, {axes}, correction=0, keepdim=True)"
    text = WEIGHT_STANDARDISATION.format(rank=context.rank, moments="\n".join(wrapped(line)))
    made = helper(f"WeightStandardizedConv{context.rank}d", text)
    return sliding(context, made.name, op.channels, op.groups)._replace(helpers=(made,))


def with_table(context: PyTorchContext) -> LayerCode:
    """Return a convolution with a connection table: one convolution for each output map."""
    op = context.op
    if op.ws or op.weight_norm or not all(map(any, zip(*op.table, strict=True))):
        raise NotInLibrary("a connection table with normalised weights, or with maps that read nothing, is not written")
    made = helper(f"TableConv{context.rank}d", TABLE.format(rank=context.rank))
    rows = tuple(["".join("X" if read else "." for read in row) for row in op.table])

    def tabled(label: str, call: CallExpression) -> tuple[str, CallExpression]:
        if call.function != made.name:
            return label, call
        kept = [arg for arg in call.args if arg.name not in ("in_channels", "out_channels", "groups")]
        return label, call._replace(args=(CallArgument("table", rows, positional=True), *kept))

    code = sliding(context, made.name, op.channels, 1)
    attributes, steps = (tuple(starmap(tabled, parts)) for parts in (code.attributes, code.steps))
    names = {name: ("", *(f"convs.{place}.{name}" for place in range(op.channels))) for name in ("weight", "bias")}
    return code._replace(attributes=attributes, steps=steps, helpers=(made,), arrays=names)


@writes("dwconv")
def write_dwconv(context: PyTorchContext) -> LayerCode:
    channels = context.shape[0]
    return over_batch(context, write_dwconv) or sliding(
        context, by_rank("Conv", context.rank), context.output[0], channels
    )


@writes("sepconv")
def write_sepconv(context: PyTorchContext) -> LayerCode:
    op, shape = context.op, context.shape
    if op.flip or op.weight_norm:
        raise NotInLibrary("a depthwise separable convolution with flipped kernels or weight norm is not written")
    cls = by_rank("Conv", context.rank)
    sides = [(int(before), int(after)) for before, after in op.paddings(shape)]
    own = sides if are_even(sides) else [(0, 0)] * len(sides)
    maps = shape[0] * op.multiplier
    depthwise = convolution(context, cls, shape[0], maps, shape[0], own, bias=False)
    pointwise = CallExpression(
        cls,
        (
            width("in_channels", maps),
            width("out_channels", op.channels),
            CallArgument("kernel_size", 1, kind="kernel_size"),
            option("bias", op.bias, True),
        ),
    )
    before = () if own is sides else (("pad", padding(sides, op.border)),)
    arrays = {"depthwise": ("depthwise", "weight"), "pointwise": ("pointwise", "weight"), "bias": ("pointwise", "bias")}
    return modules(*before, ("depthwise", depthwise), ("pointwise", pointwise))._replace(arrays=arrays)


@writes("upconv")
def write_upconv(context: PyTorchContext) -> LayerCode:
    """Write a transposed convolution; what PyTorch's padding does not cut off is cropped afterwards."""
    op, shape, rank = context.op, context.shape, context.rank
    reach = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    full = [(n - 1) * s + r for n, s, r in zip(shape[1:], op.stride, reach, strict=True)]
    extra = list(op.outpad or (0,) * rank)
    if op.pad == "same":  # as in Keras: the excess is cut off on both sides, an odd one at the end
        excess = [size - made for size, made in zip(full, context.output[1:], strict=True)]
        sides = [(max(each, 0) // 2, each - max(each, 0) // 2) for each in excess]
    elif isinstance(op.pad, str):
        margins = [{"valid": 0, "half": (r - 1) // 2, "full": r - 1}[op.pad] for r in reach]
        sides = [(margin, margin - more) for margin, more in zip(margins, extra, strict=True)]
    else:
        sides = [(before, after - more) for (before, after), more in zip(op.pad, extra, strict=True)]
    added = [max(before - after, 0) for before, after in sides]
    beyond = [max(after - before, 0) for before, after in sides]
    limits = [max(s, d) for s, d in zip(op.stride, op.dilation, strict=True)]
    if any(each >= limit for each, limit in zip(added, limits, strict=True)) or any(before < 0 for before, _ in sides):
        raise NotInLibrary("PyTorch's transposed convolutions add no more than the stride at the end")
    if op.weight_norm:
        raise NotInLibrary("a transposed convolution with weight norm is not written")
    made = CallExpression(
        by_rank("ConvTranspose", rank),
        (
            width("in_channels", shape[0]),
            width("out_channels", op.channels),
            kernel(op),
            option("stride", per_axis(op.stride), 1),
            option("padding", per_axis(tuple([before for before, _ in sides])), 0),
            option("output_padding", per_axis(tuple(added)), 0),
            option("groups", op.groups, 1),
            option("bias", op.bias, True),
            option("dilation", per_axis(op.dilation), 1),
        ),
    )
    if not any(beyond):
        return module(made)
    cut = ", ".join(f":-{each}" if each else ":" for each in beyond)
    return LayerCode(f"$self($0)[:, :, {cut}]", (("", made),))
