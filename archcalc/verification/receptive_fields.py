"""Verification of receptive fields: the closed form is compared with probing.

The network is probed on the smallest input that is large enough for the windows of its middle units. Along the probed
axis the size of the input changes by multiples of the period of the network's strides, so paddings, and with them the
closed form, do not change; along the other axes it is as small as the network allows. Channels are
reduced, which changes no window.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import lcm, prod
from typing import NamedTuple, TypeAlias

from archcalc.analysis.fields import Fields
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.resize import narrowed, resized, with_smallest_inputs
from archcalc.analysis.unit import UnitTracer, unit_box
from archcalc.executor.probes import NOTHING, Extent, probe
from archcalc.graph import Graph, Ref
from archcalc.numeric import Impossible
from archcalc.ops.base import Shape
from archcalc.verification.differences import AspectComparison, Difference, not_compared

MAX_POSITIONS = 20_000
"""The largest size of the probed axis that is tried."""
MIN_POSITIONS = 16
"""The smallest size of the probed axis that is tried, unless the network has fewer positions."""
DIVISORS = (64, 16, 4)
"""The divisors of channels that are tried."""

Tracers: TypeAlias = dict[tuple[tuple[str, Shape], ...], UnitTracer]
"""The tracers of a network with few channels, by the names and shapes of its inputs; the axes share them."""


def compare_fields(graph: Graph) -> AspectComparison:
    """Compare the receptive fields of the middle units of all layers, along every axis of every input."""
    compared, differences, sizes = 0, list[Difference](), list[int]()
    tracers: Tracers = {}
    for name, ref in graph.input_refs.items():
        for axis in range(len(graph.positions(ref)) if prod(graph.shape(ref)) else 0):
            probed = _Axis(graph, name, axis, tracers)
            found = probed.compare(probed.narrow)
            if found:  # a narrow input may cut off what a wide one contains
                found = probed.compare(probed.wide)
            compared += len(graph.nodes) - len(graph.inputs)
            differences += found
            sizes.append(probed.wide.positions(ref)[axis])
    if not compared:
        return not_compared("not probed: no input has positions")
    return AspectComparison(compared, tuple(differences), f"on {'x'.join(map(str, dict.fromkeys(sizes)))} positions")


class PredictedExtent(NamedTuple):
    """The extent that a unit sees according to the analysis: exactly, or at most."""

    seen: Extent
    exact: bool = True

    def allows(self, measured: Extent) -> bool:
        """Return whether a measured extent agrees with it."""
        if self.exact:
            return self.seen == measured
        return not measured or (self.seen.first <= measured.first and measured.last <= self.seen.last)


class _Axis:
    """The comparison along one axis of one input."""

    def __init__(self, graph: Graph, name: str, axis: int, tracers: Tracers) -> None:
        self.graph = graph
        self.tracers = tracers
        self.name = name
        self.axis = axis
        """The index of the axis, among those of positions."""
        self.ref = graph.input_refs[name]
        self.place = graph.position_axes(self.ref)[axis]
        """The index of the axis in the shape of the input."""
        self.wide, self.fields = self.resized()
        self.narrow = self.narrowed()

    def resized(self) -> tuple[Graph, list[Fields]]:
        """Return the network on the smallest input that contains the windows of all middle units, if there is one, and
        its fields.

        Its size along the axis differs from that of the network by a multiple of the period of the strides.
        """
        n = self.graph.inputs[self.name][self.place]
        own = receptive_fields(self.graph)
        period = 1
        for fields in own:
            field = fields.get(self.name, ())
            if field and field[self.axis].is_local:
                period = lcm(period, Fraction(field[self.axis].stride).numerator or 1)
        for size in _sizes(n, period):
            try:
                other = self.on(size)
            except Impossible:
                if size < n:
                    continue
                break
            fields_there = receptive_fields(other)
            if size < n and [*map(_maps, fields_there)] != [*map(_maps, own)]:
                continue
            if all(self.inside(other, index, fields_there[index]) for index, _ in other.layers()):
                return other, fields_there
        return self.graph, own

    def on(self, size: int) -> Graph:
        """Return the network with ``size`` positions along the axis, of every input that has as many as this one."""
        own = self.graph.inputs[self.name][self.place]
        shapes = dict(self.graph.inputs)
        for name, shape in shapes.items():
            if len(shape) > self.place and shape[self.place] == own:
                shapes[name] = (*shape[: self.place], size, *shape[self.place + 1 :])
        return resized(self.graph, shapes)

    def inside(self, graph: Graph, index: int, fields: Fields) -> bool:
        """Return whether the window of the middle unit of a layer lies inside the input."""
        field = fields.get(self.name, ())
        if not field or (box := field[self.axis].box(_middle(graph, index))) is None:
            return True
        return box.first >= 0 and box.last < graph.inputs[self.name][self.place]

    def narrowed(self) -> Graph:
        """Return the enlarged network, made as small as possible along the other axes."""
        least = with_smallest_inputs(self.graph).inputs
        shapes = {
            name: tuple(n if i == self.place else m for i, (n, m) in enumerate(zip(shape, least[name], strict=True)))
            for name, shape in self.wide.inputs.items()
        }
        try:
            return resized(self.graph, shapes)
        except Impossible:
            return self.wide

    def compare(self, graph: Graph) -> list[Difference]:
        """Probe the middle units of all layers and return the differences."""
        key = (*graph.inputs.items(),)
        tracer = self.tracers.get(key) or UnitTracer(self.with_few_channels(graph))
        self.tracers[key], graph = tracer, tracer.graph
        units = {index: _middle(graph, index) for index, node in graph.layers() if prod(node.output)}
        sizes = {name: graph.positions(ref) for name, ref in graph.input_refs.items()}
        predictions = {index: self.predicted(tracer, index, unit) for index, unit in units.items()}
        seen = probe(
            graph,
            sizes,
            units,
            self.name,
            self.axis,
            {index: prediction.seen for index, prediction in predictions.items()},
        )
        found = []
        for index, prediction in predictions.items():
            if not prediction.allows(seen[index]):
                prediction = self.at_borders(tracer, index, units[index]) or prediction
            if not prediction.allows(seen[index]):
                where = f"rf of {self.name}, axis {self.place}"
                found.append(Difference(graph.nodes[index].name, where, _text(prediction.seen), _text(seen[index])))
        return found

    def with_few_channels(self, graph: Graph) -> Graph:
        """Return the network with its channels divided as far as the receptive fields of all layers stay the same.

        They do if the positions of all layers that depend on an input do: stored tensors, and what is computed from
        them alone, see no input. If features count as positions (those of a head of attention, for example), the closed
        forms are compared instead.
        """
        dependent = [index for index, fields in enumerate(self.fields) if fields]
        for divisor in DIVISORS:
            try:
                few = narrowed(graph, divisor)
            except Impossible:
                continue
            if all(_positions(few, index) == _positions(graph, index) for index in dependent):
                return few
            if [*map(_maps, receptive_fields(few))] == [*map(_maps, receptive_fields(graph))]:
                return few
        return graph

    def predicted(self, tracer: UnitTracer, index: int, unit: tuple[int, ...]) -> PredictedExtent:
        """Return the extent of a unit by the closed form, or by tracing back from it if that is unknown."""
        if any(axis.is_unknown for axis in self.fields[index].get(self.name, ())):
            return self.traced(tracer, index, unit)
        return self.closed_form(index, unit)

    def closed_form(self, index: int, unit: tuple[int, ...]) -> PredictedExtent:
        """Return the extent of a unit by the closed form, clipped at the borders of the input."""
        last = self.wide.inputs[self.name][self.place] - 1
        field = self.fields[index].get(self.name, ())
        boxes = [axis.box(unit) for axis in field]
        if not field or any(box is not None and not box for box in boxes):
            return PredictedExtent(NOTHING)  # a unit that sees nothing along one axis sees nothing at all
        box = boxes[self.axis]
        if box is None:
            return PredictedExtent(Extent(0, last))
        return PredictedExtent(Extent(max(box.first, 0), min(box.last, last)), field[self.axis].exact)

    def at_borders(self, tracer: UnitTracer, index: int, unit: tuple[int, ...]) -> PredictedExtent | None:
        """Return the extent of a unit by tracing it back, clipped at the borders of every tensor on the way.

        It replaces the closed form if that equals the trace without clipping, or if the field is global: then strides
        before the mixing layer may have skipped some of the input, or a later layer may leave some positions without
        any input; or if the window continues at the other end of the input. Otherwise return ``None``.
        """
        field = self.fields[index].get(self.name, ())
        boxes = [axis.box(unit) for axis in field]
        box = boxes[self.axis] if boxes else None
        last = self.wide.inputs[self.name][self.place] - 1
        if box is not None and field[self.axis].wraps and not 0 <= box.first <= box.last <= last:
            return self.traced(tracer, index, unit)
        free = unit_box(tracer.graph, index, unit, clip=False).get(self.name)
        if box is not None and (free[self.axis] != box if free else None not in boxes):
            return None
        return self.traced(tracer, index, unit)

    def traced(self, tracer: UnitTracer, index: int, unit: tuple[int, ...]) -> PredictedExtent:
        """Return the extent of a unit by tracing it back, clipped at the borders of every tensor on the path."""
        seen = tracer.back(index, unit).get(self.name)
        return PredictedExtent(Extent(*seen.box[self.axis]), seen.exact) if seen else PredictedExtent(NOTHING)


def _sizes(n: int, period: int) -> Iterator[int]:
    """Yield the sizes to try for an axis, in ascending order; they differ from its own by multiples of a period."""
    least = MIN_POSITIONS + (n - MIN_POSITIONS) % period
    for first, last in ((least, n - 1), (n, MAX_POSITIONS)):
        times = 0
        while (size := first + times * period) <= last:
            yield size
            times = max(1, times * 2)


def _positions(graph: Graph, index: int) -> list[tuple[Shape, int | None]]:
    """Return the sizes of the axes of positions of every output of a layer, and its axis of features."""
    return [(graph.positions(ref), graph.features_of(ref)) for ref in graph.made_by(index)]


def _maps(fields: Fields) -> dict[str, list[tuple[object, ...]]]:
    """Return the closed forms of a layer, without the sizes of its axes."""
    return {
        name: [(axis.paths, axis.is_unknown, axis.from_start, axis.wraps) for axis in field]
        for name, field in fields.items()
    }


def _middle(graph: Graph, index: int) -> tuple[int, ...]:
    """Return the position of the unit in the middle of a layer."""
    return tuple(n // 2 for n in graph.positions(Ref(index)))


def _text(seen: Extent) -> str:
    return f"{seen.first:,} … {seen.last:,}" if seen else "nothing"
