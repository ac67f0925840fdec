"""Mistakes about sliding windows: padding, stride, rounding, dilation, pooling; and about receptive fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archcalc.diagnosis.variation import Change, Site
from archcalc.numeric import Number, ratio
from archcalc.ops.base import Operator, Shapes, like
from archcalc.ops.conv import Conv, TransposedConv
from archcalc.ops.sliding import effective_kernel
from archcalc.ops.structure import Identity
from archcalc.ops.window import Reach, Window


def slides(site: Site) -> bool:
    """Whether windows slide over the input here."""
    return site.op.window_kind == "sliding"


def moves(site: Site) -> bool:
    """Whether windows slide over the input or (of a transposed convolution) over the output."""
    return site.op.window_kind in ("sliding", "transposed")


def is_pooling(site: Site) -> bool:
    """Whether it is a pooling whose windows slide."""
    return site.op.kind == "pooling" and slides(site)


def changed(site: Site, **attributes: Any) -> Site | None:
    """The site with other attributes of its operator; ``None`` if it has them already, or has not all of them."""
    if not all(hasattr(site.op, name) for name in attributes):
        return None
    own = {name: getattr(site.op, name) for name in attributes}
    return None if own == attributes else site._replace(op=replace(site.op, **attributes))


def replaced(site: Site, op: Operator | None) -> Site | None:
    """The site with another operator, if there is one and it differs."""
    if op is None or (type(op) is type(site.op) and op.attributes() == site.op.attributes()):
        return None
    return site._replace(op=op)


def pads_of(site: Site) -> list[tuple[Number, Number]]:
    """The padding before and after, per axis, in numbers."""
    return site.op.paddings(site.shape)


def no_padding(site: Site) -> Site | None:
    pads = pads_of(site)
    return changed(site, pad=((0, 0),) * len(pads)) if any(p for pair in pads for p in pair) else None


def padding_once(site: Site) -> Site | None:
    """2p becomes p: one side keeps its padding."""
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
        if not slides(site) or any(p for pair in pads_of(site) for p in pair) or set(op.kernel) == {1}:
            return None
        return changed(site, pad=pad if isinstance(pad, str) else ((pad, pad),) * len(op.kernel))

    return change


def unstrided(site: Site) -> Site | None:
    return changed(site, stride=(1,) * len(site.op.strides())) if moves(site) and not is_pooling(site) else None


def unstrided_pool(site: Site) -> Site | None:
    strides = site.op.strides()
    return changed(site, stride=(1,) * len(strides)) if is_pooling(site) and set(strides) != {1} else None


def side_by_side(site: Site) -> Site | None:
    """Overlapping pooling windows taken as disjoint."""
    op: Any = site.op
    return changed(site, stride=op.kernel) if is_pooling(site) and op.strides() != op.kernel else None


def no_pooling(site: Site) -> Site | None:
    return site._replace(op=Identity()) if is_pooling(site) else None


def sizeless_pooling(site: Site) -> Site | None:
    """A pooling that strides, but sees one position only."""
    if not is_pooling(site):
        return None
    strides = site.op.strides()
    return changed(site, kernel=(1,) * len(strides), stride=strides, pad="valid")


def no_global_pooling(site: Site) -> Site | None:
    return site._replace(op=Identity()) if site.op.window_kind == "global" else None


def more_padding(site: Site, amounts: list[Number]) -> Site | None:
    """Further padding after the input, which may be negative: it moves the size of the output, and no window.

    The padding of a pooling is less than its window: there it is further positions of the input.
    """
    if not slides(site) or not any(amounts):
        return None
    pads = pads_of(site)
    if is_pooling(site):
        more_of_it = (site.shape[0], *(n + more for n, more in zip(site.shape[1:], amounts, strict=True)))
        return (changed(site, pad=tuple(pads)) or site)._replace(inputs=(more_of_it, *site.inputs[1:]))
    more_after = zip(pads, amounts, strict=True)
    return changed(site, pad=tuple((before, after + more) for (before, after), more in more_after))


def rounded_up(site: Site) -> Site | None:
    """⌈(n + p0 + p1 − K)/s⌉ + 1: the same as a floor with s − 1 more positions."""
    if getattr(site.op, "ceil", False):
        return None
    return more_padding(site, [s - 1 for s in site.op.strides()])


def rounded_down(site: Site) -> Site | None:
    return changed(site, ceil=False)


def one_less(site: Site) -> Site | None:
    return more_padding(site, [-s for s in site.op.strides()])


def one_more(site: Site) -> Site | None:
    return more_padding(site, list(site.op.strides()))


def undilated(site: Site) -> Site | None:
    return changed(site, dilation=(1,) * len(site.op.strides())) if slides(site) else None


def kernel_times_dilation(site: Site) -> Site | None:
    """K = d·k instead of d(k − 1) + 1: d − 1 positions fewer are left."""
    op: Any = site.op
    return more_padding(site, [1 - d for d in op.dilation]) if slides(site) else None


def kernel_on_its_side(site: Site) -> Site | None:
    op: Any = site.op
    return changed(site, kernel=op.kernel[::-1]) if slides(site) else None


def convolved_down(site: Site) -> Site | None:
    """A transposed convolution taken as a convolution."""
    return site._replace(op=like(Conv, site.op)) if site.op.window_kind == "transposed" else None


def no_output_padding(site: Site) -> Site | None:
    return changed(site, outpad=(0,) * len(site.op.strides()))


def same_channels(site: Site) -> Site | None:
    """The output keeps the channels of the input: the number of filters is forgotten."""
    if getattr(site.op, "channels", None) == site.shape[0]:
        return None
    return changed(site, channels=site.shape[0], groups=1)


# --- receptive fields: RF_n = RF_{n−1} + (K_n − 1)·j_{n−1}, j_n = j_{n−1}·s_n ---


def no_stride(site: Site) -> Site | None:
    return unstrided(site) or unstrided_pool(site)


def own_stride_included(site: Site) -> Site | None:
    """(K − 1)·j_n instead of (K − 1)·j_{n−1}: the taps lie s times as far apart."""
    op: Any = site.op
    strides = op.strides()
    if not slides(site) or set(strides) == {1}:
        return None
    spread = tuple(d * s for d, s in zip(op.dilation, strides, strict=True))
    return changed(site, stride=strides, dilation=spread)


class TransposedAsStride(TransposedConv):
    """A transposed convolution whose window is thought of as that of a convolution, at the stride behind it.

    Its field is RF + (k − 1)·j/s: the kernel is laid over the finer positions, though they only repeat what the coarse
    ones see. V-Net's table of receptive fields (Milletari et al. 2016, Table 1) counts in this way.
    """

    window_kind = ""  # type: ignore[assignment]  # to other mistakes it is no transposed convolution any more

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (
            tuple(
                Window(1 + ratio(reach - 1, s), ratio(1, s), ratio(reach - 1 - p0, s))
                for _, reach, s, p0 in self.geometry(inputs[0])
            ),
        )


def kernel_at_stride_behind(site: Site) -> Site | None:
    """(k − 1)·j/s more for a transposed convolution."""
    if site.op.window_kind != "transposed":
        return None
    return site._replace(op=TransposedAsStride(**site.op.attributes()))


def kernel_not_less_one(site: Site) -> Site | None:
    """K·j instead of (K − 1)·j."""
    if not slides(site):
        return None
    op: Any = site.op
    reach = tuple(effective_kernel(k, d) + (k > 1) for k, d in zip(op.kernel, op.dilation, strict=True))
    return changed(site, kernel=reach, stride=op.strides(), dilation=(1,) * len(reach), pad="valid")
