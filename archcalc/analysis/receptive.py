"""Receptive fields, exactly: which input positions a unit depends on, composed along the graph.

Per layer and per axis of every network input, the field is a map from the layer's positions to input positions,
first(i) to first(i) + size(i) − 1. The map is linear for convolutions and pooling and periodic plus linear once
something upsamples (`Path`); maps of paths that meet are united. Size, stride and padding are read off the maps. For a
chain this is the textbook's RF_n = RF_{n−1} + (k_n − 1)·∏ s_i (Araujo, Norris, Sim 2019, "Computing receptive fields of
convolutional neural networks").

Windows that hang over a border count in full, as is usual. What one unit really sees, between borders and down to the
single position, `archcalc.analysis.unit` finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import NamedTuple, TypeAlias

from archcalc.analysis.unit import Box, Interval, unit_box
from archcalc.analysis.views import views
from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import Number, ceiling, floor, is_plain, known_equal, maximum, minimum, normal, product, ratio
from archcalc.ops.base import Shape
from archcalc.ops.view import Digits, Lost, View
from archcalc.ops.window import Reach, Window

__all__ = [
    "READINGS",
    "AxisField",
    "Box",
    "Field",
    "Fields",
    "Interval",
    "Path",
    "coverage",
    "receptive_fields",
    "sees_past",
    "unit_box",
]

LONGEST_PERIOD = 1024
"""Maps with a longer period are replaced by a linear bound (see `Path.exact`)."""
MOST_PHASES = 4_000_000
"""Phases of all layers together: deep networks are allowed shorter periods (but at least 16)."""
MOST_PATHS = 8
"""Paths of different strides that one layer may unite; with more of them its field is unknown."""


class Path(NamedTuple):
    """Positions i of a layer to positions of an input axis: first(i) = firsts[i % P] + (i // P)·rise, P phases.

    With one phase, all numbers may be of any kind. A phase of size 0 sees nothing (between the inputs of a transposed
    convolution whose kernel is shorter than its stride); its first position means nothing.
    """

    axis: int
    """Which spatial axis of the layer moves the window."""
    rise: Number
    firsts: tuple[Number, ...]
    sizes: tuple[Number, ...]
    exact: bool = True
    """False where the map is only a bound, perhaps in rationals: its period is too long, or only some units have it."""

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

    def sees_nothing(self, position: int) -> bool:
        """Whether this position sees no input position."""
        return _is(self.sizes[position % self.period], 0)

    def first_unit(self) -> int:
        """The first position that sees anything."""
        return next((i for i in range(self.period) if not self.sees_nothing(i)), 0)

    @property
    def may_have_gaps(self) -> bool:
        """Whether some positions see no input position (a bound may hide that)."""
        return not self.exact or any(_is(size, 0) for size in self.sizes)

    @property
    def is_blind(self) -> bool:
        """Whether no position sees any input position."""
        return all(_is(size, 0) for size in self.sizes)

    def line(self) -> tuple[Number, Number]:
        """The offsets of the lines that bound first(i) from below and last(i) from above, with slope `stride`."""
        if self.period == 1:
            return self.firsts[0], self.firsts[0] + self.sizes[0] - 1
        stride = self.stride
        phases = [phase for phase in range(self.period) if not self.sees_nothing(phase)]
        lowest = reduce(minimum, [self.first(phase) - stride * phase for phase in phases])
        highest = reduce(maximum, [self.last(phase) - stride * phase for phase in phases])
        return normal(lowest), normal(highest)

    def centre(self) -> Number:
        """Twice the centre of the window of position 0, on the mean over the phases."""
        lowest, highest = self.line()
        return lowest + highest

    def before(self, window: Window, axis: int, longest: int = LONGEST_PERIOD) -> Path:
        """The path of the layer after this one, which sees this one through ``window``, moved by its own ``axis``."""
        rise, up = self.rise, window.up
        if self.period == 1 and type(up) is int and up == 1:
            first, size = self.firsts[0], self.sizes[0]
            first = first if _is(window.padding, 0) else first - window.padding * rise
            size = size if _is(window.size, 1) else size + (window.size - 1) * rise
            rise = rise if _is(window.stride, 1) else rise * window.stride
            return Path(axis, rise, (first,), (size,), self.exact)
        numbers = (rise, self.firsts[0], self.sizes[0], window.size, window.stride, window.padding, up, window.dilation)
        if not all(type(number) is int for number in numbers):
            return self._bounded(window, axis)
        period = up * self.period // gcd(window.stride, up * self.period)
        if period > longest:
            return self._bounded(window, axis)
        steady = self._is_steady()
        seen = [self._hull(window.positions(position), steady) for position in range(period)]
        firsts, sizes = tuple([hull.first for hull in seen]), tuple([hull.size for hull in seen])
        # over one period the window moves period·stride/up positions of this layer, a multiple of its own period
        rise = period * window.stride // up // self.period * rise
        return Path(axis, rise, firsts, sizes, self.exact)

    def viewed(self, digits: Digits, longest: int = LONGEST_PERIOD) -> Path | None:
        """The path of a view that sees this one through digits; ``None`` where its period is too long."""
        cycle, shift = digits.cycle
        turns = self.period // gcd(self.period, shift) if shift else 1
        if cycle * turns > longest:
            return None
        firsts, sizes = [], []
        for i in range(cycle * turns):
            positions = [place for place in digits.positions(i) if self.period == 1 or not self.sees_nothing(place)]
            first = reduce(minimum, [self.first(place) for place in positions]) if positions else 0
            last = reduce(maximum, [self.last(place) for place in positions]) if positions else -1
            firsts.append(first)
            sizes.append(last - first + 1)
        rise = normal(self.rise * (turns * shift // self.period)) if shift else 0
        return Path(digits.axis, rise, tuple(firsts), tuple(sizes), self.exact)

    def _is_steady(self) -> bool:
        """Whether every position sees something, as far on as the one before it: then the ends of a row tell all."""
        return all(self.sizes) and all(
            self.first(i - 1) <= self.first(i) and self.last(i - 1) <= self.last(i) for i in range(1, self.period + 1)
        )

    def _hull(self, positions: range, steady: bool) -> Interval:
        """The input positions that a row of positions sees, from the first to the last."""
        if not positions:
            return Interval(0, -1)
        if steady:
            return Interval(self.first(positions[0]), self.last(positions[-1]))
        # further on, the phases come back with larger positions (and further back with smaller ones)
        lowest = [self.first(i) for i in positions[: self.period] if not self.sees_nothing(i)]
        highest = [self.last(i) for i in positions[-self.period :] if not self.sees_nothing(i)]
        return Interval(min(lowest), max(highest)) if lowest else Interval(0, -1)

    def _bounded(self, window: Window, axis: int) -> Path:
        """A linear map that contains the composition."""
        stride = self.stride
        lowest, highest = self.line()
        first = lowest - stride * ratio(window.padding + window.up - 1, window.up)
        last = highest + stride * ratio(window.size - 1 - window.padding, window.up)
        return Path(axis, stride * ratio(window.stride, window.up), (first,), (last - first + 1,), exact=False)

    def joins(self, other: Path) -> bool:
        """Whether the union with the other path is a path: same axis, same stride."""
        if self.period == other.period:
            return self.axis == other.axis and known_equal(self.rise, other.rise)
        return self.axis == other.axis and known_equal(self.stride, other.stride)

    def union(self, other: Path, longest: int = LONGEST_PERIOD) -> Path:
        """The hull of two paths of the same axis and stride."""
        period, exact = lcm(self.period, other.period), self.exact and other.exact
        if period == 1 or period > longest:
            lines = self.line(), other.line()
            first = minimum(lines[0][0], lines[1][0])
            last = maximum(lines[0][1], lines[1][1])
            return Path(self.axis, self.stride, (first,), (last - first + 1,), exact and period == 1)
        firsts, sizes = [], []
        for i in range(period):
            present = [path for path in (self, other) if not path.sees_nothing(i)]
            first = reduce(minimum, [path.first(i) for path in present]) if present else 0
            last = reduce(maximum, [path.last(i) for path in present]) if present else -1
            first, last = _rounded(ceiling, first), _rounded(floor, last)
            firsts.append(first)
            sizes.append(last - first + 1)
        rise = normal(self.rise * (period // self.period))
        return Path(self.axis, rise, tuple(firsts), tuple(sizes), exact)


def _is(number: Number, value: int) -> bool:
    """Whether a number is plainly this value: neutral terms then stay out of derivations."""
    return type(number) is int and number == value


@dataclass(frozen=True, slots=True, eq=False)
class AxisField:
    """What the units of a layer see along one axis of one input."""

    paths: tuple[Path, ...]
    """Empty where the field is global or unknown. More than one where paths of different strides meet."""
    positions: tuple[Number, ...]
    """The sizes of the layer's spatial axes."""
    offsets: tuple[Number, ...] = ()
    """Where paths meet unaligned: how far each one's centre lies from the first one's, in input positions."""
    aligned: bool = True
    """False from where paths of different centres or strides have met."""
    is_unknown: bool = False
    """Whether the positions have been lost from view: nothing is said of what units see."""
    packed: bool = False
    """Whether some positions lie side by side in the channels, and no layer has mixed these since. A unit is all of its
    channels; as soon as they become positions again, that says too much of each of them."""

    @property
    def is_local(self) -> bool:
        """Whether windows are known: the field is neither global nor unknown."""
        return bool(self.paths)

    @property
    def is_global(self) -> bool:
        """Whether a layer has mixed all positions of the axis."""
        return not self.paths and not self.is_unknown

    @property
    def word(self) -> str:
        """What stands for numbers where the field has none: ``global`` or ``unknown``."""
        return "unknown" if self.is_unknown else "global"

    @property
    def has_several_strides(self) -> bool:
        """Whether windows of different strides have met: their sizes then depend on where the unit lies."""
        return len(self.paths) > 1

    @property
    def exact(self) -> bool:
        """Whether the maps are exact, not only bounds."""
        return not self.is_unknown and all(path.exact for path in self.paths)

    def sizes(self) -> tuple[Number, Number]:
        """The smallest and the largest window of any unit: they differ after upsampling.

        Where paths of different strides meet, the first number is a lower bound; where maps are bounds, it is 0.

        Raises:
            ValueError: the field is global or unknown (see `is_local`); so do `size`, `stride` and `padding`.
        """
        self._needs_paths()
        smallest = reduce(maximum, [reduce(minimum, path.sizes) for path in self.paths])
        if len(self.paths) == 1:
            largest = reduce(maximum, self.paths[0].sizes)
        else:
            largest = reduce(maximum, self._extreme_sizes())
        return smallest if self.exact else 0, _rounded(floor, largest)

    def _needs_paths(self) -> None:
        if not self.paths:
            raise ValueError(f"the field is {self.word}: it has no size, stride or padding (see is_local)")

    def _extreme_sizes(self) -> Iterator[Number]:
        """Sizes of the hull of several paths, the largest among them.

        It is the largest distance from a first position of one path to a last position of another. Such a distance is
        linear plus periodic over the positions, so it is largest within a period from one of the ends.
        """
        axes = {path.axis for path in self.paths}
        period = lcm(*(path.period for path in self.paths))
        n = self.positions[min(axes)]
        if 1 < period <= LONGEST_PERIOD // 8 and len(axes) == 1 and is_plain(n):
            for i in {*range(min(n, period)), *range(max(0, n - period), n)}:
                hull = self.box((i,) * len(self.positions))
                yield hull.size if hull else 0
            return
        ends = [(path.axis, path.stride, *path.line(), self.positions[path.axis] - 1) for path in self.paths]
        for axis, stride, lowest, _, end in ends:
            firsts = (lowest, lowest + end * stride)
            for other, other_stride, _, highest, other_end in ends:
                lasts = (highest, highest + other_end * other_stride)
                pairs = zip(firsts, lasts, strict=True) if axis == other else ((a, b) for a in firsts for b in lasts)
                for first, last in pairs:
                    yield last - first + 1

    @property
    def size(self) -> Number:
        """The size of the receptive field: the largest over the units."""
        return self.sizes()[1]

    @property
    def stride(self) -> Number:
        """The effective stride (jump) between the windows of neighbouring units; where paths differ, the first's."""
        self._needs_paths()
        return normal(self.paths[0].stride)

    @property
    def padding(self) -> Number:
        """The effective padding: how far the window of the first unit (that sees anything) starts before the input.

        Unit i's window starts at i·stride − padding; after upsampling that holds for every unit of the same phase.
        """
        self._needs_paths()
        starts = [(path.first_unit(), path) for path in self.paths]
        first_unit = min(unit for unit, _ in starts)
        return -_rounded(ceiling, reduce(minimum, [path.first(unit) for unit, path in starts if unit == first_unit]))

    def box(self, unit: tuple[int, ...]) -> Interval | None:
        """First and last input position in the closed form, before clipping; ``None`` where global or unknown."""
        if not self.paths:
            return None
        present = [(path, unit[path.axis]) for path in self.paths if not path.sees_nothing(unit[path.axis])]
        if not present:
            return Interval(0, -1)
        first, last = min(path.first(i) for path, i in present), max(path.last(i) for path, i in present)
        return Interval(ceiling(first), floor(last))


READINGS: dict[str, Callable[[AxisField], Number]] = {
    "rf": lambda axis: axis.size,
    "rf_stride": lambda axis: axis.stride,
    "rf_padding": lambda axis: axis.padding,
}
"""What is read off a field that is local, by the names that tables, targets and JSON have for it."""


def _rounded(rounding: Callable[[Number], Number], number: Number) -> Number:
    """Whole positions of a bound in fractions; other kinds of number are left alone."""
    return rounding(number) if type(number) is Fraction else number


Field: TypeAlias = tuple[AxisField, ...]
"""The field on one input: one entry per spatial axis of that input; empty for a vector."""

Fields: TypeAlias = Mapping[str, Field]
"""The fields of a layer by input; inputs it does not depend on are absent."""


def receptive_fields(
    graph: Graph, *, source: Ref | None = None, given: Mapping[int, Fields] | None = None
) -> list[Fields]:
    """The receptive fields of every node, in one pass over the graph.

    Args:
        graph: any graph; its sizes may be of any kind of number.
        source: measure on this tensor instead of the network's inputs (its name in the result is that of its node).
        given: the fields of some nodes, to be taken as they are.
    """
    return _Pass(graph).run(source, given or {})


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.longest = min(LONGEST_PERIOD, max(16, MOST_PHASES // max(1, len(graph.nodes))))

    def run(self, source: Ref | None, given: Mapping[int, Fields]) -> list[Fields]:
        fields: list[Fields] = []
        viewed = views(self.graph, {*given, *(() if source is None else (source.node,))})
        for index, node in enumerate(self.graph.nodes):
            if index in given:
                fields.append(given[index])
            elif source is not None and index == source.node:
                fields.append({node.name: _start(node.outputs[source.output])})
            elif node.is_input:
                fields.append({node.name: _start(node.output)} if source is None else {})
            elif index in viewed:
                origin, view = viewed[index]
                fields.append(self.viewed(fields[origin.node], view, node.output[1:]))
            else:
                fields.append(self.fields(node, fields))
        return fields

    def viewed(self, fields: Fields, view: View, positions: Shape) -> Fields:
        """The fields of a view from those of the tensor that it views."""
        return {
            name: tuple([self.axis_viewed(axis, view, positions) for axis in field]) for name, field in fields.items()
        }

    def axis_viewed(self, field: AxisField, view: View, positions: Shape) -> AxisField:
        behind = AxisField((), positions, (), field.aligned, field.is_unknown, field.packed)
        if field.packed and view.unpacks_channels:  # the channels were taken together, and are taken apart here
            if field.is_global:
                return replace(behind, is_unknown=True)
            field = _loosened(field)
        origins = [view.origins[path.axis] for path in field.paths]
        if not positions or Lost.IN_CHANNELS in origins:
            return replace(behind, is_unknown=False, packed=True)
        paths: list[Path] = []
        for path, origin in zip(field.paths, origins, strict=True):
            found: Path | None
            if isinstance(origin, Window):
                axis = path.axis if origin.axis is None else origin.axis
                found = path if origin.is_pointwise else path.before(origin, axis, self.longest)
            else:
                found = None if isinstance(origin, Lost) else path.viewed(origin, self.longest)
            if found is None:
                return replace(behind, is_unknown=True)
            paths.append(found)
        packed = field.packed or view.packs_positions
        return replace(behind, paths=tuple(paths), packed=packed)

    def fields(self, node: Node, fields: list[Fields]) -> Fields:
        """The fields of a node from those of the nodes it reads."""
        shapes = self.graph.input_shapes(node)
        reaches = node.op.windows(shapes)
        positions = node.output[1:]
        arriving: dict[str, list[Field]] = {}
        for ref, shape, reach in zip(node.inputs, shapes, reaches, strict=True):
            before = fields[ref.node]
            if _is_packed(before) and _mixes_channels(node, shape):
                before = {name: tuple([replace(axis, packed=False) for axis in f]) for name, f in before.items()}
            if len(reaches) == 1 and node.output is shape and _changes_nothing(reach, before):
                return before
            partial = any(window is not None and window.outputs is not None for window in reach)
            for name, field in before.items():
                behind = [self.through(axis, reach, positions) for axis in field]
                found = tuple([_loosened(axis) if partial else axis for axis in behind if axis is not None])
                if len(found) == len(field):
                    arriving.setdefault(name, []).append(found)
        return {name: found[0] if len(found) == 1 else self.union(found, positions) for name, found in arriving.items()}

    def through(self, field: AxisField, reach: Reach, positions: Shape) -> AxisField | None:
        """The field behind one more layer; ``None`` where it sees nothing."""
        paths = []
        if field.is_unknown and any(window is not None for window in reach):
            return AxisField((), positions, (), field.aligned, is_unknown=True)
        for path in field.paths:
            window = reach[path.axis]
            if window is None:
                return AxisField((), positions, (), field.aligned)
            if not window.is_pointwise:
                path = path.before(window, path.axis if window.axis is None else window.axis, self.longest)
            if not path.is_blind:
                paths.append(path)
        if field.paths and not paths:
            return None
        behind = AxisField(tuple(paths), positions, (), field.aligned, packed=field.packed)
        if len({path.axis for path in paths}) > 1 and any(path.may_have_gaps for path in paths):
            return _loosened(behind)  # see `union`
        return behind

    def union(self, fields: list[Field], positions: Shape) -> Field:
        """What units see that read several tensors: the union of what they see of each."""
        if len(positions) > 1 and any(path.may_have_gaps for field in fields for axis in field for path in axis.paths):
            # a unit that sees nothing along one axis sees nothing of this tensor, which no map per axis can tell
            fields = [tuple([_loosened(axis) for axis in field]) for field in fields]
        return tuple([self.axis_union(axes, positions) for axes in zip(*fields, strict=True)])

    def axis_union(self, fields: tuple[AxisField, ...], positions: Shape) -> AxisField:
        paths = [path for field in fields for path in field.paths]
        aligned = all(field.aligned for field in fields)
        packed = any(field.packed for field in fields)
        mixed = [field for field in fields if field.is_global]
        if mixed:
            return AxisField((), positions, (), aligned, packed=all(field.packed for field in mixed))
        if any(field.is_unknown for field in fields):
            return AxisField((), positions, (), aligned, is_unknown=True)
        united: list[Path] = []
        for path in paths:
            for index, other in enumerate(united):
                if other.joins(path):
                    united[index] = other.union(path, self.longest)
                    break
            else:
                united.append(path)
        if len(united) > MOST_PATHS:
            return AxisField((), positions, (), aligned=False, is_unknown=True)
        centres = [path.centre() for path in paths]
        if len(united) == 1 and all(known_equal(centre, centres[0]) for centre in centres):
            return AxisField(tuple(united), positions, (), aligned, packed=packed)
        offsets = tuple([ratio(centre - centres[0], 2) for centre in centres])
        return AxisField(tuple(united), positions, offsets, aligned=False, packed=packed)


def _changes_nothing(reach: Reach, fields: Fields) -> bool:
    """Whether a layer with these windows and the same positions has the fields of its input as they are."""
    for window in reach:
        if window is None or not window.is_pointwise:
            return False
    return not any(axis.offsets for field in fields.values() for axis in field)


def _is_packed(fields: Fields) -> bool:
    return any(axis.packed for field in fields.values() for axis in field)


def _mixes_channels(node: Node, shape: Shape) -> bool:
    """Whether weighted sums go over all channels of an input of this shape."""
    sums = node.op.sums(shape)
    return (
        sums is not None
        and sums.by_channel
        and any(kernels.table is None and known_equal(kernels.groups, 1) for kernels in sums.kernels)
    )


def _loosened(field: AxisField) -> AxisField:
    """The same maps as bounds: only some units have them."""
    return replace(field, paths=tuple([path._replace(exact=False) for path in field.paths]))


def _start(shape: Shape) -> Field:
    positions = shape[1:]
    return tuple(AxisField((Path(axis, 1, (0,), (1,)),), positions) for axis in range(len(positions)))


def coverage(field: Field, shape: Shape) -> Number | None:
    """The fraction of an input of this shape that a unit's window covers, at most 1: the product over the axes.

    ``None`` where it is unknown.
    """
    if any(axis.is_unknown for axis in field):
        return None
    sizes = [n if axis.is_global else minimum(axis.size, n) for axis, n in zip(field, shape[1:], strict=True)]
    return ratio(product(sizes), product(shape[1:]))


def sees_past(field: Field, shape: Shape) -> bool:
    """Whether a unit's window is larger than the whole input of this shape, along every axis, in plain sizes.

    Layers that read the output of such a layer find nothing new in the input, and tend not to help (Richter, Schöning,
    Wiedenroth, Krumnack 2021, "Should you go deeper? Optimizing convolutional neural network architectures without
    training by receptive field analysis", arXiv:2106.12307). Global fields do not count: they mix all positions, but
    hang over no border. Nor does an input of one position, from which a generator starts: nothing in it is ever new.
    """
    if not field or all(n == 1 for n in shape[1:]):
        return False
    return all(axis.is_local and axis.size > n for axis, n in zip(field, shape[1:], strict=True))
