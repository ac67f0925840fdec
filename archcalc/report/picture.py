"""The picture of a network: from its analysis to SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archcalc.analysis.propagate import Analysis
from archcalc.drawing.layout import lay_out
from archcalc.drawing.outline import Detail, outline
from archcalc.drawing.stacks import stacks
from archcalc.drawing.unet import lay_out_unet
from archcalc.numeric import Number
from archcalc.query.quantities import QUANTITIES
from archcalc.report import network_svg, stacks_svg

STYLES = ("graph", "blocks", "unet")


@dataclass(frozen=True)
class Picture:
    """A picture, which notebooks show."""

    svg: str
    """The picture as an SVG document."""

    def _repr_svg_(self) -> str:
        return self.svg


def draw_network(
    analysis: Analysis,
    *,
    title: str,
    style: str = "graph",
    depth: int | None = None,
    costs: Iterable[str] = (),
    layout: str = "chw",
) -> Picture:
    """Return the picture of a network, with its training heads if they count in the analysis.

    Args:
        analysis: the analysis of the network.
        title: the title of the picture.
        style: one of `STYLES`: ``graph`` for boxes and arrows, ``blocks`` for a row of feature maps,
            ``unet`` for an encoder on the left and a decoder on the right.
        depth: draw one box for everything below this level; ``None``: the deepest level that is readable.
        costs: the quantities that stand in the boxes.
        layout: the layout in which shapes are written.

    Raises:
        SpecError: the network branches, so ``blocks`` cannot draw it; or it is not U-shaped.
    """
    quantities = {name: _writer(QUANTITIES[name].heading) for name in costs}
    detail = Detail(layout, analysis.training, quantities)
    bound = "at least " if analysis.totals.is_lower_bound("macs") else ""
    notes = (f"{analysis.totals.params:,} parameters, {bound}{analysis.totals.macs:,} MACs",)
    if style == "unet":
        return Picture(network_svg.draw(title, notes, lay_out_unet(analysis, detail, depth)))
    diagram = outline(analysis, detail, depth)
    if style == "blocks":
        return Picture(stacks_svg.draw(title, notes, stacks(analysis, diagram)))
    return Picture(network_svg.draw(title, notes, lay_out(diagram)))


def _writer(heading: str) -> Callable[[Number], str]:
    return lambda value: f"{value:,} {heading}"
