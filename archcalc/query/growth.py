"""How the receptive field grows towards one unit: for pictures."""

from __future__ import annotations

from typing import NamedTuple

from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.unit import Interval, boxes_on_the_way, unit_box
from archcalc.graph import Graph, Ref

Window = tuple[Interval | None, ...]
"""One interval per axis of the input, before clipping; ``None``: the whole axis (a global field)."""


class Growth(NamedTuple):
    """A layer on the way to a unit, and the window of its own unit in the middle of what that unit sees of it."""

    layer: str
    window: Window


def growth(graph: Graph, node: int, unit: tuple[int, ...], name: str, *, source: Ref | None = None) -> list[Growth]:
    """The windows on an input that hold one another, from the first layer to the unit.

    Args:
        graph: a graph of plain sizes.
        node: the layer.
        unit: its position.
        name: the input (or the node of ``source``).
        source: measure on this tensor.
    """
    fields = receptive_fields(graph, source=source)
    steps: list[Growth] = []
    for index, box in boxes_on_the_way(graph, node, unit, source=source):
        layer = graph.nodes[index]
        field = fields[index].get(name)
        if field is None or layer.is_input or not box or layer.name == name:
            continue
        middle = tuple((interval.first + interval.last) // 2 for interval in box) if index != node else unit
        window: Window = tuple(axis.box(middle) for axis in field)
        if any(axis.is_unknown for axis in field):  # going back from one unit tells more
            window = unit_box(graph, index, middle, clip=False, source=source).get(name, window)
        step = Growth(layer.name, window)
        if index == node:  # what comes before the unit lies in its window
            steps = [before for before in steps if _is_larger(step.window, before.window)]
        if index == node or not steps or _is_larger(step.window, steps[-1].window):
            steps.append(step)
    return steps


def _is_larger(window: Window, other: Window) -> bool:
    """Whether a window holds another one and more."""
    pairs = list(zip(window, other, strict=True))
    holds = all(a is None or (b is not None and a.first <= b.first and b.last <= a.last) for a, b in pairs)
    return holds and any(a != b for a, b in pairs)
