"""Mistakes about sliding windows: padding, stride, rounding, dilation, pooling; and about receptive fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.diagnosis.variation import Change, Site
from archcalc.numeric import Number
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv, TransposedConv
from archcalc.ops.pool import GlobalPool, Pool
from archcalc.ops.sliding import Sliding, effective_kernel
from archcalc.ops.structure import Identity


def slides(site: Site) -> bool:
    """Whether windows slide over positions here."""
    return isinstance(site.op, Sliding | TransposedConv)


def changed(site: Site, **attributes: Any) -> Site | None:
    """The site with other attributes of its operator; ``None`` if it has them already."""
    own = {name: getattr(site.op, name) for name in attributes}
    return None if own == attributes else site._replace(op=replace(site.op, **attributes))


def like(cls: type[Operator], op: Operator, **attributes: Any) -> Operator:
    """An operator of another kind with the attributes that both have."""
    shared = {each.name: getattr(op, each.name) for each in cls.parameters() if hasattr(op, each.name)}
    return cls(**{**shared, **attributes})


def pads_of(site: Site) -> list[tuple[Number, Number]]:
    """The padding before and after, per axis, in numbers."""
    if isinstance(site.op, Sliding):
        return [(p0, p1) for *_, p0, p1 in site.op.geometry(site.shape)]
    pad = getattr(site.op, "pad", ())
    return [] if isinstance(pad, str) else list(pad)


def steps_of(site: Site) -> tuple[Number, ...]:
    """The stride per axis."""
    op = site.op
    return op.strides() if isinstance(op, Sliding) else tuple(getattr(op, "stride", ()))


def no_padding(site: Site) -> Site | None:
    if not slides(site) or not any(p for pair in pads_of(site) for p in pair):
        return None
    return changed(site, pad=((0, 0),) * len(pads_of(site)))


def padding_once(site: Site) -> Site | None:
    """2p becomes p: one side keeps its padding."""
    pads = pads_of(site) if slides(site) else []
    if not any(before and after for before, after in pads):
        return None
    return changed(site, pad=tuple((max(before, after), 0) for before, after in pads))


def padding_twice(site: Site) -> Site | None:
    pads = pads_of(site) if slides(site) else []
    if not any(p for pair in pads for p in pair):
        return None
    return changed(site, pad=tuple((2 * before, 2 * after) for before, after in pads))


def padding_assumed(pad: str | int) -> Change:
    def change(site: Site) -> Site | None:
        op = site.op
        if not isinstance(op, Sliding) or any(p for pair in pads_of(site) for p in pair) or set(op.kernel) == {1}:
            return None
        return changed(site, pad=pad if isinstance(pad, str) else ((pad, pad),) * len(op.kernel))

    return change


def unstrided(site: Site) -> Site | None:
    if isinstance(site.op, Pool) or not slides(site):
        return None
    return changed(site, stride=(1,) * len(steps_of(site)))


def unstrided_pool(site: Site) -> Site | None:
    if not isinstance(site.op, Pool) or set(steps_of(site)) == {1}:
        return None
    return changed(site, stride=(1,) * len(steps_of(site)))


def side_by_side(site: Site) -> Site | None:
    """Overlapping pooling windows taken as disjoint."""
    if not isinstance(site.op, Pool) or steps_of(site) == site.op.kernel:
        return None
    return changed(site, stride=site.op.kernel)


def no_pooling(site: Site) -> Site | None:
    return site._replace(op=Identity()) if isinstance(site.op, Pool) else None


def sizeless_pooling(site: Site) -> Site | None:
    """A pooling that strides, but sees one position only."""
    if not isinstance(site.op, Pool):
        return None
    return changed(site, kernel=(1,) * len(site.op.kernel), stride=steps_of(site), pad="valid")


def no_global_pooling(site: Site) -> Site | None:
    return site._replace(op=Identity()) if isinstance(site.op, GlobalPool) else None


def more_padding(site: Site, amounts: list[Number]) -> Site | None:
    """Further padding after the input, which may be negative: it moves the size of the output, and no window.

    The padding of a pooling is less than its window: there it is further positions of the input.
    """
    if not isinstance(site.op, Sliding) or not any(amounts):
        return None
    pads = pads_of(site)
    if isinstance(site.op, Pool):
        more_of_it = (site.shape[0], *(n + more for n, more in zip(site.shape[1:], amounts, strict=True)))
        return (changed(site, pad=tuple(pads)) or site)._replace(inputs=(more_of_it, *site.inputs[1:]))
    more_after = zip(pads, amounts, strict=True)
    return changed(site, pad=tuple((before, after + more) for (before, after), more in more_after))


def rounded_up(site: Site) -> Site | None:
    """⌈(n + p0 + p1 − K)/s⌉ + 1: the same as a floor with s − 1 more positions."""
    if isinstance(site.op, Pool) and site.op.ceil:
        return None
    return more_padding(site, [s - 1 for s in steps_of(site)])


def rounded_down(site: Site) -> Site | None:
    return changed(site, ceil=False) if isinstance(site.op, Pool) else None


def one_less(site: Site) -> Site | None:
    return more_padding(site, [-s for s in steps_of(site)])


def one_more(site: Site) -> Site | None:
    return more_padding(site, list(steps_of(site)))


def undilated(site: Site) -> Site | None:
    return changed(site, dilation=(1,) * len(site.op.kernel)) if isinstance(site.op, Sliding) else None


def kernel_times_dilation(site: Site) -> Site | None:
    """K = d·k instead of d(k − 1) + 1: d − 1 positions fewer are left."""
    if not isinstance(site.op, Sliding):
        return None
    return more_padding(site, [1 - d for d in site.op.dilation])


def kernel_on_its_side(site: Site) -> Site | None:
    return changed(site, kernel=site.op.kernel[::-1]) if isinstance(site.op, Sliding) else None


def convolved_down(site: Site) -> Site | None:
    """A transposed convolution taken as a convolution."""
    return site._replace(op=like(Conv, site.op)) if isinstance(site.op, TransposedConv) else None


def no_output_padding(site: Site) -> Site | None:
    return changed(site, outpad=(0,) * len(site.op.outpad)) if isinstance(site.op, TransposedConv) else None


def same_channels(site: Site) -> Site | None:
    """The output keeps the channels of the input: the number of filters is forgotten."""
    if not isinstance(site.op, Conv | TransposedConv) or site.op.channels == site.shape[0]:
        return None
    return changed(site, channels=site.shape[0], groups=1)


# --- receptive fields: RF_n = RF_{n−1} + (K_n − 1)·j_{n−1}, j_n = j_{n−1}·s_n ---


def no_stride(site: Site) -> Site | None:
    return unstrided(site) or unstrided_pool(site)


def own_stride_included(site: Site) -> Site | None:
    """(K − 1)·j_n instead of (K − 1)·j_{n−1}: the taps lie s times as far apart."""
    if not isinstance(site.op, Sliding) or set(steps_of(site)) == {1}:
        return None
    spread = tuple(d * s for d, s in zip(site.op.dilation, steps_of(site), strict=True))
    return changed(site, stride=steps_of(site), dilation=spread)


def kernel_not_less_one(site: Site) -> Site | None:
    """K·j instead of (K − 1)·j."""
    if not isinstance(site.op, Sliding):
        return None
    reach = tuple(effective_kernel(k, d) + (k > 1) for k, d in zip(site.op.kernel, site.op.dilation, strict=True))
    return changed(site, kernel=reach, stride=steps_of(site), dilation=(1,) * len(reach), pad="valid")
