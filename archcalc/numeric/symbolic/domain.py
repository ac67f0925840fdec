"""Where a symbol may lie: sets of whole numbers that repeat, and intervals of real ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, lcm
from typing import NamedTuple, TypeAlias

Plain: TypeAlias = int | Fraction
Bounds: TypeAlias = tuple[int | None, int | None]
"""The first and the last number; ``None``: no bound."""

MOST_CLASSES = 1 << 14
"""Residue classes of a set; sets that need more are not merged."""


class Domain(NamedTuple):
    """Whole numbers: of each residue class modulo the period those within its bounds, or none (``None``)."""

    classes: tuple[Bounds | None, ...]

    @property
    def period(self) -> int:
        return len(self.classes)

    @property
    def is_empty(self) -> bool:
        return not any(self.classes)

    @property
    def low(self) -> int | None:
        """The least number, if there is one."""
        lows = [bounds[0] for bounds in self.classes if bounds]
        return None if None in lows else min(low for low in lows if low is not None)

    @property
    def high(self) -> int | None:
        """The largest number, if there is one."""
        highs = [bounds[1] for bounds in self.classes if bounds]
        return None if None in highs else max(high for high in highs if high is not None)

    @property
    def is_ragged(self) -> bool:
        """Whether the classes begin (or end) so far from one another that nobody could list what is missing."""
        ends = [[bounds[side] for bounds in self.classes if bounds] for side in (0, 1)]
        known = [[end for end in side if end is not None] for side in ends]
        return any(side and max(side) - min(side) > MOST_CLASSES for side in known)

    def has(self, number: Plain) -> bool:
        """Whether the number is one of them."""
        if not isinstance(number, int):
            return False
        bounds = self.classes[number % self.period]
        if bounds is None:
            return False
        low, high = bounds
        return (low is None or low <= number) and (high is None or number <= high)

    def both(self, other: Domain) -> Domain | None:
        """The numbers in both; ``None`` where their common period is too long."""
        period = lcm(self.period, other.period)
        if period > MOST_CLASSES:
            return None
        pairs = ((self.classes[i % self.period], other.classes[i % other.period], i) for i in range(period))
        return Domain(tuple(_narrowed(a, b, i, period) for a, b, i in pairs)).reduced()

    def reduced(self) -> Domain:
        """The same numbers with the shortest period."""
        for period in range(1, self.period // 2 + 1):
            if self.period % period == 0:
                classes = tuple(self._together(residue, period) for residue in range(period))
                if "apart" not in classes:
                    return Domain(classes)  # type: ignore[arg-type]  # no text is among them
        return self

    def _together(self, residue: int, period: int) -> Bounds | str | None:
        """Bounds of a coarser class, or the word that its parts cannot be told as one."""
        parts = self.classes[residue::period]
        present = [bounds for bounds in parts if bounds]
        if not present:
            return None
        if len(present) < len(parts):
            return "apart"
        lows, highs = zip(*present, strict=True)
        low, high = _end(lows, period), _end(tuple(None if h is None else -h for h in highs), period)
        if "apart" in (low, high):
            return "apart"
        return low, None if high is None else -high  # type: ignore[return-value,operator]

    def only_class(self) -> tuple[int, int]:
        """A modulus and a residue that all numbers share (1 and 0, if there is no more to say)."""
        residues = [residue for residue, bounds in enumerate(self.classes) if bounds]
        for modulus in range(self.period, 1, -1):
            if self.period % modulus == 0 and len({residue % modulus for residue in residues}) == 1:
                return modulus, residues[0] % modulus
        return 1, 0

    def through(self, modulus: int, residue: int) -> Domain:
        """The t of which modulus·t + residue is one of these numbers, all of which are of that form."""
        period = max(1, self.period // modulus)
        classes: list[Bounds | None] = []
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

    def spread(self, step: int, offset: int) -> Domain:
        """The numbers step·t + offset for these t."""
        classes: list[Bounds | None] = [None] * (self.period * step)
        for t, bounds in enumerate(self.classes):
            if bounds is not None:
                low, high = bounds
                classes[(step * t + offset) % len(classes)] = (
                    None if low is None else step * low + offset,
                    None if high is None else step * high + offset,
                )
        return Domain(tuple(classes))

    def members(self, most: int) -> list[int] | None:
        """All numbers, ascending, if there are no more than ``most``."""
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


def _end(lows: tuple[int | None, ...], period: int) -> int | str | None:
    """The common low end of classes that are to become one: theirs follow one another."""
    present = sorted(low for low in lows if low is not None)
    if not present:
        return None
    if len(present) < len(lows) or any(b - a != period for a, b in pairwise(present)):
        return "apart"
    return present[0]


def _narrowed(a: Bounds | None, b: Bounds | None, residue: int, period: int) -> Bounds | None:
    if a is None or b is None:
        return None
    lows = [bound for bound in (a[0], b[0]) if bound is not None]
    highs = [bound for bound in (a[1], b[1]) if bound is not None]
    low = max(lows) + (residue - max(lows)) % period if lows else None
    high = min(highs) - (min(highs) - residue) % period if highs else None
    return None if low is not None and high is not None and low > high else (low, high)


def from_low(low: int | None) -> Domain:
    """All whole numbers from ``low`` on (all there are, for ``None``)."""
    return Domain(((low, None),))


class Interval(NamedTuple):
    """Real numbers from ``low`` to ``high`` (``None``: no bound), with or without the ends."""

    low: Plain | None = None
    low_open: bool = False
    high: Plain | None = None
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def has(self, number: Plain) -> bool:
        """Whether the number is one of them."""
        above = self.low is None or number > self.low or (number == self.low and not self.low_open)
        return above and (self.high is None or number < self.high or (number == self.high and not self.high_open))

    def both(self, other: Interval) -> Interval:
        """The numbers in both."""
        low = max(((x.low, x.low_open) for x in (self, other) if x.low is not None), default=(None, False))
        highs = ((x.high, not x.high_open) for x in (self, other) if x.high is not None)
        high = min(highs, default=(None, True))
        return Interval(low[0], low[1], high[0], not high[1])

    def whole(self, step: Plain, offset: Plain) -> Domain:
        """The whole t of which step·t + offset is one of these numbers; ``step`` is positive."""
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
