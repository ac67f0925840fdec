"""Convolutions and pooling: maps have the channels last, filters have their axes in several orders."""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.tflite.operation import OperationView, SpaceToBatch, channels_first
from archcalc.readers.tflite.registry import converts

SAME, VALID = 0, 1
"""The kinds of padding."""


def padded(n: OperationView) -> dict[str, Any]:
    """Return the padding of windows."""
    kind = n.option("Padding")
    if kind not in (SAME, VALID):
        raise Untranslatable("an unknown padding")
    return {"auto_pad": "SAME_UPPER" if kind == SAME else "VALID"}


def per_axis(n: OperationView, *names: str, default: int = 1) -> list[int]:
    """Return an option for each axis of positions."""
    return [n.option(name, default) for name in names]


def filters(n: OperationView, order: tuple[int, ...]) -> str:
    """Return the filters: output channels, input channels, positions."""
    return n.add("Transpose", n.read(1), perm=list(order))


def bias(n: OperationView, index: int) -> list[str]:
    """Return the bias, if there is one."""
    return [n.read(index)] if n.has(index) else []


@converts("CONV_2D", on_maps=True)
def conv(n: OperationView) -> None:
    groups = divided(n.known_size(0, 3), n.known_size(1, 3))
    attributes = {
        "strides": per_axis(n, "StrideH", "StrideW"),
        "dilations": per_axis(n, "DilationHFactor", "DilationWFactor"),
    }
    convolved(n, groups, (0, 3, 1, 2), attributes)


@converts("DEPTHWISE_CONV_2D", on_maps=True)
def depthwise(n: OperationView) -> None:
    attributes = {
        "strides": per_axis(n, "StrideH", "StrideW"),
        "dilations": per_axis(n, "DilationHFactor", "DilationWFactor"),
    }
    convolved(n, n.known_size(0, 3), (3, 0, 1, 2), attributes)


@converts("CONV_3D", on_maps=True)
def conv_3d(n: OperationView) -> None:
    groups = divided(n.known_size(0, 4), n.known_size(1, 3))
    attributes = {
        "strides": per_axis(n, "StrideD", "StrideH", "StrideW"),
        "dilations": per_axis(n, "DilationDFactor", "DilationHFactor", "DilationWFactor"),
    }
    convolved(n, groups, (4, 3, 0, 1, 2), attributes)


def divided(channels: int, read: int) -> int:
    """Return the number of groups of channels."""
    if not read or channels % read:
        raise Untranslatable(f"filters of {read} channels on {channels}")
    return channels // read


def convolved(n: OperationView, groups: int, order: tuple[int, ...], attributes: dict[str, Any]) -> None:
    """Add a convolution."""
    weight = filters(n, order)
    dealt = n.graph.dealt(n.index(0))
    if dealt is not None:
        if n.option("Padding") != VALID or {*attributes["strides"], *attributes["dilations"]} != {1}:
            raise Untranslatable("a convolution on positions that are moved to the batch")
        dilated(n, dealt, weight, groups)
        return
    made = n.add("Conv", n.maps(0), weight, *bias(n, 2), group=groups, **padded(n), **attributes)
    n.computed(made, channels_first(n.rank(0)))


def dilated(n: OperationView, dealt: SpaceToBatch, weight: str, groups: int) -> None:
    """Add a dilated convolution: one of maps whose positions are dealt out to the batch before, and collected after."""
    collecting = n.graph.collector(n.operator.outputs[0])
    if collecting is None:
        raise Untranslatable("a convolution on positions that are moved to the batch")
    steps, cut = (n.graph.value(each) for each in collecting.inputs[1:3])
    if tuple(steps.flat) != dealt.steps:
        raise Untranslatable("positions that are moved to the batch and back in another way")
    added = [
        [pad - less for pad, less in zip(*each, strict=True)] for each in zip(dealt.margins, cut.tolist(), strict=True)
    ]
    pads = [each[side] for side in (0, 1) for each in added]
    if min(pads) < 0:
        raise Untranslatable("more positions are cut off than were added")
    order = channels_first(n.rank(0))
    read = n.graph.named(dealt.source, order)
    made = n.add("Conv", read, weight, *bias(n, 2), group=groups, pads=pads, dilations=list(dealt.steps))
    n.graph.register(collecting.outputs[0], n.completed(made), order)


@converts("TRANSPOSE_CONV", on_maps=True)
def transposed(n: OperationView) -> None:
    """Convert the gradient of a convolution; the first input is the shape of the result."""
    strides = per_axis(n, "StrideH", "StrideW")
    weight = filters(n, (3, 0, 1, 2))
    read = n.maps(2)
    before, after = n.sizes(2)[1:3], n.result_tensor().sizes[1:3]
    if min(*before, *after) < 0:
        amount = padded(n)
    else:
        kernel = n.sizes(1)[1:3]
        missing = [s * (size - 1) + k - made for size, made, k, s in zip(before, after, kernel, strides, strict=True)]
        starts = [max(each, 0) // 2 if n.option("Padding") == SAME else 0 for each in missing]
        ends = [max(each, 0) - start for each, start in zip(missing, starts, strict=True)]
        amount = {"pads": [*starts, *ends], "output_padding": [max(-each, 0) for each in missing]}
    made = n.add("ConvTranspose", read, weight, *bias(n, 3), strides=strides, **amount)
    n.computed(made, channels_first(4))


@converts("AVERAGE_POOL_2D", "MAX_POOL_2D", on_maps=True)
def pool(n: OperationView) -> None:
    operator = "MaxPool" if n.name == "MAX_POOL_2D" else "AveragePool"
    made = n.add(operator, n.maps(0), **windows(n))
    n.computed(made, channels_first(4), selects=n.name == "MAX_POOL_2D")


@converts("L2_POOL_2D", on_maps=True)
def root_of_mean_square(n: OperationView) -> None:
    read = n.maps(0)
    mean = n.add("AveragePool", n.add("Mul", read, read), **windows(n))
    n.computed(n.add("Sqrt", mean), channels_first(4))


def windows(n: OperationView) -> dict[str, Any]:
    """Return the windows of pooling."""
    kernel, strides = per_axis(n, "FilterHeight", "FilterWidth"), per_axis(n, "StrideH", "StrideW")
    return {"kernel_shape": kernel, "strides": strides, **padded(n)}


@converts("SPACE_TO_BATCH_ND", follows=True)
def deal(n: OperationView) -> None:
    """Deal the positions of maps out to the batch, before a convolution only."""
    steps = n.integers(1)
    readers = n.graph.readers.get(n.operator.outputs[0], [])
    if n.rank(0) != 4 or len(steps) != 2 or any(each.name not in ("CONV_2D", "DEPTHWISE_CONV_2D") for each in readers):
        raise Untranslatable("positions that are moved to the batch")
    n.graph.deal(n.operator.outputs[0], SpaceToBatch(n.index(0), tuple(steps), n.value(2).tolist()))


@converts("BATCH_TO_SPACE_ND", follows=True)
def collect(n: OperationView) -> None:
    """Collect positions from the batch, which the convolution before does already."""
    if not n.graph.orders(n.operator.outputs[0]):
        raise Untranslatable("positions that are moved back from the batch")
