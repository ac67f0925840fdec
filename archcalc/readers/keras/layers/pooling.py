"""Pooling, upsampling, padding and cropping: operators of channels and positions without weights."""

from __future__ import annotations

from typing import Any

from archcalc.graph import Ref
from archcalc.ops.base import Operator
from archcalc.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.ops.resample import Crop, Pad, Upsample
from archcalc.ops.structure import Flatten
from archcalc.readers.keras.layers.convolution import axes_of
from archcalc.readers.keras.registry import Unconvertible, converts, converts_operation
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

AXES = (1, 2, 3)


def on_maps(n: LayerView, op: Operator) -> Ref:
    """Add an operator of channels and positions."""
    return n.from_features_first(n.add(op, n.with_features_first(n.x)))


def named(*names: str) -> list[str]:
    """Return the names of classes of any number of axes."""
    return [f"{name}{axes}D" for name in names for axes in AXES]


@converts(*named("MaxPooling", "MaxPool", "AveragePooling", "AvgPool"))
def pooling(n: LayerView) -> Ref:
    return pooled(n, axes_of(n.call.layer.class_name))


@converts_operation("MaxPool", "AveragePool")
def pooling_operation(n: LayerView) -> Ref:
    return pooled(n, n.rank(n.x) - 1)


def pooled(n: LayerView, axes: int) -> Ref:
    """Return maxima or means of windows over some axes."""
    kernel, padding = n.sizes("pool_size", axes, 2), n.word("padding", "valid").lower()
    if padding not in ("same", "valid"):
        raise Unconvertible(f"the padding '{padding[:40]}'")
    attributes: dict[str, Any] = {
        "kernel": kernel,
        "stride": n.sizes("strides", axes, kernel),
        "dilation": (1,) * axes,
        "pad": "same" if padding == "same" else ((0, 0),) * axes,
    }
    if n.call.layer.class_name.startswith("Max"):
        return on_maps(n, make(MaxPool, **attributes))
    return on_maps(n, make(AvgPool, count_include_pad=padding == "valid", **attributes))


@converts(*named("GlobalAveragePooling", "GlobalAvgPool", "GlobalMaxPooling", "GlobalMaxPool"))
def global_pooling(n: LayerView) -> Ref:
    op = GlobalMaxPool() if "Max" in n.call.layer.class_name else GlobalAvgPool()
    made = n.add(op, n.with_features_first(n.x))
    return n.from_features_first(made) if n.flag("keepdims", False) else n.add(Flatten(), made)


@converts(*named("AdaptiveAveragePooling", "AdaptiveMaxPooling"))
@converts_operation("AdaptiveAveragePool", "AdaptiveMaxPool")
def adaptive_pooling(n: LayerView) -> Ref:
    kind = AdaptiveMaxPool if "Max" in n.call.layer.class_name else AdaptiveAvgPool
    return on_maps(n, make(kind, size=n.sizes("output_size", n.rank(n.x) - 1)))


@converts(*named("UpSampling"))
def upsampling(n: LayerView) -> Ref:
    axes, mode = axes_of(n.call.layer.class_name), n.word("interpolation", "nearest")
    if mode not in ("nearest", "bilinear"):
        raise Unconvertible(f"the interpolation '{mode[:40]}'")
    return on_maps(n, make(Upsample, scale=n.sizes("size", axes, 2), mode=mode))


@converts("Resizing")
@converts_operation("Resize")
def resizing(n: LayerView) -> Ref:
    mode = n.word("interpolation", "bilinear")
    kept = ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias")
    if mode not in ("nearest", "bilinear") or any(n.flag(name, False) for name in kept):
        raise Unconvertible(f"the interpolation '{mode[:40]}', or one that keeps the aspect ratio")
    operation = n.call.layer.class_name == "Resize"
    size = n.sizes("size", 2) if operation else (n.integer("height"), n.integer("width"))
    return on_maps(n, make(Upsample, to=size, mode=mode))


def margins(n: LayerView, name: str) -> tuple[tuple[int, int], ...]:
    """Return numbers before and after, per axis: one for all, one per axis, or two per axis."""
    axes, value = axes_of(n.call.layer.class_name), n.get(name, 1)
    if axes == 1 and isinstance(value, list) and len(value) == 2:
        value = [value]
    values = [value] * axes if type(value) is int else value
    pairs = [[each, each] if type(each) is int else each for each in values] if isinstance(values, list) else []
    fits = all(isinstance(each, list) and len(each) == 2 and {*map(type, each)} == {int} for each in pairs)
    if len(pairs) != axes or not fits:
        raise Unconvertible(f"'{name}' must be numbers before and after each of {axes} axes")
    return tuple([(before, after) for before, after in pairs])


@converts(*named("ZeroPadding"))
def padding(n: LayerView) -> Ref:
    return on_maps(n, make(Pad, margin=margins(n, "padding")))


@converts(*named("Cropping"))
def cropping(n: LayerView) -> Ref:
    return on_maps(n, make(Crop, margin=margins(n, "cropping")))


@converts("CenterCrop", "RandomCrop")
def centre_crop(n: LayerView) -> Ref:
    """Convert the crop of the middle, the odd position being left out at the end; random crops are one at inference."""
    if n.call.layer.class_name == "RandomCrop" and n.graph.plan.legacy:
        raise Unconvertible("a random crop of version 2, which resizes images at inference")
    sizes = n.shape(n.with_features_first(n.x))[1:]
    wanted = (n.integer("height"), n.integer("width"))
    if not all(type(each) is int for each in sizes):
        raise Unconvertible("a crop to a fixed size of an open one")
    rows = [(n0 - size, (n0 - size) // 2) for n0, size in zip(sizes, wanted, strict=True)]
    if min(rest for rest, _ in rows) < 0:
        raise Unconvertible("a crop of a smaller image, which Keras resizes")
    return on_maps(n, make(Crop, margin=tuple([(before, rest - before) for rest, before in rows])))
