"""Pooling."""

from __future__ import annotations

from typing import Any

from archcalc.writers.code.calls import (
    CallArgument,
    CallExpression,
    LayerCode,
    NotInLibrary,
    helper,
    option,
    per_axis,
    width,
)
from archcalc.writers.pytorch.conv import Sides, are_even
from archcalc.writers.pytorch.registry import PyTorchContext, by_rank, module, modules, writes

SUBSAMPLE = helper(
    "Subsample",
    """
class Subsample(nn.Module):
    \"\"\"The sum over a window, times a coefficient, plus a bias, one of each per map.\"\"\"

    def __init__(self, channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size, stride, divisor_override=1)
        self.coefficient = nn.Parameter(torch.full((channels,), 1 / kernel_size**2))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x) * self.coefficient[:, None, None] + self.bias[:, None, None]
""",
)


def window(op: Any) -> tuple[CallArgument, ...]:
    """Return the arguments of the size and the stride of a window, which are equal by default."""
    stride = op.stride or op.kernel
    return (
        CallArgument("kernel_size", per_axis(op.kernel), kind="kernel_size"),
        CallArgument("stride", per_axis(stride), per_axis(op.kernel), "stride"),
    )


def sides_of(context: PyTorchContext) -> Sides:
    return [(int(before), int(after)) for before, after in context.op.paddings(context.shape)]


def fits(op: Any, sides: Sides) -> bool:
    """Return whether PyTorch's pooling has this padding: equal on both sides, and at most half of the window."""
    return are_even(sides) and all(2 * before <= k for (before, _), k in zip(sides, op.kernel, strict=True))


@writes("maxpool")
def write_maxpool(context: PyTorchContext) -> LayerCode:
    op, sides = context.op, sides_of(context)
    own = sides if fits(op, sides) else [(0, 0)] * len(sides)
    call = CallExpression(
        by_rank("MaxPool", context.rank),
        (
            *window(op),
            option("padding", per_axis(tuple([before for before, _ in own])), 0),
            option("dilation", per_axis(op.dilation), 1),
            option("ceil_mode", op.ceil, False),
        ),
    )
    if own is sides:
        return module(call)
    if op.ceil:
        raise NotInLibrary("PyTorch's pooling that rounds up has equal padding of at most half of the window")
    flat = tuple([side for pair in reversed(sides) for side in pair])
    cls = by_rank("ConstantPad", context.rank)
    pad = CallExpression(
        cls, (CallArgument("padding", flat, positional=True), CallArgument("value", float("-inf"), positional=True))
    )
    return modules(("pad", pad), ("", call))


@writes("avgpool")
def write_avgpool(context: PyTorchContext) -> LayerCode:
    op, sides = context.op, sides_of(context)
    if set(op.dilation) != {1}:
        raise NotInLibrary("PyTorch's average pooling has no dilation")
    own = sides if fits(op, sides) else [(0, 0)] * len(sides)
    if own is not sides and (op.ceil or not op.count_include_pad):
        raise NotInLibrary("PyTorch's average pooling has equal padding of at most half of the window")
    call = CallExpression(
        by_rank("AvgPool", context.rank),
        (
            *window(op),
            option("padding", per_axis(tuple([before for before, _ in own])), 0),
            option("ceil_mode", op.ceil, False),
            option("count_include_pad", op.count_include_pad or not any(map(any, own)), True),
        ),
    )
    if own is sides:
        return module(call)
    flat = tuple([side for pair in reversed(sides) for side in pair])
    pad = CallExpression(by_rank("ZeroPad", context.rank), (CallArgument("padding", flat, positional=True),))
    return modules(("pad", pad), ("", call))


@writes("subsample")
def write_subsample(context: PyTorchContext) -> LayerCode:
    op, stride = context.op, context.op.stride or context.op.kernel
    plain = context.rank == 2 and len({*op.kernel}) == len({*stride}) == 1 and set(op.dilation) == {1} and not op.ceil
    if not plain or any(map(any, sides_of(context))):
        raise NotInLibrary("trainable subsampling is written for square windows without padding only")
    size, step = (
        CallArgument("kernel_size", op.kernel[0], kind="kernel_size"),
        CallArgument("stride", stride[0], kind="stride"),
    )
    call = CallExpression(SUBSAMPLE.name, (width("channels", context.shape[0]), size, step))
    return module(call)._replace(helpers=(SUBSAMPLE,))


def adaptive(kind: str, rank: int, size: Any) -> LayerCode:
    return module(CallExpression(by_rank(kind, rank), (CallArgument("output_size", size, positional=True),)))


@writes("gap")
def write_gap(context: PyTorchContext) -> LayerCode:
    return adaptive("AdaptiveAvgPool", context.rank, 1)


@writes("gmp")
def write_gmp(context: PyTorchContext) -> LayerCode:
    return adaptive("AdaptiveMaxPool", context.rank, 1)


@writes("adaptive_avgpool", "adaptive_maxpool")
def write_adaptive(context: PyTorchContext) -> LayerCode:
    kind = "AdaptiveAvgPool" if context.op.name == "adaptive_avgpool" else "AdaptiveMaxPool"
    return adaptive(kind, context.rank, per_axis(context.op.size))
