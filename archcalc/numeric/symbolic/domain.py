"""Sets of possible values of symbols: periodic sets of integers, and intervals of real numbers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, lcm
from typing import Literal, NamedTuple, TypeAlias

Plain: TypeAlias = int | Fraction
IntegerBounds: TypeAlias = tuple[int | None, int | None]
"""The first and the last member of a residue class; ``None``: unbounded on that side."""

MAX_PERIOD = 1 << 14
"""The longest period of a set of integers, and of a quasi-periodic number."""


class Domain(NamedTuple):
    """A set of integers: of each residue class modulo the period, the members within bounds, or none (``None``)."""

    classes: tuple[IntegerBounds | None, ...]

    @property
    def period(self) -> int:
        """The modulus of the residue classes."""
        return len(self.classes)

    @property
    def is_empty(self) -> bool:
        """Whether the set has no members."""
        return not any(self.classes)

    @property
    def low(self) -> int | None:
        """The smallest member; ``None`` if there is none."""
        lows = [bounds[0] for bounds in self.classes if bounds]
        return None if None in lows else min(low for low in lows if low is not None)

    @property
    def high(self) -> int | None:
        """The largest member; ``None`` if there is none."""
        highs = [bounds[1] for bounds in self.classes if bounds]
        return None if None in highs else max(high for high in highs if high is not None)

    @property
    def is_ragged(self) -> bool:
        """Whether the residue classes start (or end) too far apart for the members between to be listed."""
        ends = [[bounds[side] for bounds in self.classes if bounds] for side in (0, 1)]
        known = [[end for end in side if end is not None] for side in ends]
        return any(side and max(side) - min(side) > MAX_PERIOD for side in known)

    def contains(self, number: Plain) -> bool:
        """Return whether a number is a member."""
        if not isinstance(number, int):
            return False
        bounds = self.classes[number % self.period]
        if bounds is None:
            return False
        low, high = bounds
        return (low is None or low <= number) and (high is None or number <= high)

    def intersection(self, other: Domain) -> Domain | None:
        """Return the members of both; ``None`` where the common period is too long."""
        period = lcm(self.period, other.period)
        if period > MAX_PERIOD:
            return None
        pairs = ((self.classes[i % self.period], other.classes[i % other.period], i) for i in range(period))
        return Domain(tuple(_intersection(a, b, i, period) for a, b, i in pairs)).reduced()

    def reduced(self) -> Domain:
        """Return the same set with the shortest period."""
        for period in range(1, self.period // 2 + 1):
            if self.period % period == 0:
                unions = [_union(self.classes[residue::period], period) for residue in range(period)]
                classes = [union for union in unions if union != "several"]
                if len(classes) == period:
                    return Domain(tuple(classes))
        return self

    def common_class(self) -> tuple[int, int]:
        """Return the largest divisor of the period modulo which all members are equal, and their residue."""
        residues = [residue for residue, bounds in enumerate(self.classes) if bounds]
        for modulus in range(self.period, 1, -1):
            if self.period % modulus == 0 and len({residue % modulus for residue in residues}) == 1:
                return modulus, residues[0] % modulus
        return 1, 0

    def preimage(self, modulus: int, residue: int) -> Domain:
        """Return the t for which modulus·t + residue is a member; all members must be of that form."""
        period = max(1, self.period // modulus)
        classes: list[IntegerBounds | None] = []
        for t in range(period):
            bounds = self.classes[(modulus * t + residue) % self.period]
            if bounds is None:
                classes.append(None)
                continue
            low, high = bounds
            classes.append(
                (
                    None if low is None else -(-(low - residue) // modulus),
                    None if high is None else (high - residue) // modulus,
                )
            )
        return Domain(tuple(classes))

    def image(self, step: int, offset: int) -> Domain:
        """Return the set of step·t + offset over the members t."""
        classes: list[IntegerBounds | None] = [None] * (self.period * step)
        for t, bounds in enumerate(self.classes):
            if bounds is not None:
                low, high = bounds
                classes[(step * t + offset) % len(classes)] = (
                    None if low is None else step * low + offset,
                    None if high is None else step * high + offset,
                )
        return Domain(tuple(classes))

    def members(self, most: int) -> list[int] | None:
        """Return all members, ascending; ``None`` if there are more than ``most``."""
        low, high = self.low, self.high
        if low is None or high is None:
            return None
        found: list[int] = []
        for residue, bounds in enumerate(self.classes):
            if bounds is not None:
                first, last = bounds
                assert first is not None
                assert last is not None
                found += range(first + (residue - first) % self.period, last + 1, self.period)[: most + 1]
        return sorted(found) if len(found) <= most else None


def _union(parts: tuple[IntegerBounds | None, ...], period: int) -> IntegerBounds | Literal["several"] | None:
    """Return residue classes of a multiple of the period as one class modulo the period, if they are one."""
    present = [bounds for bounds in parts if bounds]
    if not present:
        return None
    if len(present) < len(parts):
        return "several"
    lows, highs = zip(*present, strict=True)
    if not _are_consecutive(lows, period) or not _are_consecutive(highs, period):
        return "several"
    return None if lows[0] is None else min(lows), None if highs[0] is None else max(highs)


def _are_consecutive(ends: tuple[int | None, ...], period: int) -> bool:
    """Return whether the ends of classes are those of one coarser class: all unbounded, or a period apart."""
    known = sorted(end for end in ends if end is not None)
    return not known or (len(known) == len(ends) and all(b - a == period for a, b in pairwise(known)))


def _intersection(a: IntegerBounds | None, b: IntegerBounds | None, residue: int, period: int) -> IntegerBounds | None:
    if a is None or b is None:
        return None
    lows = [bound for bound in (a[0], b[0]) if bound is not None]
    highs = [bound for bound in (a[1], b[1]) if bound is not None]
    low = max(lows) + (residue - max(lows)) % period if lows else None
    high = min(highs) - (min(highs) - residue) % period if highs else None
    return None if low is not None and high is not None and low > high else (low, high)


def integers_from(low: int | None) -> Domain:
    """Return the integers from ``low`` on; all integers for ``None``."""
    return Domain(((low, None),))


class RealInterval(NamedTuple):
    """The real numbers between two bounds (``None``: unbounded), each included unless it is marked as open."""

    low: Plain | None = None
    low_open: bool = False
    high: Plain | None = None
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the interval has no members."""
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def contains(self, number: Plain) -> bool:
        """Return whether a number is a member."""
        above = self.low is None or number > self.low or (number == self.low and not self.low_open)
        return above and (self.high is None or number < self.high or (number == self.high and not self.high_open))

    def intersection(self, other: RealInterval) -> RealInterval:
        """Return the members of both."""
        low = max(((x.low, x.low_open) for x in (self, other) if x.low is not None), default=(None, False))
        highs = ((x.high, not x.high_open) for x in (self, other) if x.high is not None)
        high = min(highs, default=(None, True))
        return RealInterval(low[0], low[1], high[0], not high[1])

    def on_grid(self, step: Plain, offset: Plain) -> Domain:
        """Return the integers t for which step·t + offset is a member; ``step`` is positive."""
        low = high = None
        if self.low is not None:
            exact = Fraction(self.low - offset) / step
            low = ceil(exact) + (self.low_open and exact.denominator == 1)
        if self.high is not None:
            exact = Fraction(self.high - offset) / step
            high = floor(exact) - (self.high_open and exact.denominator == 1)
        if low is not None and high is not None and low > high:
            return Domain((None,))
        return Domain(((low, high),))
