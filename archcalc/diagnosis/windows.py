"""Mistakes about sliding windows (padding, stride, rounding, dilation, pooling) and receptive fields.

Each change is named after the mistake that it makes; see `archcalc.diagnosis.variation.Change`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.diagnosis.variation import Change, OutputChange, Site
from archcalc.numeric import Number
from archcalc.ops.base import Operator, Shape
from archcalc.ops.sliding import effective_kernel
from archcalc.ops.structure import Identity


def has_sliding_window(site: Site) -> bool:
    """Return whether the windows of the layer slide over its input."""
    return site.op.window_kind == "sliding"


def has_window(site: Site) -> bool:
    """Return whether windows slide over the input or, for a transposed convolution, over the output."""
    return site.op.window_kind in ("sliding", "transposed")


def is_pooling(site: Site) -> bool:
    """Return whether the layer is a pooling with sliding windows."""
    return site.op.kind == "pooling" and has_sliding_window(site)


def changed(site: Site, **attributes: Any) -> Site | None:
    """Return the site with other attributes of its operator; ``None`` if they are equal or the operator lacks one."""
    if not all(hasattr(site.op, name) for name in attributes):
        return None
    own = {name: getattr(site.op, name) for name in attributes}
    return None if own == attributes else site._replace(op=replace(site.op, **attributes))


def replaced(site: Site, op: Operator | None) -> Site | None:
    """Return the site with another operator; ``None`` if there is none or it is equal."""
    if op is None or (op.equals(site.op)):
        return None
    return site._replace(op=op)


def pads_of(site: Site) -> list[tuple[Number, Number]]:
    """Return the padding before and after the input, per axis."""
    return site.op.paddings(site.shape)


def padding_ignored(site: Site) -> Site | None:
    pads = pads_of(site)
    return changed(site, pad=((0, 0),) * len(pads)) if any(p for pair in pads for p in pair) else None


def padding_once(site: Site) -> Site | None:
    """Pad one side of each axis only: p instead of 2p."""
    pads = pads_of(site)
    if not any(before and after for before, after in pads):
        return None
    return changed(site, pad=tuple((max(before, after), 0) for before, after in pads))


def padding_twice(site: Site) -> Site | None:
    pads = pads_of(site)
    if not any(p for pair in pads for p in pair):
        return None
    return changed(site, pad=tuple((2 * before, 2 * after) for before, after in pads))


def padding_assumed(pad: str | int) -> Change:
    def change(site: Site) -> Site | None:
        op: Any = site.op
        if not has_sliding_window(site) or any(p for pair in pads_of(site) for p in pair) or set(op.kernel) == {1}:
            return None
        return changed(site, pad=pad if isinstance(pad, str) else ((pad, pad),) * len(op.kernel))

    return change


def stride_ignored(site: Site) -> Site | None:
    return changed(site, stride=(1,) * len(site.op.strides())) if has_window(site) and not is_pooling(site) else None


def pool_stride_one(site: Site) -> Site | None:
    strides = site.op.strides()
    return changed(site, stride=(1,) * len(strides)) if is_pooling(site) and set(strides) != {1} else None


def pool_stride_kernel(site: Site) -> Site | None:
    """Take the window size of a pooling as its stride."""
    op: Any = site.op
    return changed(site, stride=op.kernel) if is_pooling(site) and op.strides() != op.kernel else None


def pooling_ignored(site: Site) -> Site | None:
    return site._replace(op=Identity()) if is_pooling(site) else None


def pool_window_ignored(site: Site) -> Site | None:
    """Keep the stride of a pooling, and take its window as a single position."""
    if not is_pooling(site):
        return None
    strides = site.op.strides()
    return changed(site, kernel=(1,) * len(strides), stride=strides, pad="valid")


def global_pooling_ignored(site: Site) -> Site | None:
    return site._replace(op=Identity()) if site.op.window_kind == "global" else None


def more_padding(site: Site, amounts: list[Number]) -> Site | None:
    """Pad more (or, with negative amounts, less) after the input: this changes the output size and moves no window.

    The padding of a pooling must be smaller than its window, so there the input gets more positions instead.
    """
    if not has_sliding_window(site) or not any(amounts):
        return None
    pads = pads_of(site)
    if is_pooling(site):
        larger = (site.shape[0], *(n + more for n, more in zip(site.shape[1:], amounts, strict=True)))
        return (changed(site, pad=tuple(pads)) or site)._replace(inputs=(larger, *site.inputs[1:]))
    more_after = zip(pads, amounts, strict=True)
    return changed(site, pad=tuple((before, after + more) for (before, after), more in more_after))


def rounded_up(site: Site) -> Site | None:
    """Compute ⌈(n + p0 + p1 − K)/s⌉ + 1, which equals the floor with s − 1 more positions."""
    if getattr(site.op, "ceil", False):
        return None
    return more_padding(site, [s - 1 for s in site.op.strides()])


def rounded_down(site: Site) -> Site | None:
    return changed(site, ceil=False)


def one_forgotten(site: Site) -> Site | None:
    return more_padding(site, [-s for s in site.op.strides()])


def one_subtracted(site: Site) -> Site | None:
    return more_padding(site, [-2 * s for s in site.op.strides()])


def kernel_added(missing: int) -> Change:
    """Return the change that computes (n + p0 + p1 + K)/s + 1, less some positions before the division."""

    def change(site: Site) -> Site | None:
        op: Any = site.op
        if not has_sliding_window(site) or is_pooling(site):
            return None
        return more_padding(site, [2 * reach - missing for _, reach, *_ in op.geometry(site.shape)])

    return change


def reduced_along(kept: int) -> OutputChange:
    """Return the mistake that applies a stride along one of two axes only, and keeps the size of the other one."""

    def output(site: Site) -> Shape | None:
        if not has_sliding_window(site) or len(site.shape) != 3 or 1 in site.op.strides():
            return None
        sizes = list(site.op.output(site.inputs))
        sizes[kept] = site.shape[kept]
        return tuple(sizes)

    return output


def one_too_many(site: Site) -> Site | None:
    return more_padding(site, list(site.op.strides()))


def dilation_ignored(site: Site) -> Site | None:
    return changed(site, dilation=(1,) * len(site.op.strides())) if has_sliding_window(site) else None


def dilation_times_kernel(site: Site) -> Site | None:
    """Use K = d·k instead of d(k − 1) + 1, which leaves d − 1 fewer positions."""
    op: Any = site.op
    return more_padding(site, [1 - d for d in op.dilation]) if has_sliding_window(site) else None


def kernel_axes_swapped(site: Site) -> Site | None:
    op: Any = site.op
    return changed(site, kernel=op.kernel[::-1]) if has_sliding_window(site) else None


# --- receptive fields: RF_n = RF_{n−1} + (K_n − 1)·j_{n−1}, j_n = j_{n−1}·s_n ---


def any_stride_ignored(site: Site) -> Site | None:
    return stride_ignored(site) or pool_stride_one(site)


def own_stride_included(site: Site) -> Site | None:
    """Use (K − 1)·j_n instead of (K − 1)·j_{n−1}: the positions of the kernel lie s times as far apart."""
    op: Any = site.op
    strides = op.strides()
    if not has_sliding_window(site) or set(strides) == {1}:
        return None
    spread = tuple(d * s for d, s in zip(op.dilation, strides, strict=True))
    return changed(site, stride=strides, dilation=spread)


def kernel_not_less_one(site: Site) -> Site | None:
    """Use K·j instead of (K − 1)·j."""
    if not has_sliding_window(site):
        return None
    op: Any = site.op
    reach = tuple(effective_kernel(k, d) + (k > 1) for k, d in zip(op.kernel, op.dilation, strict=True))
    return changed(site, kernel=reach, stride=op.strides(), dilation=(1,) * len(reach), pad="valid")


def dilated_to_multiples(site: Site) -> Site | None:
    """Use K = d·k instead of d(k − 1) + 1."""
    op: Any = site.op
    if not has_sliding_window(site) or set(op.dilation) == {1}:
        return None
    reach = tuple(d * k for k, d in zip(op.kernel, op.dilation, strict=True))
    return changed(site, kernel=reach, stride=op.strides(), dilation=(1,) * len(reach), pad="valid")
