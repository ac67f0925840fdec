"""Convolutions of channels that are last or first, and their transposes. Kernels are positions × inputs × outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.readers.keras.layers.activation import activated
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make


def axes_of(class_name: str) -> int:
    """Return the number of axes in the name of a class: 2 for ``Conv2D``."""
    return next(int(character) for character in class_name if character.isdigit())


def outputs_first(axes: int) -> Callable[[Any], Any]:
    """Return what puts the last two axes of kernels before the positions, the last one first."""
    return lambda kernel: kernel.transpose(axes + 1, axes, *range(axes))


def per_input(axes: int) -> Callable[[Any], Any]:
    """Return what makes kernels of single channels of those that are positions × inputs × multiplier."""

    def transform(kernel: Any) -> Any:
        own = kernel.transpose(axes, axes + 1, *range(axes))
        return own.reshape(-1, 1, *own.shape[2:])

    return transform


def windows(n: LayerView, axes: int) -> dict[str, Any]:
    """Return the attributes of windows."""
    kernel, dilation = n.sizes("kernel_size", axes), n.sizes("dilation_rate", axes, 1)
    padding = n.word("padding", "valid").lower()
    pad: Any = padding
    if padding == "causal":
        pad = tuple([(d * (k - 1), 0) for k, d in zip(kernel, dilation, strict=True)])
    elif padding == "valid":
        pad = ((0, 0),) * axes
    elif padding != "same":
        raise Unconvertible(f"the padding '{padding[:40]}'")
    return {"kernel": kernel, "stride": n.sizes("strides", axes, 1), "dilation": dilation, "pad": pad}


def finished(n: LayerView, made: Ref) -> Ref:
    """Return the result of a convolution with the axes of the graph, after its activation."""
    return activated(n, n.from_features_first(made), n.get("activation", None))


def with_bias(n: LayerView, stored: dict[str, str]) -> dict[str, str]:
    """Return stored arrays with the bias, the last variable, if there is one."""
    return {**stored, "bias": n.variable(len(stored))} if n.flag("use_bias", True) else stored


@converts("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def convolution(n: LayerView) -> Ref:
    axes = axes_of(n.call.layer.class_name)
    stored = with_bias(n, {"weight": n.variable(0, outputs_first(axes))})
    op = make(
        Conv,
        channels=n.integer("filters"),
        groups=n.integer("groups", 1),
        bias="bias" in stored,
        **windows(n, axes),
    )
    return finished(n, n.add(op, n.with_features_first(n.x), stored=stored))


@converts("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(n: LayerView) -> Ref:
    axes = axes_of(n.call.layer.class_name)
    stored = with_bias(n, {"weight": n.variable(0, per_input(axes))})
    op = make(DepthwiseConv, multiplier=n.integer("depth_multiplier", 1), bias="bias" in stored, **windows(n, axes))
    return finished(n, n.add(op, n.with_features_first(n.x), stored=stored))


@converts("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable(n: LayerView) -> Ref:
    axes = axes_of(n.call.layer.class_name)
    kernels = {"depthwise": n.variable(0, per_input(axes)), "pointwise": n.variable(1, outputs_first(axes))}
    stored = with_bias(n, kernels)
    op = make(
        SeparableConv,
        channels=n.integer("filters"),
        multiplier=n.integer("depth_multiplier", 1),
        bias="bias" in stored,
        **windows(n, axes),
    )
    return finished(n, n.add(op, n.with_features_first(n.x), stored=stored))


@converts(
    *(
        f"{name}{axes}D{end}"
        for name, end in (("Conv", "Transpose"), ("Convolution", "Transpose"), ("Deconvolution", ""))
        for axes in (1, 2, 3)
    )
)
def transposed(n: LayerView) -> Ref:
    """Convert a transposed convolution, whose kernels are positions × outputs × inputs."""
    axes = axes_of(n.call.layer.class_name)
    given = windows(n, axes)
    outpad = n.get("output_padding", None)
    added = None if outpad is None else n.sizes("output_padding", axes, at_least=0)
    if given["pad"] != "same":  # Keras also keeps the positions between the inputs behind the last one
        rows = zip(given["kernel"], given["stride"], given["dilation"], added or (None,) * axes, strict=True)
        added = tuple([max(s - (d * (k - 1) + 1), 0) if extra is None else extra for k, s, d, extra in rows])
    stored = with_bias(n, {"weight": n.variable(0, outputs_first(axes))})
    op = make(
        TransposedConv,
        channels=n.integer("filters"),
        groups=n.integer("groups", 1),
        bias="bias" in stored,
        outpad=added if added is not None and (given["pad"] == "same" or any(added)) else None,
        **given,
    )
    return finished(n, n.add(op, n.with_features_first(n.x), stored=stored))
