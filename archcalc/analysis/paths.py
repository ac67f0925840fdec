"""Maps from the positions of a layer to the input positions that they see, along one axis."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import NamedTuple

from archcalc.analysis.intervals import Interval
from archcalc.numeric import Number, ceiling, floor, known_equal, maximum, minimum, ratio, simplified
from archcalc.ops.view import Digits
from archcalc.ops.window import Window

MAX_PERIOD = 1024
"""Maps with a longer period are replaced by a linear bound (see `Path.exact`)."""


class Path(NamedTuple):
    """A map from positions i of a layer to positions of an input axis: first(i) = firsts[i % P] + (i // P)·advance.

    P is the period, the number of phases. With P = 1 all numbers may be of any kind. A phase of size 0 sees nothing
    (between the inputs of a transposed convolution whose kernel is smaller than its stride); its first position has no
    meaning.
    """

    axis: int
    """The axis of the layer along which the window moves, counted among those of positions."""
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
        return _is_value(self.sizes[0], 0) and all(_is_value(size, 0) for size in self.sizes)

    def bounding_offsets(self) -> tuple[Number, Number]:
        """Return the offsets of the lines with slope `stride` that bound first(i) from below and last(i) from above."""
        if self.period == 1:
            return self.firsts[0], self.firsts[0] + self.sizes[0] - 1
        stride = self.stride
        phases = [phase for phase in range(self.period) if not self.sees_nothing(phase)]
        lowest = reduce(minimum, [self.first(phase) - stride * phase for phase in phases])
        highest = reduce(maximum, [self.last(phase) - stride * phase for phase in phases])
        return simplified(lowest), simplified(highest)

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
        advance = simplified(self.advance * (turns * shift // self.period)) if shift else 0
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
            first, last = rounded(ceiling, first), rounded(floor, last)
            firsts.append(first)
            sizes.append(last - first + 1)
        advance = simplified(self.advance * (period // self.period))
        return Path(self.axis, advance, tuple(firsts), tuple(sizes), exact)


def _is_value(number: Number, value: int) -> bool:
    """Return whether a number is a plain integer with this value; such neutral terms are left out of derivations."""
    return type(number) is int and number == value


def rounded(rounding: Callable[[Number], Number], number: Number) -> Number:
    """Round a rational bound to integer positions; return numbers of other kinds unchanged."""
    return rounding(number) if type(number) is Fraction else number
