"""The drawings of a page: one for each level of detail that is readable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, group
from archcalc.drawing.diagram import Box
from archcalc.drawing.layout import lay_out
from archcalc.drawing.outline import MAX_BOXES, Detail, number_of_boxes, outline
from archcalc.graph import write_shape
from archcalc.report import network_svg
from archcalc.report.network_svg import Caption

MAX_CHARACTERS = 250_000
"""The size up to which drawings are on a page, in addition to the finest one."""


class Drawing(NamedTuple):
    """A drawing at one level of detail."""

    depth: int
    boxes: int
    svg: str


def drawings(analysis: Analysis, layout: str) -> list[Drawing]:
    """Return the drawings of a network by level of detail, the coarsest first; if there is no room, fewer levels.

    Args:
        analysis: the analysis of the network.
        layout: the layout in which shapes are written.
    """
    *coarser, finest = _drawings(analysis, layout)
    size = len(finest.svg)
    kept = [finest]
    for drawing in reversed(coarser):
        size += len(drawing.svg)
        if size <= MAX_CHARACTERS:
            kept.append(drawing)
    return kept[::-1]


def _drawings(analysis: Analysis, layout: str) -> Iterator[Drawing]:
    graph = analysis.graph

    def caption(box: Box) -> Caption:
        layers = [analysis.by_node[index] for index in sorted(box.members) if index in analysis.by_node]
        if not layers:
            return Caption(box.name)
        first, last = layers[0].name, layers[-1].name
        sums = group((), layers)
        shape = write_shape(graph.nodes[layers[-1].node].output, layout, analysis.batch)
        parts = [
            first if first == last else f"{first} … {last}",
            f"output {shape}",
        ]
        bound = "at least " if sums.is_lower_bound("macs") else ""
        parts += [f"{sums.params:,} parameters"] * bool(sums.params) + [f"{bound}{sums.macs:,} MACs"] * bool(sums.macs)
        return Caption(" · ".join(parts), layers[-1].node)

    before = ""
    for depth in range(1, max(graph.depth, 1) + 1):
        diagram = outline(analysis, Detail(layout, analysis.training), depth)
        boxes = number_of_boxes(diagram)
        if depth > 1 and boxes > MAX_BOXES:
            break
        svg = network_svg.draw(graph.name, (), lay_out(diagram), caption)
        if svg != before:
            yield Drawing(depth, boxes, svg)
        before = svg
