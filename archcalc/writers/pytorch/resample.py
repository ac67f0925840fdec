"""Upsampling, padding, cropping, and the shortcut of ResNet's option A."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, option, per_axis
from archcalc.writers.pytorch.conv import padding
from archcalc.writers.pytorch.registry import PyTorchContext, expression, module, writes


@writes("upsample")
def write_upsample(context: PyTorchContext) -> LayerCode:
    op, rank = context.op, context.rank
    mode = ("", "linear", "bilinear", "trilinear")[rank] if op.mode == "bilinear" and rank <= 3 else op.mode
    if (op.mode == "bicubic" and rank != 2) or rank > 3:
        raise NotInLibrary(f"PyTorch's {op.mode} interpolation does not have {rank} spatial axes")
    if op.scale is not None:
        size = CallArgument("scale_factor", per_axis(op.scale), kind="scale_factor")
    else:
        size = CallArgument("size", per_axis(op.to), kind="size")
    args = (size, option("mode", mode, "nearest"), option("align_corners", op.align_corners, False))
    return module(CallExpression("nn.Upsample", args))


@writes("pad")
def write_pad(context: PyTorchContext) -> LayerCode:
    return module(padding([(int(before), int(after)) for before, after in context.op.margin], context.op.border))


@writes("crop")
def write_crop(context: PyTorchContext) -> LayerCode:
    cuts = [f"{before or ''}:{-after if after else ''}" for before, after in context.op.margin]
    return expression(f"$0[:, :, {', '.join(cuts)}]")


@writes("padded_identity")
def write_padded_identity(context: PyTorchContext) -> LayerCode:
    steps = ", ".join("::" + str(step) if step > 1 else ":" for step in context.op.stride)
    taken = "$0" if set(context.op.stride) == {1} else f"$0[:, :, {steps}]"
    missing = context.output[0] - context.shape[0]
    return expression(f"F.pad({taken}, ({'0, ' * (2 * context.rank)}0, {missing}))")
