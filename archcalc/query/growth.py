"""The growth of the receptive field from layer to layer towards one unit, for pictures."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis.intervals import Interval
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.unit import boxes_on_path, unit_box
from archcalc.graph import Graph, Ref

InputWindow = tuple[Interval | None, ...]
"""One interval per axis of the input, before clipping; ``None`` if the field is global or unknown."""


class Growth(NamedTuple):
    """A layer on the path to a unit, and the window of the unit in the middle of the part of it that the unit sees."""

    layer: str
    window: InputWindow


def growth(graph: Graph, node: int, unit: tuple[int, ...], name: str, *, source: Ref | None = None) -> list[Growth]:
    """Return nested windows on an input, from the first layer to the unit.

    Args:
        graph: a graph of plain sizes.
        node: the index of the layer.
        unit: the position of the unit.
        name: the name of the input (or of the node of ``source``).
        source: the tensor to measure on instead of the inputs.
    """
    fields = receptive_fields(graph, source=source)
    steps: list[Growth] = []
    for index, box in boxes_on_path(graph, node, unit, source=source):
        layer = graph.nodes[index]
        field = fields[index].get(name)
        if field is None or layer.is_input or not box or layer.name == name:
            continue
        middle = tuple((interval.first + interval.last) // 2 for interval in box) if index != node else unit
        window: InputWindow = tuple(axis.box(middle) for axis in field)
        if any(axis.is_unknown for axis in field):  # tracing back from one unit determines more
            window = unit_box(graph, index, middle, clip=False, source=source).get(name, window)
        step = Growth(layer.name, window)
        if index == node:  # keep only windows that lie in that of the unit
            steps = [before for before in steps if _is_larger(step.window, before.window)]
        if index == node or not steps or _is_larger(step.window, steps[-1].window):
            steps.append(step)
    return steps


def _is_larger(window: InputWindow, other: InputWindow) -> bool:
    """Return whether a window contains another one and is larger."""
    pairs = list(zip(window, other, strict=True))
    holds = all(a is None or (b is not None and a.first <= b.first and b.last <= a.last) for a, b in pairs)
    return holds and any(a != b for a, b in pairs)
