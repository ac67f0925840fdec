"""Mistakes and conventions in counting: biases, channels, groups, filters, batch norm, pooling, operations."""

from __future__ import annotations

from dataclasses import replace

from archcalc.diagnosis.variation import Change, Site
from archcalc.diagnosis.windows import changed, like
from archcalc.numeric import exact_div
from archcalc.ops import activation
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.dense import FullyConnected, Linear
from archcalc.ops.pool import AdaptivePool, GlobalPool, Pool
from archcalc.ops.sliding import Sliding, effective_kernel
from archcalc.ops.structure import Flatten

CONVOLUTIONS = (Conv, DepthwiseConv, SeparableConv, TransposedConv)
DENSE = (FullyConnected, Linear)
POOLING = (Pool, GlobalPool, AdaptivePool)


def is_activation(op: Operator) -> bool:
    """Whether it is a nonlinearity."""
    return isinstance(op, activation.Elementwise | activation.Maxout) and not isinstance(op, activation.Scale)


def unbiased(site: Site) -> Site | None:
    return changed(site, bias=False) if hasattr(site.op, "bias") else None


def biased(site: Site) -> Site | None:
    return changed(site, bias=True) if hasattr(site.op, "bias") else None


def ungrouped(site: Site) -> Site | None:
    """One group; a depthwise or separable convolution becomes an ordinary one."""
    op = site.op
    if isinstance(op, Conv | TransposedConv):
        return changed(site, groups=1)
    if isinstance(op, DepthwiseConv | SeparableConv):
        channels = op.maps(site.shape) if isinstance(op, DepthwiseConv) else op.channels
        return site._replace(op=like(Conv, op, channels=channels))
    return None


def depthwise_only(site: Site) -> Site | None:
    return site._replace(op=like(DepthwiseConv, site.op, bias=False)) if isinstance(site.op, SeparableConv) else None


def one_input_channel(site: Site) -> Site | None:
    """Every filter as if it had one plane: k·k weights."""
    op = site.op
    if not isinstance(op, Conv | TransposedConv) or site.shape[0] == 1:
        return None
    if isinstance(op, Conv) and (op.table is not None or op.groups == site.shape[0]):
        return None
    return Site(replace(op, groups=1), ((1, *site.shape[1:]),))


def all_maps_connected(site: Site) -> Site | None:
    return changed(site, table=None) if isinstance(site.op, Conv) else None


def one_filter(site: Site) -> Site | None:
    op = site.op
    if isinstance(op, Conv) and op.table is None and op.channels != 1:
        seen = exact_div(site.shape[0], op.groups)
        return Site(replace(op, channels=1, groups=1), ((seen, *site.shape[1:]),))
    if isinstance(op, DepthwiseConv) and site.shape[0] != 1:
        return Site(replace(op, multiplier=1), ((1, *site.shape[1:]),))
    return changed(site, features=1) if isinstance(op, DENSE) else None


def positions_lost(site: Site) -> Site | None:
    """Flattening taken to leave one number per channel."""
    if isinstance(site.op, Flatten | FullyConnected) and len(site.shape) > 1:
        return site._replace(inputs=(site.shape[:1],))
    return None


def kernel_once(site: Site) -> Site | None:
    """k weights per plane instead of k·k, at as many positions."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or len(op.kernel) < 2 or set(op.kernel[1:]) == {1}:
        return None
    kernel = (op.kernel[0], *(1,) * (len(op.kernel) - 1))
    if not isinstance(op, Sliding):
        return changed(site, kernel=kernel)
    first, *others = op.geometry(site.shape)
    pads = (first[3:], *((before, after + 1 - reach) for _, reach, _, before, after in others))
    return changed(site, kernel=kernel, pad=pads)


def effective_kernel_counted(site: Site) -> Site | None:
    """A dilated kernel with weights in its holes."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or set(op.dilation) == {1}:
        return None
    reach = tuple(effective_kernel(k, d) for k, d in zip(op.kernel, op.dilation, strict=True))
    return changed(site, kernel=reach, dilation=(1,) * len(reach))


def at_input_positions(site: Site) -> Site | None:
    """As many outputs as inputs: the input's H·W in place of the output's."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or not isinstance(op, Sliding):
        return None
    if op.positions(site.shape) == site.shape[1:]:
        return None
    return changed(site, stride=(1,) * len(op.kernel), pad="same")


def at_output_positions(site: Site) -> Site | None:
    """A transposed convolution costed as an ordinary one over its output."""
    op = site.op
    if not isinstance(op, TransposedConv):
        return None
    conv = like(Conv, op, stride=(1,) * len(op.kernel), dilation=(1,) * len(op.kernel), pad="same")
    return Site(conv, ((site.shape[0], *op.output(site.inputs)[1:]),))


def at_one_position(site: Site) -> Site | None:
    """The cost of one output position only: as many products as weights."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or not isinstance(op, Sliding) or set(op.positions(site.shape)) == {1}:
        return None
    own = replace(op, stride=(1,) * len(op.kernel), pad="valid", dilation=(1,) * len(op.kernel))
    return Site(own, ((site.shape[0], *op.kernel),))


def pooling_as(cls: type[Operator], *, bias: bool) -> Change:
    """A pooling that has the weights of a convolution."""

    def change(site: Site) -> Site | None:
        op = site.op
        if not isinstance(op, Pool) or op.weights(site.inputs):
            return None
        more = {"channels": site.shape[0]} if cls is Conv else {}
        return site._replace(op=like(cls, op, stride=op.strides(), bias=bias, **more))

    return change
