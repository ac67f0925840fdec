"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from archcalc.readers.keras.layers.convolution import outputs_first, per_input
from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, option, per_axis, width
from archcalc.writers.keras.registry import KerasContext, at, by_rank, layer, layers, statements, writes

Sides: TypeAlias = Sequence[tuple[int, int]]
"""What is added before and after each axis."""


def sides_of(context: KerasContext) -> Sides:
    """Return the padding of a layer before and after each axis."""
    return [(int(before), int(after)) for before, after in context.op.paddings(context.shape)]


def same_sides(context: KerasContext) -> Sides:
    """Return what Keras's padding ``same`` adds."""
    op = context.op
    found = []
    for n, k, s, d in zip(context.shape[1:], op.kernel, op.stride or op.kernel, op.dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        found.append((total // 2, total - total // 2))
    return found


def word_for(context: KerasContext, sides: Sides, *, causal: bool = False) -> str | None:
    """Return Keras's word for a padding; ``None`` if there is none."""
    op = context.op
    if sides == same_sides(context) and (any(map(any, sides)) or op.pad in ("same", "half")):
        return "same"
    if not any(map(any, sides)):
        return "valid"
    whole = [(d * (k - 1), 0) for k, d in zip(op.kernel, op.dilation, strict=True)]
    return "causal" if causal and context.rank == 1 and sides == whole else None


def written_sides(sides: Sides) -> Any:
    """Return the argument of padding and cropping layers."""
    if all(before == after for before, after in sides):
        return per_axis(tuple([before for before, _ in sides]))
    return tuple(sides[0]) if len(sides) == 1 else tuple([tuple(side) for side in sides])


def padding(sides: Sides) -> CallExpression:
    """Return the layer that pads the spatial axes with zeros."""
    made = CallArgument("padding", written_sides(sides), 1, kind="padding", positional=True)
    return CallExpression(by_rank("ZeroPadding", len(sides)), (made,))


def cropping(sides: Sides) -> CallExpression:
    """Return the layer that cuts off positions."""
    return CallExpression(
        by_rank("Cropping", len(sides)), (CallArgument("cropping", written_sides(sides), kind="crop", positional=True),)
    )


def kernel(op: Any) -> CallArgument:
    """Return the argument of the kernel size."""
    return CallArgument("kernel_size", per_axis(op.kernel), kind="kernel_size", positional=True)


def spaced(op: Any, pad: str) -> tuple[CallArgument, ...]:
    """Return the arguments of a window: strides, padding and dilation."""
    if max(op.stride) > 1 and max(op.dilation) > 1:
        raise NotInLibrary("Keras's convolutions cannot have both strides and a dilation")
    return (
        option("strides", per_axis(op.stride), 1),
        option("padding", pad, "valid", "padding_word"),
        option("dilation_rate", per_axis(op.dilation), 1),
    )


def ending(context: KerasContext) -> tuple[CallArgument, ...]:
    """Return the arguments of the bias and the activation."""
    return option("activation", context.activation, None), option("use_bias", context.op.bias, True)


def padded(context: KerasContext, call: Any, arrays: Any) -> LayerCode:
    """Return a layer with sliding windows; padding that has no word in Keras is a layer of its own.

    Args:
        context: the layer.
        call: returns the call with a word for the padding.
        arrays: where its stored arrays are.
    """
    op = context.op
    if op.flip:
        raise NotInLibrary("Keras's convolutions do not flip their kernels")
    if op.weight_norm:
        raise NotInLibrary("a convolution with weight norm is not written")
    sides = sides_of(context)
    word = word_for(context, sides, causal=op.name == "conv")
    if op.border != "zeros" and any(map(any, sides)):
        if op.border != "reflect":
            raise NotInLibrary(f"Keras's padding by {op.border} depends on its backend")
        around = ", ".join(f"({before}, {after})" for before, after in sides)
        pad = f'ops.pad($0, ((0, 0), {around}, (0, 0)), mode="reflect")'
        return statements(f"{pad}\n$self($_)", ("", call("valid")), arrays=arrays)
    if word is None or (context.is_padded and any(map(any, sides))):
        return layers(("pad", padding(sides)), ("", call("valid")), arrays=arrays)
    return layer(call(word), arrays=arrays)


@writes("conv")
def write_conv(context: KerasContext) -> LayerCode:
    op = context.op
    if op.table is not None:
        raise NotInLibrary("Keras's convolutions have no connection tables")
    if op.ws:
        raise NotInLibrary("a convolution with weight standardisation is not written")
    cls = by_rank("Conv", context.rank)
    groups = option("groups", op.groups, 1, "width" if op.groups == context.shape[0] else "groups")

    def call(word: str) -> CallExpression:
        return CallExpression(
            cls, (width("filters", op.channels), kernel(op), *spaced(op, word), groups, *ending(context))
        )

    return padded(context, call, {"weight": at("kernel", outputs_first(context.rank)), "bias": at("bias")})


@writes("dwconv")
def write_dwconv(context: KerasContext) -> LayerCode:
    op = context.op
    if context.rank == 3:  # for which Keras has no class of its own
        cls, channels = "layers.Conv3D", context.shape[0]
        first: tuple[CallArgument, ...] = (width("filters", context.output[0]), kernel(op))
        last: tuple[CallArgument, ...] = (option("groups", channels, 1, "width"),)
        kernels: Any = at("kernel", outputs_first(3))
    else:
        cls = by_rank("DepthwiseConv", context.rank)
        first, last = (kernel(op),), (option("depth_multiplier", op.multiplier, 1),)
        kernels = at("kernel", per_input(context.rank))

    def call(word: str) -> CallExpression:
        return CallExpression(cls, (*first, *spaced(op, word), *last, *ending(context)))

    return padded(context, call, {"weight": kernels, "bias": at("bias")})


@writes("sepconv")
def write_sepconv(context: KerasContext) -> LayerCode:
    op, rank = context.op, context.rank
    cls = by_rank("SeparableConv", rank, most=2)

    def call(word: str) -> CallExpression:
        more = option("depth_multiplier", op.multiplier, 1)
        return CallExpression(
            cls, (width("filters", op.channels), kernel(op), *spaced(op, word), more, *ending(context))
        )

    arrays = {
        "depthwise": at("depthwise_kernel", per_input(rank)),
        "pointwise": at("pointwise_kernel", outputs_first(rank)),
        "bias": at("bias"),
    }
    return padded(context, call, arrays)


@writes("upconv")
def write_upconv(context: KerasContext) -> LayerCode:
    """Write a transposed convolution; what Keras's padding does not cut off is cropped afterwards."""
    op, shape = context.op, context.shape
    if op.groups != 1:
        raise NotInLibrary("Keras's transposed convolutions have no groups")
    if op.weight_norm:
        raise NotInLibrary("a transposed convolution with weight norm is not written")
    reach = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    full = [(n - 1) * s + r for n, s, r in zip(shape[1:], op.stride, reach, strict=True)]
    excess = [size - made for size, made in zip(full, context.output[1:], strict=True)]
    before = crop_before(op, reach, excess)
    usual = [n * s == made for n, s, made in zip(shape[1:], op.stride, context.output[1:], strict=True)]
    same = all(usual) and all(each >= 0 and first == each // 2 for each, first in zip(excess, before, strict=True))
    added = [max(s - r, 0) for s, r in zip(op.stride, reach, strict=True)]  # Keras keeps what is between the inputs
    after = [each - first + more for each, first, more in zip(excess, before, added, strict=True)]
    is_plain = not any(before) and not any(after)
    if not is_plain and not same and min(*before, *after) < 0:
        raise NotInLibrary("Keras's transposed convolutions with padding add no positions at the end")
    word = "valid" if is_plain or not same else "same"
    made = CallExpression(
        by_rank("Conv", context.rank, "Transpose"),
        (width("filters", op.channels), kernel(op), *spaced(op, word), *ending(context)),
    )
    arrays = {"weight": at("kernel", outputs_first(context.rank)), "bias": at("bias")}
    if is_plain or same:
        return layer(made, arrays=arrays)
    return statements(
        "$self($0)\n$self_crop($_)",
        ("", made),
        ("crop", cropping([*zip(before, after, strict=True)])),
        arrays=arrays,
    )


def crop_before(op: Any, reach: Sequence[int], excess: Sequence[int]) -> list[int]:
    """Return what is cut off before each axis."""
    if op.pad == "same":  # half of the excess, and the odd position at the end
        return [max(each, 0) // 2 for each in excess]
    if isinstance(op.pad, str):
        return [{"valid": 0, "half": (r - 1) // 2, "full": r - 1}[op.pad] for r in reach]
    return [int(before) for before, _ in op.pad]
