"""Mistakes about channels, joins and flattening.

Each change is named after the mistake that it makes; see `archcalc.diagnosis.variation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archcalc.diagnosis.variation import OutputChange, Site
from archcalc.diagnosis.windows import changed, is_pooling
from archcalc.numeric import Number, product
from archcalc.ops.base import Operator, Shape
from archcalc.ops.structure import Identity


def channels_kept(site: Site) -> Site | None:
    """Keep the channels of the input, whatever the number of filters."""
    if getattr(site.op, "channels", None) == site.shape[0]:
        return None
    return changed(site, channels=site.shape[0], groups=1)


def filters_times_channels(site: Site) -> Shape | None:
    """Take every filter as making one output channel for each input channel."""
    if site.op.kind != "convolution" or not hasattr(site.op, "channels") or site.shape[0] == 1:
        return None
    channels, *sizes = site.op.output(site.inputs)
    return (channels * site.shape[0], *sizes)


def channels_pooled(site: Site) -> Shape | None:
    """Divide the channels by the stride of a pooling, too."""
    if not is_pooling(site):
        return None
    channels, *sizes = site.op.output(site.inputs)
    stride = site.op.strides()[0]
    return (channels // stride, *sizes) if stride > 1 and channels % stride == 0 else None


def channels_averaged(site: Site) -> Shape | None:
    """Pool the channels globally instead of the positions."""
    return site.shape[1:] if site.op.window_kind == "global" and len(site.shape) > 1 else None


def all_averaged(site: Site) -> Shape | None:
    """Pool channels and positions to a single number."""
    return (1,) if site.op.window_kind == "global" and len(site.shape) > 1 else None


def reduction_left_out(site: Site) -> Site | None:
    """Leave out a 1×1 convolution that reduces the channels."""
    return site._replace(op=Identity()) if _reduces_channels(site) else None


def channels_not_reduced(site: Site) -> Shape | None:
    """Compute what follows a 1×1 convolution with the channels before it."""
    return (site.shape[0], *site.op.output(site.inputs)[1:]) if _reduces_channels(site) else None


def _reduces_channels(site: Site) -> bool:
    op: Any = site.op
    if op.kind != "convolution" or op.window_kind != "sliding" or set(op.kernel) != {1} or set(op.strides()) != {1}:
        return False
    reduces: bool = op.output(site.inputs)[0] < site.shape[0]
    return reduces


# --- joins ---


def joined_as(channels: Callable[[list[Number]], Number], name: str) -> OutputChange:
    """Return the mistake that computes the channels of a join by another formula.

    Args:
        channels: the formula, of the channels of the joined tensors.
        name: the name of the joins in which it is made.
    """

    def output(site: Site) -> Shape | None:
        if site.op.name != name or getattr(site.op, "axis", 0) != 0:
            return None
        if len(site.inputs) < 2 or len({shape[1:] for shape in site.inputs}) > 1:
            return None
        correct = site.op.output(site.inputs)
        taken = channels([shape[0] for shape in site.inputs])
        return (taken, *correct[1:]) if taken != correct[0] else None

    return output


added_up = joined_as(sum, "add")
last_branch = joined_as(lambda channels: channels[-1], "concat")
first_branch = joined_as(lambda channels: channels[0], "concat")
largest_branch = joined_as(max, "concat")
multiplied = joined_as(product, "concat")


# --- flattening ---


def flattened_as(sizes: Callable[[Shape], Shape]) -> Callable[[Site], Site | None]:
    """Return the mistake that loses some of the sizes in flattening."""

    def change(site: Site) -> Site | None:
        if not site.op.flattens or len(site.shape) < 2:
            return None
        kept = sizes(site.shape)
        return site._replace(inputs=(kept,)) if product(kept) != product(site.shape) else None

    return change


positions_lost = flattened_as(lambda shape: shape[:1])
channels_lost = flattened_as(lambda shape: shape[1:])
last_axis_lost = flattened_as(lambda shape: shape[:-1] if len(shape) > 2 else shape)
first_axis_lost = flattened_as(lambda shape: (shape[0], *shape[2:]) if len(shape) > 2 else shape)


def is_dense(op: Operator) -> bool:
    """Return whether a layer is fully connected."""
    return op.kind == "dense"
