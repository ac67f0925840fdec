"""Mistakes in counting: biases, channels, groups, filters, kernels, positions, pooling.

Each change is named after the mistake that it makes; see `archcalc.diagnosis.variation.Change`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.diagnosis.variation import Change, Site
from archcalc.diagnosis.windows import changed, is_pooling, replaced
from archcalc.numeric import Number, exact_div
from archcalc.ops.base import Operator, converted_operator
from archcalc.ops.conv import Conv
from archcalc.ops.sliding import effective_kernel


def is_convolution(site: Site, *windows: str) -> bool:
    """Return whether the layer is a convolution of one tensor, with one of these kinds of windows if any are given."""
    is_one = site.op.kind == "convolution" and len(site.inputs) == 1
    return is_one and (not windows or site.op.window_kind in windows)


def bias_left_out(site: Site) -> Site | None:
    return changed(site, bias=False)


def bias_added(site: Site) -> Site | None:
    return changed(site, bias=True)


def second_bias_left_out(site: Site) -> Site | None:
    return changed(site, recurrent_bias=False) if getattr(site.op, "bias", False) else None


def second_bias_added(site: Site) -> Site | None:
    return changed(site, recurrent_bias=True) if getattr(site.op, "bias", False) else None


def groups_ignored(site: Site) -> Site | None:
    """Use one group; a depthwise or separable convolution becomes a standard one."""
    return replaced(site, site.op.ungrouped(site.shape))


def depthwise_only(site: Site) -> Site | None:
    return replaced(site, site.op.depthwise_part())


def input_channels_left_out(site: Site) -> Site | None:
    """Use k·k weights for every filter of a standard or grouped convolution, as if there were one input channel."""
    op = site.op
    if not is_convolution(site) or not hasattr(op, "groups") or getattr(op, "table", None) is not None:
        return None
    if site.shape[0] in (1, op.groups):
        return None
    return Site(replace(op, groups=1), ((1, *site.shape[1:]),))


def all_maps_connected(site: Site) -> Site | None:
    return changed(site, table=None)


def one_filter(site: Site) -> Site | None:
    """Count one filter with its input channels, or one output of a fully connected layer."""
    op, sums = site.op, site.op.sums(site.shape)
    if op.kind == "dense":
        return changed(site, features=1)
    if not is_convolution(site, "sliding", "transposed") or sums is None or len(sums.kernels) > 1:
        return None
    (kernels,) = sums.kernels
    if kernels.table is not None or kernels.outputs == 1:
        return None
    seen = exact_div(kernels.inputs, kernels.groups)
    return Site(op.on_one_channel(len(site.shape)), ((seen, *site.shape[1:]),))


def groups_of_filters(site: Site) -> int:
    """Return into how many groups a convolution divides its filters; 1 for other operators."""
    groups: int = getattr(site.op, "groups", 1) if is_convolution(site) else 1
    return groups


def one_group(site: Site) -> Site | None:
    """Count one of the groups of filters."""
    op: Any = site.op
    groups = groups_of_filters(site)
    if groups == 1:
        return None
    own = replace(op, channels=exact_div(op.channels, groups), groups=1)
    return Site(own, ((exact_div(site.shape[0], groups), *site.shape[1:]),))


def groups_twice(site: Site) -> Site | None:
    """Divide the input channels of a filter by the number of groups once more."""
    op: Any = site.op
    groups = groups_of_filters(site)
    if groups == 1 or site.shape[0] % groups**2 or op.channels % groups**2:
        return None
    return changed(site, groups=groups**2)


def kernel_squared(site: Site) -> Site | None:
    """Square the larger side of a kernel."""
    if not is_convolution(site, "sliding"):
        return None
    op: Any = site.op
    return changed(site, kernel=(max(op.kernel),) * len(op.kernel), pad="full")


def kernel_sides_added(site: Site) -> Site | None:
    """Use k + k weights per input channel and filter instead of k·k."""
    op: Any = site.op
    if not is_convolution(site, "sliding") or len(op.kernel) < 2 or set(op.kernel) == {1}:
        return None
    kernel = (sum(op.kernel), *(1,) * (len(op.kernel) - 1))
    return changed(site, kernel=kernel, pad="full", dilation=(1,) * len(kernel))


def kernel_once(site: Site) -> Site | None:
    """Use k weights per input channel and filter instead of k·k, at the same number of positions."""
    op: Any = site.op
    if not is_convolution(site) or len(op.kernel) < 2 or set(op.kernel[1:]) == {1}:
        return None
    return _with_kernel(site, (op.kernel[0], *(1,) * (len(op.kernel) - 1)))


def kernel_left_out(site: Site) -> Site | None:
    """Use one weight per input channel and filter, at the same number of positions."""
    op: Any = site.op
    return _with_kernel(site, (1,) * len(op.kernel)) if is_convolution(site) else None


def _with_kernel(site: Site, kernel: tuple[Number, ...]) -> Site | None:
    """Return the site with a smaller kernel and as many positions."""
    op: Any = site.op
    if op.window_kind != "sliding":
        return changed(site, kernel=kernel)
    rows = zip(op.geometry(site.shape), kernel, op.dilation, strict=True)
    pads = tuple((before, after + effective_kernel(k, d) - reach) for (_, reach, _, before, after), k, d in rows)
    return changed(site, kernel=kernel, pad=pads)


def channels_of_output_read(site: Site) -> Site | None:
    """Take the depth of a filter as the number of filters."""
    op: Any = site.op
    channels = getattr(op, "channels", None)
    if not is_convolution(site, "sliding") or channels in (None, site.shape[0]) or getattr(op, "groups", 1) != 1:
        return None
    return None if getattr(op, "table", None) is not None else Site(op, ((channels, *site.shape[1:]),))


def multiplier_ignored(site: Site) -> Site | None:
    return changed(site, multiplier=1)


def pointwise_only(site: Site) -> Site | None:
    """Count only the 1×1 convolution of a separable one."""
    op: Any = site.op
    if op.depthwise_part() is None:
        return None
    maps = op.depthwise_part().output(site.inputs)
    ones = (1,) * len(op.kernel)
    return Site(converted_operator(Conv, op, kernel=ones, stride=ones, dilation=ones, pad="valid"), (maps,))


def effective_kernel_counted(site: Site) -> Site | None:
    """Count the holes of a dilated kernel as weights."""
    op: Any = site.op
    if not is_convolution(site) or set(op.dilation) == {1}:
        return None
    reach = tuple(effective_kernel(k, d) for k, d in zip(op.kernel, op.dilation, strict=True))
    return changed(site, kernel=reach, dilation=(1,) * len(reach))


def at_input_positions(site: Site) -> Site | None:
    """Count the H·W positions of the input instead of those of the output."""
    op: Any = site.op
    if not is_convolution(site, "sliding") or op.output(site.inputs)[1:] == site.shape[1:]:
        return None
    return changed(site, stride=(1,) * len(op.kernel), pad="same")


def at_padded_positions(site: Site) -> Site | None:
    """Count the positions of the padded input."""
    op: Any = site.op
    if not is_convolution(site, "sliding"):
        return None
    rows = op.geometry(site.shape)
    if not any(p0 or p1 for *_, p0, p1 in rows):
        return None
    pads = tuple((p0, p1 + reach - 1) for _, reach, _, p0, p1 in rows)
    return changed(site, stride=(1,) * len(rows), pad=pads)


def at_one_position(site: Site) -> Site | None:
    """Count one output position only: as many products as weights."""
    op: Any = site.op
    if not is_convolution(site, "sliding") or set(op.output(site.inputs)[1:]) == {1}:
        return None
    own = replace(op, stride=(1,) * len(op.kernel), pad="valid", dilation=(1,) * len(op.kernel))
    return Site(own, ((site.shape[0], *op.kernel),))


def at_one_row(site: Site) -> Site | None:
    """Count the output positions along the first axis only."""
    op: Any = site.op
    if not is_convolution(site, "sliding") or len(op.kernel) < 2:
        return None
    first, *others = op.geometry(site.shape)
    ones = (1,) * len(others)
    pads = (tuple(first[3:]), *((0, 0) for _ in others))
    own = replace(op, stride=(first[2], *ones), pad=pads, dilation=(op.dilation[0], *ones))
    return Site(own, ((*site.shape[:2], *op.kernel[1:]),))


def pooling_as(cls: type[Operator], *, bias: bool) -> Change:
    """Return the change that gives a pooling the weights of a convolution."""

    def change(site: Site) -> Site | None:
        op = site.op
        if not is_pooling(site) or op.weights(site.inputs):
            return None
        widths = dict.fromkeys(cls.widths, site.shape[0])
        return site._replace(op=converted_operator(cls, op, stride=op.strides(), bias=bias, **widths))

    return change
