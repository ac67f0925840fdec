"""Receptive fields, exactly: which input positions a unit depends on, composed along the graph.

Per layer and per axis of every network input, the field is a map from the layer's positions to input positions, first(i) to
first(i) + size(i) − 1. The map is linear for convolutions and pooling and periodic plus linear once something upsamples
(`Path`); maps of paths that meet are united. Size, stride and padding are read off the maps. For a chain this is the textbook's
RF_n = RF_{n−1} + (k_n − 1)·∏ s_i (Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional neural networks").

What one unit really sees, `unit_box` finds by sending index intervals backwards through every layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from archcalc.graph import Graph, Ref
from archcalc.numeric import Number, ceiling, floor, is_plain, known_equal, maximum, minimum
from archcalc.ops.window import Window

LONGEST_PERIOD = 1024
"""Maps with a longer period are replaced by a linear bound (see `Path.exact`)."""


class Path(NamedTuple):
    """Positions i of a layer to positions of an input axis: first(i) = firsts[i % P] + (i // P)·rise, P phases.

    With one phase, all numbers may be of any kind.
    """

    axis: int
    """Which spatial axis of the layer moves the window."""
    rise: Number
    firsts: tuple[Number, ...]
    sizes: tuple[Number, ...]
    exact: bool = True
    """False where the map is only a bound, in rationals, because its period would be too long."""

    @property
    def period(self) -> int:
        return len(self.firsts)

    @property
    def stride(self) -> Number:
        """Input positions per position of the layer: the effective stride (jump)."""
        return self.rise if self.period == 1 else ratio(self.rise, self.period)

    def first(self, position: Number) -> Number:
        """The first input position that this position sees."""
        if self.period == 1:
            return self.firsts[0] + position * self.rise
        cycle, phase = divmod(position, self.period)
        return self.firsts[phase] + cycle * self.rise

    def last(self, position: Number) -> Number:
        """The last input position that this position sees."""
        return self.first(position) + self.sizes[position % self.period if self.period > 1 else 0] - 1

    def before(self, window: Window, axis: int) -> Path:
        """The path of the layer after this one, which sees this one through ``window``, moved by its own ``axis``."""
        rise, firsts, sizes = self.rise, self.firsts, self.sizes
        up = window.up
        if type(up) is int and up == 1 and len(firsts) == 1:
            first = firsts[0] if _is(window.padding, 0) else firsts[0] - window.padding * rise
            size = sizes[0] if _is(window.size, 1) else sizes[0] + (window.size - 1) * rise
            return Path(axis, rise if _is(window.stride, 1) else rise * window.stride, (first,), (size,), self.exact)
        plain = is_plain(window.stride) and is_plain(up) and is_plain(window.size) and is_plain(rise) and self.exact
        if not plain:
            return self._bounded(window, axis)
        period = up * self.period // gcd(window.stride, up * self.period)
        if period > LONGEST_PERIOD:
            return self._bounded(window, axis)
        new_firsts, new_sizes = [], []
        for position in range(period):
            start = window.stride * position - window.padding
            first = self.first(start // up)
            new_firsts.append(first)
            new_sizes.append(self.last((start + window.size - 1) // up) - first + 1)
        # over one period the window moves period·stride/up positions of this layer, a multiple of its own period
        return Path(axis, period * window.stride // up // self.period * rise, tuple(new_firsts), tuple(new_sizes))

    def _bounded(self, window: Window, axis: int) -> Path:
        """A linear map that contains the composition."""
        stride = self.stride
        lowest, highest = self.line()
        first = lowest - stride * ratio(window.padding + window.up - 1, window.up)
        last = highest + stride * ratio(window.size - 1 - window.padding, window.up)
        return Path(axis, stride * ratio(window.stride, window.up), (first,), (last - first + 1,), exact=False)

    def line(self) -> tuple[Number, Number]:
        """The offsets of the lines that bound first(i) from below and last(i) from above, with slope `stride`."""
        if self.period == 1:
            return self.firsts[0], self.firsts[0] + self.sizes[0] - 1
        steps = [self.stride * phase for phase in range(self.period)]
        firsts = [first - step for first, step in zip(self.firsts, steps, strict=True)]
        lasts = [first + size - 1 for first, size in zip(firsts, self.sizes, strict=True)]
        return normal(min(firsts)), normal(max(lasts))

    def centre(self) -> Number:
        """Twice the centre of the window of position 0, on the mean over the phases."""
        lowest, highest = self.line()
        return lowest + highest

    def joins(self, other: Path) -> bool:
        """Whether the union with the other path is a path: same axis, same stride."""
        return self.axis == other.axis and known_equal(self.stride, other.stride)

    def union(self, other: Path) -> Path:
        """The hull of two paths of the same axis and stride."""
        period = lcm(self.period, other.period)
        if period == 1:
            first = minimum(self.firsts[0], other.firsts[0])
            last = maximum(self.last(0), other.last(0))
            return Path(self.axis, self.rise, (first,), (last - first + 1,), self.exact and other.exact)
        firsts = [min(self.first(i), other.first(i)) for i in range(period)]
        lasts = [max(self.last(i), other.last(i)) for i in range(period)]
        sizes = [last - first + 1 for first, last in zip(firsts, lasts, strict=True)]
        return Path(
            self.axis, self.rise * (period // self.period), tuple(firsts), tuple(sizes), self.exact and other.exact
        )


def _is(number: Number, value: int) -> bool:
    """Whether a number is plainly this value: neutral terms then stay out of derivations."""
    return type(number) is int and number == value


def ratio(a: Number, b: Number) -> Number:
    """a / b, exactly."""
    if is_plain(a) and is_plain(b):
        return normal(Fraction(a) / b)
    return a / b


def normal(number: Number) -> Number:
    """Whole fractions as ``int``."""
    return number.numerator if type(number) is Fraction and number.denominator == 1 else number


@dataclass(frozen=True, slots=True, eq=False)
class AxisField:
    """What the units of a layer see along one axis of one input."""

    paths: tuple[Path, ...]
    """Empty where the field is global. More than one where paths of different strides meet."""
    positions: tuple[Number, ...]
    """The sizes of the layer's spatial axes."""
    offsets: tuple[Number, ...] = ()
    """Where paths meet unaligned: how far each one's centre lies from the first one's, in input positions."""
    aligned: bool = True
    """False from where paths of different centres or strides have met."""

    @property
    def is_global(self) -> bool:
        """Whether every unit depends on every position of the axis."""
        return not self.paths

    @property
    def exact(self) -> bool:
        """Whether the maps are exact, not only bounds."""
        return all(path.exact for path in self.paths)

    def sizes(self) -> tuple[Number, Number]:
        """The smallest and the largest window of any unit (they differ after upsampling)."""
        if len(self.paths) == 1:
            sizes = self.paths[0].sizes
            return (sizes[0], sizes[0]) if len(sizes) == 1 else (min(sizes), max(sizes))
        found = [last - first + 1 for first, last in map(self._hull, self._corners())]
        return min(found), max(found)

    @property
    def size(self) -> Number:
        """The size of the receptive field: the largest over the units."""
        size = self.sizes()[1]
        return size if self.exact or not is_plain(size) else ceiling(size)

    @property
    def stride(self) -> Number:
        """The effective stride (jump) between the windows of neighbouring units; of the first path, where they differ."""
        return normal(self.paths[0].stride)

    @property
    def padding(self) -> Number:
        """The effective padding: unit i's window starts at i·stride − padding (at the earliest, after upsampling)."""
        lowest = [path.line()[0] for path in self.paths]
        first = lowest[0]
        for other in lowest[1:]:
            first = minimum(first, other)
        return -first

    def box(self, unit: tuple[int, ...]) -> tuple[int, int] | None:
        """First and last input position in the closed form, before clipping; ``None`` for the whole axis."""
        return self._hull(unit) if self.paths else None

    def _hull(self, unit: tuple[int, ...]) -> tuple[Number, Number]:
        firsts = [path.first(unit[path.axis]) for path in self.paths]
        lasts = [path.last(unit[path.axis]) for path in self.paths]
        return floor(min(firsts)), ceiling(max(lasts))

    def _corners(self) -> Iterator[tuple[int, ...]]:
        """Units among which the extreme windows are: near both ends, where lines of different slope are farthest apart."""
        axes = sorted({path.axis for path in self.paths})
        period = lcm(*(path.period for path in self.paths))
        unit = [0] * (max(axes) + 1)

        def ends(n: int) -> list[int]:
            return sorted({*range(min(n, period)), *range(max(0, n - period), n)})

        def fill(remaining: list[int]) -> Iterator[tuple[int, ...]]:
            if not remaining:
                yield tuple(unit)
                return
            for position in ends(self.positions[remaining[0]]):
                unit[remaining[0]] = position
                yield from fill(remaining[1:])

        return fill(axes)


Field = tuple[AxisField, ...]
"""The field on one input: one entry per spatial axis of that input; empty for a vector."""

Fields = Mapping[str, Field]
"""The fields of a layer by input; inputs it does not depend on are absent."""


def receptive_fields(graph: Graph, *, source: Ref | None = None) -> list[Fields]:
    """The receptive fields of every node, in one pass over the graph.

    Args:
        graph: any graph; its sizes may be of any kind of number.
        source: measure on this tensor instead of the network's inputs (its name in the result is that of its node).
    """
    fields: list[Fields] = []
    for index, node in enumerate(graph.nodes):
        if source is not None and index == source.node:
            fields.append({node.name: _start(node.outputs[source.output])})
        elif node.is_input:
            fields.append({node.name: _start(node.output)} if source is None else {})
        elif len(node.inputs) == 1:
            ref = node.inputs[0]
            (reach,) = node.op.windows(graph.input_shapes(node))
            positions = node.output[1:]
            before = fields[ref.node]
            fields.append(
                {name: tuple([_through(axis, reach, positions) for axis in field]) for name, field in before.items()}
            )
        else:
            fields.append(_join(graph, node.inputs, node.op.windows(graph.input_shapes(node)), node.output[1:], fields))
    return fields


def _start(shape: tuple[Number, ...]) -> Field:
    positions = shape[1:]
    return tuple(AxisField((Path(axis, 1, (0,), (1,)),), positions) for axis in range(len(positions)))


def _through(field: AxisField, reach: tuple[Window | None, ...], positions: tuple[Number, ...]) -> AxisField:
    """The field behind one more layer."""
    paths = []
    for path in field.paths:
        window = reach[path.axis]
        if window is None:
            return AxisField((), positions)
        paths.append(path.before(window, path.axis if window.axis is None else window.axis))
    return AxisField(tuple(paths), positions, (), field.aligned)


def _join(
    graph: Graph,
    refs: tuple[Ref, ...],
    reaches: tuple[tuple[Window | None, ...], ...],
    positions: tuple[Number, ...],
    fields: list[Fields],
) -> Fields:
    arriving: dict[str, list[Field]] = {}
    for ref, reach in zip(refs, reaches, strict=True):
        for name, field in fields[ref.node].items():
            arriving.setdefault(name, []).append(tuple(_through(axis, reach, positions) for axis in field))
    return {
        name: tuple(_union(axes, positions) for axes in zip(*found, strict=True)) for name, found in arriving.items()
    }


def _union(fields: tuple[AxisField, ...], positions: tuple[Number, ...]) -> AxisField:
    """What units see that read several tensors: the union of their paths."""
    if any(field.is_global for field in fields):
        return AxisField((), positions)
    united: list[Path] = []
    for field in fields:
        for path in field.paths:
            for index, other in enumerate(united):
                if other.joins(path):
                    united[index] = other.union(path)
                    break
            else:
                united.append(path)
    centres = [path.centre() for field in fields for path in field.paths]
    offsets = tuple(ratio(centre - centres[0], 2) for centre in centres)
    meets_aligned = len(united) == 1 and all(known_equal(centre, centres[0]) for centre in centres)
    aligned = meets_aligned and all(field.aligned for field in fields)
    return AxisField(tuple(united), positions, () if meets_aligned else offsets, aligned)


class Interval(NamedTuple):
    """Positions ``first`` to ``last`` of an axis; empty where last < first."""

    first: int
    last: int

    def __bool__(self) -> bool:
        return self.last >= self.first


Box = tuple[Interval, ...]


def unit_box(
    graph: Graph, node: int, unit: tuple[int, ...], *, clip: bool, source: Ref | None = None
) -> dict[str, Box]:
    """The input positions that one unit depends on, by index intervals sent backwards through every layer.

    Args:
        graph: a graph of plain sizes.
        node: the index of the layer.
        unit: its position, one index per spatial axis.
        clip: cut intervals at the borders of every tensor (padding carries no input), as it really is; without it,
            windows hang over the borders as in the closed form.
        source: stop at this tensor instead of the inputs.

    Returns:
        A box per input the unit depends on. Boxes are hulls: a dilated window's holes are inside of them.
    """
    boxes: dict[Ref, Box] = {Ref(node): tuple(Interval(position, position) for position in unit)}
    found: dict[str, Box] = {}
    for index in range(node, -1, -1):
        here = graph.nodes[index]
        arrived = [boxes.pop(Ref(index, output)) for output in range(len(here.outputs)) if Ref(index, output) in boxes]
        if not arrived:
            continue
        box = arrived[0]
        for other in arrived[1:]:
            box = _hull(box, other)
        if here.is_input or (source is not None and index == source.node):
            if source is None or index == source.node:
                found[here.name] = box
            continue
        shapes = graph.input_shapes(here)
        for ref, shape, reach in zip(here.inputs, shapes, here.op.windows(shapes), strict=True):
            seen = tuple(
                _seen(window, axis, box, size, clip=clip)
                for axis, (window, size) in enumerate(zip(reach, shape[1:], strict=True))
            )
            if all(seen):
                boxes[ref] = _hull(boxes[ref], seen) if ref in boxes else seen
    return found


def _seen(window: Window | None, axis: int, box: Box, size: int, *, clip: bool) -> Interval:
    if window is None:
        return Interval(0, size - 1)
    interval = box[axis if window.axis is None else window.axis]
    first = (window.stride * interval.first - window.padding) // window.up
    last = (window.stride * interval.last - window.padding + window.size - 1) // window.up
    return Interval(max(first, 0), min(last, size - 1)) if clip else Interval(first, last)


def _hull(a: Box, b: Box) -> Box:
    return tuple(Interval(min(x.first, y.first), max(x.last, y.last)) for x, y in zip(a, b, strict=True))
