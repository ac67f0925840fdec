"""Upsampling, padding, cropping, and the shortcut of ResNet's option A."""

from __future__ import annotations

from archcalc.writers.code.calls import Arg, CallExpression, Code, NotInLibrary, per_axis
from archcalc.writers.keras.conv import cropping, padding
from archcalc.writers.keras.registry import LayerContext, by_rank, expression, layer, option, writes


@writes("upsample")
def write_upsample(view: LayerContext) -> Code:
    op = view.op
    pairs = [*zip(view.shape[1:], view.output[1:], strict=True)]
    if op.mode == "bicubic" or op.align_corners:
        raise NotInLibrary("Keras's interpolation is nearest, or bilinear without aligned corners")
    if op.mode == "bilinear" and view.rank != 2:
        raise NotInLibrary(f"Keras's bilinear interpolation has 2 spatial axes, got {view.rank}")
    if all(made % n == 0 for n, made in pairs):
        size = per_axis(tuple([made // n for n, made in pairs]))
        how = (option("interpolation", op.mode, "nearest"),) if view.rank == 2 else ()
        return layer(CallExpression(by_rank("UpSampling", view.rank), (Arg("size", size, kind="size"), *how)))
    if op.mode == "nearest" or any(made < n for n, made in pairs):
        raise NotInLibrary("Keras's interpolation of nearest positions enlarges by whole factors")
    height, width = view.output[1:]
    return layer(
        CallExpression(
            "layers.Resizing", (Arg("height", height, positional=True), Arg("width", width, positional=True))
        )
    )


@writes("pad")
def write_pad(view: LayerContext) -> Code:
    sides = [(int(before), int(after)) for before, after in view.op.margin]
    if view.op.border == "zeros":
        return layer(padding(sides))
    if view.op.border != "reflect":
        raise NotInLibrary(f"Keras's padding by {view.op.border} depends on its backend")
    around = ", ".join(f"({before}, {after})" for before, after in sides)
    return expression(f'ops.pad($0, ((0, 0), {around}, (0, 0)), mode="reflect")')


@writes("crop")
def write_crop(view: LayerContext) -> Code:
    return layer(cropping([(int(before), int(after)) for before, after in view.op.margin]))


@writes("padded_identity")
def write_padded_identity(view: LayerContext) -> Code:
    steps = ", ".join("::" + str(step) if step > 1 else ":" for step in view.op.stride)
    taken = "$0" if set(view.op.stride) == {1} else f"$0[:, {steps}]"
    sides = "(0, 0), " * (view.rank + 1)
    return expression(f"ops.pad({taken}, ({sides}(0, $added)))", Arg("added", view.output[0] - view.shape[0]))
