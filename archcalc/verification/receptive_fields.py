"""Receptive fields, the closed form against probing: on an input large enough that the windows of units fit into it.

Along the probed axis the input grows by whole periods of the network's strides, so that paddings, and with them the
closed form, stay what they are; along the others it is as small as the network allows.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import NamedTuple

from archcalc.analysis.receptive import Fields, receptive_fields
from archcalc.analysis.resize import resized, smallest
from archcalc.analysis.unit import trace_back, unit_box
from archcalc.executor.probes import NOTHING, Seen, probe
from archcalc.graph import Graph, Node
from archcalc.numeric import Impossible
from archcalc.verification.differences import Comparison, Difference, nothing

LARGEST_INPUT = 20_000
"""Positions of an axis: larger inputs are not probed."""


def compare_fields(graph: Graph) -> Comparison:
    """The fields of the middle units of all layers, along every axis of every input."""
    compared, differences, sizes = 0, list[Difference](), list[int]()
    for name, shape in graph.inputs.items():
        for axis in range(len(shape) - 1):
            probed = _Axis(graph, name, axis)
            found = probed.compare(probed.thin)
            if found:  # a narrow input may hide what a wide one shows
                found = probed.compare(probed.wide)
            compared += len(graph.nodes) - len(graph.inputs)
            differences += found
            sizes.append(probed.wide.inputs[name][1 + axis])
    if not compared:
        return nothing("not probed: no input has positions")
    return Comparison(compared, tuple(differences), f"on {'x'.join(map(str, dict.fromkeys(sizes)))} positions")


class Claim(NamedTuple):
    """What the analysis says that a unit sees; not exact: at most."""

    seen: Seen
    exact: bool = True

    def allows(self, measured: Seen) -> bool:
        """Whether a measurement agrees."""
        if self.exact:
            return self.seen == measured
        return not measured or (self.seen.first <= measured.first and measured.last <= self.seen.last)


class _Axis:
    """One axis of one input."""

    def __init__(self, graph: Graph, name: str, axis: int) -> None:
        self.graph = graph
        self.name = name
        self.axis = axis
        self.wide, self.fields = self.large_enough()
        self.thin = self.narrow()

    def large_enough(self) -> tuple[Graph, list[Fields]]:
        """The network on an input that the windows of all its middle units fit into, if there is one; its fields."""
        n = self.graph.inputs[self.name][1 + self.axis]
        own = receptive_fields(self.graph)
        period = 1
        for fields in own:
            field = fields.get(self.name, ())
            if field and field[self.axis].is_local:
                period = lcm(period, Fraction(field[self.axis].stride).numerator or 1)
        times = 0
        while n + times * period <= LARGEST_INPUT:
            try:
                large = self.on(n + times * period)
            except Impossible:
                break
            fields_there = receptive_fields(large)
            if all(self.inside(large, index, fields_there[index]) for index, _ in large.layers()):
                return large, fields_there
            times = max(1, times * 2)
        return self.graph, own

    def on(self, size: int) -> Graph:
        """The network with so many positions along the axis (of every input that has as many as this one)."""
        own = self.graph.inputs[self.name][1 + self.axis]
        shapes = dict(self.graph.inputs)
        for name, shape in shapes.items():
            if len(shape) > 1 + self.axis and shape[1 + self.axis] == own:
                shapes[name] = (*shape[: 1 + self.axis], size, *shape[2 + self.axis :])
        return resized(self.graph, shapes)

    def inside(self, graph: Graph, index: int, fields: Fields) -> bool:
        """Whether the window of a middle unit lies inside the input."""
        field = fields.get(self.name, ())
        if not field or (box := field[self.axis].box(_middle(graph.nodes[index]))) is None:
            return True
        return box.first >= 0 and box.last < graph.inputs[self.name][1 + self.axis]

    def narrow(self) -> Graph:
        """The large network, as small as it can be along the other axes."""
        least = smallest(self.graph).inputs
        shapes = {
            name: tuple(n if i == 1 + self.axis else m for i, (n, m) in enumerate(zip(shape, least[name], strict=True)))
            for name, shape in self.wide.inputs.items()
        }
        try:
            return resized(self.graph, shapes)
        except Impossible:
            return self.wide

    def compare(self, graph: Graph) -> list[Difference]:
        """Probe the middle units of all layers."""
        units = {index: _middle(node) for index, node in graph.layers()}
        sizes = {name: shape[1:] for name, shape in graph.inputs.items()}
        claims = {index: self.claim(graph, index, unit) for index, unit in units.items()}
        seen = probe(graph, sizes, units, self.name, self.axis, {index: claim.seen for index, claim in claims.items()})
        found = []
        for index, claim in claims.items():
            if not claim.allows(seen[index]):
                claim = self.at_borders(graph, index, units[index]) or claim
            if not claim.allows(seen[index]):
                where = f"rf of {self.name}, axis {self.axis + 1}"
                found.append(Difference(graph.nodes[index].name, where, _text(claim.seen), _text(seen[index])))
        return found

    def claim(self, graph: Graph, index: int, unit: tuple[int, ...]) -> Claim:
        """What the closed form says of a unit, or where that does not know, its trace."""
        if any(axis.is_unknown for axis in self.fields[index].get(self.name, ())):
            return self.traced(graph, index, unit)
        return self.closed_form(index, unit)

    def closed_form(self, index: int, unit: tuple[int, ...]) -> Claim:
        """What the closed form says of a unit, cut at the borders of the input."""
        last = self.wide.inputs[self.name][1 + self.axis] - 1
        field = self.fields[index].get(self.name, ())
        boxes = [axis.box(unit) for axis in field]
        if not field or any(box is not None and not box for box in boxes):
            return Claim(NOTHING)  # what is seen of an axis is seen together with the others, or not at all
        box = boxes[self.axis]
        if box is None:
            return Claim(Seen(0, last))
        return Claim(Seen(max(box.first, 0), min(box.last, last)), field[self.axis].exact)

    def at_borders(self, graph: Graph, index: int, unit: tuple[int, ...]) -> Claim | None:
        """What the trace of a unit says, which is cut at the borders of every tensor on the way.

        It goes for the closed form where that is the same trace without borders, or says that everything is mixed: by
        a layer that strides may have kept some of the input from, and before one that leaves some positions empty.
        """
        boxes = [axis.box(unit) for axis in self.fields[index].get(self.name, ())]
        box = boxes[self.axis] if boxes else None
        free = unit_box(graph, index, unit, clip=False).get(self.name)
        if box is not None and (free[self.axis] != box if free else None not in boxes):
            return None
        return self.traced(graph, index, unit)

    def traced(self, graph: Graph, index: int, unit: tuple[int, ...]) -> Claim:
        """What the trace of a unit says, cut at the borders of every tensor on the way."""
        seen = trace_back(graph, index, unit, clip=True).get(self.name)
        return Claim(Seen(*seen.box[self.axis]), seen.exact) if seen else Claim(NOTHING)


def _middle(node: Node) -> tuple[int, ...]:
    """The unit in the middle of a layer."""
    return tuple(n // 2 for n in node.output[1:])


def _text(seen: Seen) -> str:
    return f"{seen.first:,} … {seen.last:,}" if seen else "nothing"
