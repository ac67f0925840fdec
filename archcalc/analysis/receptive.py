"""Exact receptive fields: the input positions that units depend on, composed along the graph.

For each layer and each axis of every input, the receptive field is a map from a position i of the layer to the input
positions first(i) to first(i) + size(i) − 1. The map is linear for convolutions and pooling, and linear plus periodic
after upsampling (`Path`). Where paths of the graph join, the union of their maps is taken. Size, stride and padding of
the receptive field follow from the map. For a chain, its size is the well-known RF_n = RF_{n−1} + (k_n − 1)·∏ s_i
(Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional neural networks").

As is usual, windows that extend beyond a border count in full. `archcalc.analysis.unit` finds the exact positions that
a single unit sees, clipped at the borders.
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
    "FIELD_QUANTITIES",
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

MAX_PERIOD = 1024
"""Maps with a longer period are replaced by a linear bound (see `Path.exact`)."""
MAX_PHASES = 4_000_000
"""The most phases of all layers together: the maximal period is shorter for deep networks (but at least 16)."""
MAX_PATHS = 8
"""The most paths of different strides in one field; with more, the field is reported as unknown."""


class Path(NamedTuple):
    """A map from positions i of a layer to positions of an input axis: first(i) = firsts[i % P] + (i // P)·rise.

    P is the period, the number of phases. With P = 1 all numbers may be of any kind. A phase of size 0 sees nothing
    (between the inputs of a transposed convolution whose kernel is smaller than its stride); its first position has no
    meaning.
    """

    axis: int
    """The spatial axis of the layer along which the window moves."""
    advance: Number
    """By how many input positions the window moves in one period."""
    firsts: tuple[Number, ...]
    sizes: tuple[Number, ...]
    exact: bool = True
    """False if the map is only a bound (perhaps rational): its period is too long, or it holds for some units only."""

    @property
    def period(self) -> int:
        """The number of phases."""
        return len(self.firsts)

    @property
    def stride(self) -> Number:
        """Input positions per position of the layer: the effective stride (jump)."""
        return self.advance if self.period == 1 else ratio(self.advance, self.period)

    def first(self, position: Number) -> Number:
        """Return the first input position that a position sees."""
        if self.period == 1:
            return self.firsts[0] + position * self.advance
        cycle, phase = divmod(position, self.period)
        return self.firsts[phase] + cycle * self.advance

    def last(self, position: Number) -> Number:
        """Return the last input position that a position sees."""
        return self.first(position) + self.sizes[position % self.period if self.period > 1 else 0] - 1

    def sees_nothing(self, position: int) -> bool:
        """Return whether a position sees no input position."""
        return _is_value(self.sizes[position % self.period], 0)

    def first_unit(self) -> int:
        """Return the first position that sees anything."""
        return next((i for i in range(self.period) if not self.sees_nothing(i)), 0)

    @property
    def may_have_gaps(self) -> bool:
        """Whether some positions see no input position (a bound may hide that)."""
        return not self.exact or any(_is_value(size, 0) for size in self.sizes)

    @property
    def is_blind(self) -> bool:
        """Whether no position sees any input position."""
        return all(_is_value(size, 0) for size in self.sizes)

    def bounding_offsets(self) -> tuple[Number, Number]:
        """Return the offsets of the lines with slope `stride` that bound first(i) from below and last(i) from above."""
        if self.period == 1:
            return self.firsts[0], self.firsts[0] + self.sizes[0] - 1
        stride = self.stride
        phases = [phase for phase in range(self.period) if not self.sees_nothing(phase)]
        lowest = reduce(minimum, [self.first(phase) - stride * phase for phase in phases])
        highest = reduce(maximum, [self.last(phase) - stride * phase for phase in phases])
        return normal(lowest), normal(highest)

    def twice_centre(self) -> Number:
        """Return twice the centre of the window of position 0, between the two bounding lines."""
        lowest, highest = self.bounding_offsets()
        return lowest + highest

    def extended(self, window: Window, axis: int, max_period: int = MAX_PERIOD) -> Path:
        """Return the path of the next layer, which sees this one through ``window``, along its own ``axis``.

        The result is exact unless its period would exceed ``max_period``.
        """
        advance, up = self.advance, window.up
        if self.period == 1 and type(up) is int and up == 1:
            first, size = self.firsts[0], self.sizes[0]
            first = first if _is_value(window.padding, 0) else first - window.padding * advance
            size = size if _is_value(window.size, 1) else size + (window.size - 1) * advance
            advance = advance if _is_value(window.stride, 1) else advance * window.stride
            return Path(axis, advance, (first,), (size,), self.exact)
        numbers = (
            advance,
            self.firsts[0],
            self.sizes[0],
            window.size,
            window.stride,
            window.padding,
            up,
            window.dilation,
        )
        if not all(type(number) is int for number in numbers):
            return self._bounded(window, axis)
        period = up * self.period // gcd(window.stride, up * self.period)
        if period > max_period:
            return self._bounded(window, axis)
        monotonic = self._is_monotonic()
        seen = [self._hull(window.positions(position), monotonic) for position in range(period)]
        firsts, sizes = tuple([hull.first for hull in seen]), tuple([hull.size for hull in seen])
        # in one period the window moves by period·stride/up positions of this layer, a multiple of its own period
        advance = period * window.stride // up // self.period * advance
        return Path(axis, advance, firsts, sizes, self.exact)

    def viewed(self, digits: Digits, max_period: int = MAX_PERIOD) -> Path | None:
        """Return the path of a view that sees this one through digits; ``None`` if its period is too long."""
        cycle, shift = digits.cycle
        turns = self.period // gcd(self.period, shift) if shift else 1
        if cycle * turns > max_period:
            return None
        firsts, sizes = [], []
        for i in range(cycle * turns):
            positions = [
                position for position in digits.positions(i) if self.period == 1 or not self.sees_nothing(position)
            ]
            first = reduce(minimum, [self.first(position) for position in positions]) if positions else 0
            last = reduce(maximum, [self.last(position) for position in positions]) if positions else -1
            firsts.append(first)
            sizes.append(last - first + 1)
        advance = normal(self.advance * (turns * shift // self.period)) if shift else 0
        return Path(digits.axis, advance, tuple(firsts), tuple(sizes), self.exact)

    def _is_monotonic(self) -> bool:
        """Return whether no position is empty and neither end of the window ever moves backwards.

        Then the hull of a range of positions is determined by its two ends.
        """
        return all(self.sizes) and all(
            self.first(i - 1) <= self.first(i) and self.last(i - 1) <= self.last(i) for i in range(1, self.period + 1)
        )

    def _hull(self, positions: range, monotonic: bool) -> Interval:
        """Return the interval of input positions that a range of positions sees."""
        if not positions:
            return Interval(0, -1)
        if monotonic:
            return Interval(self.first(positions[0]), self.last(positions[-1]))
        # only the first period can contain the smallest position, and only the last one the largest
        lowest = [self.first(i) for i in positions[: self.period] if not self.sees_nothing(i)]
        highest = [self.last(i) for i in positions[-self.period :] if not self.sees_nothing(i)]
        return Interval(min(lowest), max(highest)) if lowest else Interval(0, -1)

    def _bounded(self, window: Window, axis: int) -> Path:
        """Return a linear map that contains the composition with a window."""
        stride = self.stride
        lowest, highest = self.bounding_offsets()
        first = lowest - stride * ratio(window.padding + window.up - 1, window.up)
        last = highest + stride * ratio(window.size - 1 - window.padding, window.up)
        return Path(axis, stride * ratio(window.stride, window.up), (first,), (last - first + 1,), exact=False)

    def is_joinable(self, other: Path) -> bool:
        """Return whether the union with another path is a path: same axis, same stride."""
        if self.period == other.period:
            return self.axis == other.axis and known_equal(self.advance, other.advance)
        return self.axis == other.axis and known_equal(self.stride, other.stride)

    def union(self, other: Path, max_period: int = MAX_PERIOD) -> Path:
        """Return the hull of this path and another one of the same axis and stride."""
        period, exact = lcm(self.period, other.period), self.exact and other.exact
        if period == 1 or period > max_period:
            bounds = self.bounding_offsets(), other.bounding_offsets()
            first = minimum(bounds[0][0], bounds[1][0])
            last = maximum(bounds[0][1], bounds[1][1])
            return Path(self.axis, self.stride, (first,), (last - first + 1,), exact and period == 1)
        firsts, sizes = [], []
        for i in range(period):
            present = [path for path in (self, other) if not path.sees_nothing(i)]
            first = reduce(minimum, [path.first(i) for path in present]) if present else 0
            last = reduce(maximum, [path.last(i) for path in present]) if present else -1
            first, last = _rounded(ceiling, first), _rounded(floor, last)
            firsts.append(first)
            sizes.append(last - first + 1)
        advance = normal(self.advance * (period // self.period))
        return Path(self.axis, advance, tuple(firsts), tuple(sizes), exact)


def _is_value(number: Number, value: int) -> bool:
    """Return whether a number is a plain integer with this value; such neutral terms are left out of derivations."""
    return type(number) is int and number == value


@dataclass(frozen=True, slots=True, eq=False)
class AxisField:
    """The receptive field of a layer along one axis of one input."""

    paths: tuple[Path, ...]
    """Empty if the field is global or unknown; several if paths of different strides join."""
    positions: tuple[Number, ...]
    """The sizes of the layer's spatial axes."""
    offsets: tuple[Number, ...] = ()
    """If unaligned paths join: the distance of each centre from the first one, in input positions."""
    aligned: bool = True
    """False after a join of paths with different centres or strides."""
    is_unknown: bool = False
    """Whether the positions cannot be followed: nothing is known of what units see."""
    packed: bool = False
    """Whether some positions lie side by side in the channels, and no layer has mixed these since. A unit is one
    position with all of its channels; if they become positions again, the field is too large for each of them."""

    @property
    def is_local(self) -> bool:
        """Whether windows are known: the field is neither global nor unknown."""
        return bool(self.paths)

    @property
    def is_global(self) -> bool:
        """Whether units see the whole axis because some layer mixes all of its positions."""
        return not self.paths and not self.is_unknown

    @property
    def word(self) -> str:
        """The word printed instead of numbers if the field has none: ``global`` or ``unknown``."""
        return "unknown" if self.is_unknown else "global"

    @property
    def has_several_strides(self) -> bool:
        """Whether windows of different strides have met: their sizes then depend on where the unit lies."""
        return len(self.paths) > 1

    @property
    def exact(self) -> bool:
        """Whether the maps are exact rather than bounds."""
        return not self.is_unknown and all(path.exact for path in self.paths)

    def sizes(self) -> tuple[Number, Number]:
        """Return the smallest and the largest window size of any unit; they differ after upsampling.

        If paths of different strides join, the first number is a lower bound; if maps are bounds, it is 0.

        Raises:
            ValueError: the field is global or unknown (see `is_local`); `size`, `stride` and `padding` raise it, too.
        """
        self._require_paths()
        smallest = reduce(maximum, [reduce(minimum, path.sizes) for path in self.paths])
        if len(self.paths) == 1:
            largest = reduce(maximum, self.paths[0].sizes)
        else:
            largest = reduce(maximum, self._extreme_sizes())
        return smallest if self.exact else 0, _rounded(floor, largest)

    def _require_paths(self) -> None:
        if not self.paths:
            raise ValueError(f"the field is {self.word}: it has no size, stride or padding (see is_local)")

    def _extreme_sizes(self) -> Iterator[Number]:
        """Yield sizes of the hull of several paths; the largest size of any unit is among them.

        It is the largest distance from a first position of one path to a last position of another one. Such a distance
        is linear plus periodic in the position, so its maximum is within one period of either end.
        """
        axes = {path.axis for path in self.paths}
        period = lcm(*(path.period for path in self.paths))
        if 1 < period <= MAX_PERIOD // 8 and all(is_plain(self.positions[axis]) for axis in axes):
            yield from self._enumerated_sizes({axis: _ends(self.positions[axis], period) for axis in axes})
            return
        ends = [
            (path.axis, path.stride, *path.bounding_offsets(), self.positions[path.axis] - 1) for path in self.paths
        ]
        for axis, stride, lowest, _, end in ends:
            firsts = (lowest, lowest + end * stride)
            for other, other_stride, _, highest, other_end in ends:
                lasts = (highest, highest + other_end * other_stride)
                pairs = zip(firsts, lasts, strict=True) if axis == other else ((a, b) for a in firsts for b in lasts)
                for first, last in pairs:
                    yield last - first + 1

    def _enumerated_sizes(self, ends: Mapping[int, list[int]]) -> Iterator[Number]:
        """Yield the distances from first to last positions of pairs of paths, at given positions of every axis."""
        yield 0
        for path in self.paths:
            starts = [i for i in ends[path.axis] if not path.sees_nothing(i)]
            for other in self.paths:
                stops = [i for i in ends[other.axis] if not other.sees_nothing(i)]
                if path.axis == other.axis:
                    yield from (other.last(i) - path.first(i) + 1 for i in starts if not other.sees_nothing(i))
                elif starts and stops:  # the axes are independent
                    yield max(other.last(i) for i in stops) - min(path.first(i) for i in starts) + 1

    @property
    def size(self) -> Number:
        """The size of the receptive field: the largest over the units."""
        return self.sizes()[1]

    @property
    def stride(self) -> Number:
        """The effective stride (jump) between the windows of neighbouring units; of the first path if they differ."""
        self._require_paths()
        return normal(self.paths[0].stride)

    @property
    def padding(self) -> Number:
        """The effective padding: how far the window of the first unit that sees anything starts before the input.

        The window of unit i starts at i·stride − padding; after upsampling that holds for every unit of the same phase.
        """
        self._require_paths()
        starts = [(path.first_unit(), path) for path in self.paths]
        first_unit = min(unit for unit, _ in starts)
        return -_rounded(ceiling, reduce(minimum, [path.first(unit) for unit, path in starts if unit == first_unit]))

    def box(self, unit: tuple[int, ...]) -> Interval | None:
        """Return the first and last input position that a unit sees, before clipping.

        ``None`` if the field is global or unknown.
        """
        if not self.paths:
            return None
        present = [(path, unit[path.axis]) for path in self.paths if not path.sees_nothing(unit[path.axis])]
        if not present:
            return Interval(0, -1)
        first, last = min(path.first(i) for path, i in present), max(path.last(i) for path, i in present)
        return Interval(ceiling(first), floor(last))


FIELD_QUANTITIES: dict[str, Callable[[AxisField], Number]] = {
    "rf": lambda axis: axis.size,
    "rf_stride": lambda axis: axis.stride,
    "rf_padding": lambda axis: axis.padding,
}
"""The quantities of a field that is local, by their names in tables, targets and JSON."""


def _ends(n: int, period: int) -> list[int]:
    """Return the positions of an axis of size n within one period of either end."""
    return sorted({*range(min(n, period)), *range(max(0, n - period), n)})


def _rounded(rounding: Callable[[Number], Number], number: Number) -> Number:
    """Round a rational bound to integer positions; return numbers of other kinds unchanged."""
    return rounding(number) if type(number) is Fraction else number


Field: TypeAlias = tuple[AxisField, ...]
"""The receptive field on one input, one entry per spatial axis of that input; empty for a vector."""

Fields: TypeAlias = Mapping[str, Field]
"""The receptive fields of a layer by input; inputs that it does not depend on are absent."""


def receptive_fields(
    graph: Graph, *, source: Ref | None = None, given: Mapping[int, Fields] | None = None
) -> list[Fields]:
    """Return the receptive fields of every node, in one pass over the graph.

    Args:
        graph: the graph; its sizes may be of any kind of number.
        source: a tensor to measure on instead of the inputs (its name in the result is that of its node).
        given: the fields of some nodes, to be used instead of computing them.
    """
    return _Pass(graph).run(source, given or {})


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.max_period = min(MAX_PERIOD, max(16, MAX_PHASES // max(1, len(graph.nodes))))

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
        """Return the fields of a view, given those of the tensor that it views."""
        return {
            name: tuple([self.axis_viewed(axis, view, positions) for axis in field]) for name, field in fields.items()
        }

    def axis_viewed(self, field: AxisField, view: View, positions: Shape) -> AxisField:
        """Return the field of a view along one axis of the input."""
        beyond = AxisField((), positions, (), field.aligned, field.is_unknown, field.packed)
        if field.packed and view.unpacks_channels:  # the field is that of all channels together
            if field.is_global:
                return replace(beyond, is_unknown=True)
            field = _as_bound(field)
        origins = [view.origins[path.axis] for path in field.paths]
        if not positions or Lost.IN_CHANNELS in origins:
            return replace(beyond, is_unknown=False, packed=True)
        paths: list[Path] = []
        for path, origin in zip(field.paths, origins, strict=True):
            found: Path | None
            if isinstance(origin, Window):
                axis = path.axis if origin.axis is None else origin.axis
                found = path if origin.is_pointwise else path.extended(origin, axis, self.max_period)
            else:
                found = None if isinstance(origin, Lost) else path.viewed(origin, self.max_period)
            if found is None:
                return replace(beyond, is_unknown=True)
            paths.append(found)
        packed = field.packed or view.packs_positions
        return replace(beyond, paths=tuple(paths), packed=packed)

    def fields(self, node: Node, fields: list[Fields]) -> Fields:
        """Return the fields of a node, given those of the nodes that it reads."""
        shapes = self.graph.input_shapes(node)
        reaches = node.op.windows(shapes)
        positions = node.output[1:]
        arriving: dict[str, list[Field]] = {}
        for ref, shape, reach in zip(node.inputs, shapes, reaches, strict=True):
            source = fields[ref.node]
            if _is_packed(source) and _mixes_channels(node, shape):
                source = {name: tuple([replace(axis, packed=False) for axis in f]) for name, f in source.items()}
            if len(reaches) == 1 and node.output is shape and _is_pointwise(reach, source):
                return source
            partial = any(window is not None and window.outputs is not None for window in reach)
            for name, field in source.items():
                beyond = [self.through(axis, reach, positions) for axis in field]
                found = tuple([_as_bound(axis) if partial else axis for axis in beyond if axis is not None])
                if len(found) == len(field):
                    arriving.setdefault(name, []).append(found)
        return {name: found[0] if len(found) == 1 else self.union(found, positions) for name, found in arriving.items()}

    def through(self, field: AxisField, reach: Reach, positions: Shape) -> AxisField | None:
        """Return the field after one more layer; ``None`` if that sees nothing of the input."""
        paths = []
        if field.is_unknown and any(window is not None for window in reach):
            return AxisField((), positions, (), field.aligned, is_unknown=True)
        for path in field.paths:
            window = reach[path.axis]
            if window is None:
                return AxisField((), positions, (), field.aligned)
            if not window.is_pointwise:
                path = path.extended(window, path.axis if window.axis is None else window.axis, self.max_period)
            if not path.is_blind:
                paths.append(path)
        if field.paths and not paths:
            return None
        beyond = AxisField(tuple(paths), positions, (), field.aligned, packed=field.packed)
        if len({path.axis for path in paths}) > 1 and any(path.may_have_gaps for path in paths):
            return _as_bound(beyond)  # see `union`
        return beyond

    def union(self, fields: list[Field], positions: Shape) -> Field:
        """Return the field of a layer that reads several tensors: the union of the fields through each of them."""
        if len(positions) > 1 and any(path.may_have_gaps for field in fields for axis in field for path in axis.paths):
            # a unit that sees nothing along one axis sees nothing of the tensor, which a map per axis cannot express
            fields = [tuple([_as_bound(axis) for axis in field]) for field in fields]
        return tuple([self.axis_union(axes, positions) for axes in zip(*fields, strict=True)])

    def axis_union(self, fields: tuple[AxisField, ...], positions: Shape) -> AxisField:
        """Return the union of fields along one axis."""
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
                if other.is_joinable(path):
                    united[index] = other.union(path, self.max_period)
                    break
            else:
                united.append(path)
        if len(united) > MAX_PATHS:
            return AxisField((), positions, (), aligned=False, is_unknown=True)
        centres = [path.twice_centre() for path in paths]
        if len(united) == 1 and all(known_equal(centre, centres[0]) for centre in centres):
            return AxisField(tuple(united), positions, (), aligned, packed=packed)
        offsets = tuple([ratio(centre - centres[0], 2) for centre in centres])
        return AxisField(tuple(united), positions, offsets, aligned=False, packed=packed)


def _is_pointwise(reach: Reach, fields: Fields) -> bool:
    """Return whether a layer with these windows and the positions of its input also has the fields of its input."""
    for window in reach:
        if window is None or not window.is_pointwise:
            return False
    return not any(axis.offsets for field in fields.values() for axis in field)


def _is_packed(fields: Fields) -> bool:
    """Return whether positions lie in the channels along any axis."""
    return any(axis.packed for field in fields.values() for axis in field)


def _mixes_channels(node: Node, shape: Shape) -> bool:
    """Return whether the node computes weighted sums over all channels of an input of a given shape."""
    sums = node.op.sums(shape)
    return (
        sums is not None
        and sums.per_channel
        and any(kernels.table is None and known_equal(kernels.groups, 1) for kernels in sums.kernels)
    )


def _as_bound(field: AxisField) -> AxisField:
    """Return the field with its maps marked as bounds, because they hold for some units only."""
    return replace(field, paths=tuple([path._replace(exact=False) for path in field.paths]))


def _start(shape: Shape) -> Field:
    positions = shape[1:]
    return tuple(AxisField((Path(axis, 1, (0,), (1,)),), positions) for axis in range(len(positions)))


def coverage(field: Field, shape: Shape) -> Number | None:
    """Return the fraction of an input of a given shape that the window of a unit covers, at most 1.

    ``None`` if the field is unknown.
    """
    if any(axis.is_unknown for axis in field):
        return None
    sizes = [n if axis.is_global else minimum(axis.size, n) for axis, n in zip(field, shape[1:], strict=True)]
    return ratio(product(sizes), product(shape[1:]))


def sees_past(field: Field, shape: Shape) -> bool:
    """Return whether the window of a unit is larger than an input of this shape along every axis (plain sizes).

    Layers after such a layer find nothing new in the input, and tend not to improve the network (Richter, Schöning,
    Wiedenroth, Krumnack 2021, "Should you go deeper? Optimizing convolutional neural network architectures without
    training by receptive field analysis", arXiv:2106.12307). A global field does not count: it covers the input, but
    does not extend beyond it. Neither does an input with a single position, such as that of a generator.
    """
    if not field or all(n == 1 for n in shape[1:]):
        return False
    return all(axis.is_local and axis.size > n for axis, n in zip(field, shape[1:], strict=True))
