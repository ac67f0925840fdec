"""Receptive fields: what the units of a layer see along every axis of an input, and what is read off that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from math import lcm
from typing import TypeAlias

from archcalc.analysis.intervals import Interval
from archcalc.analysis.paths import MAX_PERIOD, Path, rounded
from archcalc.numeric import Number, ceiling, floor, is_plain, maximum, minimum, product, ratio, simplified
from archcalc.ops.base import Shape
from archcalc.record import record


@record(frozen=True, slots=True, eq=False)
class AxisField:
    """The receptive field of a layer along one axis of one input."""

    paths: tuple[Path, ...]
    """Empty if the field is global or unknown; several if paths of different strides join."""
    positions: tuple[Number, ...]
    """The sizes of the layer's axes of positions."""
    offsets: tuple[Number, ...] = ()
    """If unaligned paths join: the distance of each centre from the first one, in input positions."""
    aligned: bool = True
    """False after a join of paths with different centres or strides."""
    is_unknown: bool = False
    """Whether the positions cannot be followed: nothing is known of what units see."""
    packed: bool = False
    """Whether some positions lie side by side in the features, and no layer has mixed these since. A unit is one
    position with all of its features; if they become positions again, the field is too large for each of them."""

    from_start: bool = False
    """Whether units see all positions from the first to the end of their window (a causal field)."""

    wraps: bool = False
    """Whether windows continue at the other end of the axis, after a cyclic shift or with circular padding."""

    @property
    def is_local(self) -> bool:
        """Whether windows are known: the field is neither global nor causal nor unknown."""
        return bool(self.paths) and not self.from_start

    @property
    def is_causal(self) -> bool:
        """Whether units see all positions up to the end of their window, and none after it."""
        return bool(self.paths) and self.from_start

    @property
    def is_global(self) -> bool:
        """Whether units see the whole axis because some layer mixes all of its positions."""
        return not self.paths and not self.is_unknown

    @property
    def word(self) -> str:
        """The word printed instead of numbers if the field has none: ``global``, ``causal`` or ``unknown``."""
        return "unknown" if self.is_unknown else "causal" if self.is_causal else "global"

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
            ValueError: the field has a `word` instead (see `is_local`); `size`, `stride` and `padding` raise it, too.
        """
        largest = self.size
        return reduce(maximum, [reduce(minimum, path.sizes) for path in self.paths]) if self.exact else 0, largest

    @property
    def _linear_path(self) -> Path | None:
        """The only path, if it is linear, as those of most layers are; ``None`` otherwise."""
        return self.paths[0] if len(self.paths) == 1 and self.paths[0].period == 1 else None

    def _require_paths(self) -> None:
        if not self.is_local:
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
        self._require_paths()
        path = self._linear_path
        if path is not None:
            return rounded(floor, path.sizes[0])
        sizes = self.paths[0].sizes if len(self.paths) == 1 else self._extreme_sizes()
        return rounded(floor, reduce(maximum, sizes))

    @property
    def stride(self) -> Number:
        """The effective stride (jump) between the windows of neighbouring units; of the first path if they differ."""
        self._require_paths()
        return simplified(self.paths[0].stride)

    @property
    def padding(self) -> Number:
        """The effective padding: how far the window of the first unit that sees anything starts before the input.

        The window of unit i starts at i·stride − padding; after upsampling that holds for every unit of the same phase.
        """
        self._require_paths()
        linear = self._linear_path
        if linear is not None:
            return -rounded(ceiling, linear.firsts[0])
        starts = [(path.first_unit(), path) for path in self.paths]
        first_unit = min(unit for unit, _ in starts)
        return -rounded(ceiling, reduce(minimum, [path.first(unit) for unit, path in starts if unit == first_unit]))

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
        return Interval(0 if self.from_start else ceiling(first), floor(last))


Field: TypeAlias = tuple[AxisField, ...]
"""The receptive field on one input, one entry per axis of positions of that input; empty for a vector of features."""

Fields: TypeAlias = Mapping[str, Field]
"""The receptive fields of a layer by input; inputs that it does not depend on are absent."""

FIELD_QUANTITIES: dict[str, Callable[[AxisField], Number]] = {
    "rf": lambda axis: axis.size,
    "rf_stride": lambda axis: axis.stride,
    "rf_padding": lambda axis: axis.padding,
}
"""The quantities of a field that is local, by their names in tables, targets and JSON."""


def _ends(n: int, period: int) -> list[int]:
    """Return the positions of an axis of size n within one period of either end."""
    return sorted({*range(min(n, period)), *range(max(0, n - period), n)})


def coverage(field: Field, positions: Shape) -> Number | None:
    """Return the fraction of an input with these positions that the window of a unit covers, at most 1.

    ``None`` if the field is unknown, or causal, where it depends on the unit.
    """
    if any(axis.is_unknown or axis.is_causal for axis in field):
        return None
    sizes = [n if axis.is_global else minimum(axis.size, n) for axis, n in zip(field, positions, strict=True)]
    return ratio(product(sizes), product(positions))


def exceeds_input(field: Field, positions: Shape) -> bool:
    """Return whether the window of a unit is larger than an input with these positions along every axis (plain sizes).

    Layers after such a layer find nothing new in the input, and tend not to improve the network (Richter, Schöning,
    Wiedenroth, Krumnack 2021, "Should you go deeper? Optimizing convolutional neural network architectures without
    training by receptive field analysis", arXiv:2106.12307). A global field does not count: it covers the input, but
    does not extend beyond it. Neither does an input with a single position, such as that of a generator.
    """
    if not field or all(n == 1 for n in positions):
        return False
    return all(axis.is_local and axis.size > n for axis, n in zip(field, positions, strict=True))
