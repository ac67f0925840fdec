"""Upsampling, padding, cropping, and the shortcut of ResNet's option A."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, option, per_axis
from archcalc.writers.keras.conv import cropping, padding
from archcalc.writers.keras.registry import KerasContext, by_rank, expression, layer, writes


@writes("upsample")
def write_upsample(context: KerasContext) -> LayerCode:
    op = context.op
    pairs = [*zip(context.shape[1:], context.output[1:], strict=True)]
    if op.mode == "bicubic" or op.align_corners:
        raise NotInLibrary("Keras's interpolation is nearest, or bilinear without aligned corners")
    if op.mode == "bilinear" and context.rank != 2:
        raise NotInLibrary(f"Keras's bilinear interpolation has 2 spatial axes, got {context.rank}")
    if all(made % n == 0 for n, made in pairs):
        size = per_axis(tuple([made // n for n, made in pairs]))
        how = (option("interpolation", op.mode, "nearest"),) if context.rank == 2 else ()
        return layer(
            CallExpression(by_rank("UpSampling", context.rank), (CallArgument("size", size, kind="size"), *how))
        )
    if op.mode == "nearest" or any(made < n for n, made in pairs):
        raise NotInLibrary("Keras's interpolation of nearest positions enlarges by integer factors")
    height, width = context.output[1:]
    return layer(
        CallExpression(
            "layers.Resizing",
            (CallArgument("height", height, positional=True), CallArgument("width", width, positional=True)),
        )
    )


@writes("pad")
def write_pad(context: KerasContext) -> LayerCode:
    sides = [(int(before), int(after)) for before, after in context.op.margin]
    if context.op.border == "zeros":
        return layer(padding(sides))
    if context.op.border != "reflect":
        raise NotInLibrary(f"Keras's padding by {context.op.border} depends on its backend")
    around = ", ".join(f"({before}, {after})" for before, after in sides)
    return expression(f'ops.pad($0, ((0, 0), {around}, (0, 0)), mode="reflect")')


@writes("crop")
def write_crop(context: KerasContext) -> LayerCode:
    return layer(cropping([(int(before), int(after)) for before, after in context.op.margin]))


@writes("padded_identity")
def write_padded_identity(context: KerasContext) -> LayerCode:
    steps = ", ".join("::" + str(step) if step > 1 else ":" for step in context.op.stride)
    taken = "$0" if set(context.op.stride) == {1} else f"$0[:, {steps}]"
    sides = "(0, 0), " * (context.rank + 1)
    return expression(
        f"ops.pad({taken}, ({sides}(0, $added)))", CallArgument("added", context.output[0] - context.shape[0])
    )
