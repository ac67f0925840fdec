"""Sample points of the free symbols of a calculation, to find where two numbers differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import islice
from random import Random

from archcalc.numeric.helpers import simplified
from archcalc.numeric.symbolic.domain import RealInterval
from archcalc.numeric.symbolic.evaluate import Point
from archcalc.numeric.symbolic.free_symbol import FreeSymbol
from archcalc.numeric.symbolic.number import Plain
from archcalc.numeric.symbolic.symbols import Symbols

MAX_SAMPLES = 200
"""The number of points."""

MAX_DRAWS = 5_000
"""The number of points that are drawn, of which those are kept where all requirements hold."""


MAX_NEARBY = 12
"""The number of points near a given one."""


def samples(symbols: Symbols, near: Mapping[str, Plain] | None = None) -> Iterator[tuple[Mapping[str, Plain], Point]]:
    """Yield possible values of the names, with their points: the least ones, then random ones from a fixed seed.

    Args:
        symbols: the symbols of the calculation.
        near: values of the names to begin with, followed by larger ones of the same magnitude.
    """
    if near is not None:
        columns = [_larger(near[name]) for name in symbols.free]
        yield from islice(_admissible(symbols, columns), MAX_NEARBY)
    known = symbols.refined_symbols()
    columns = [_candidates(known[name]) for name in symbols.free]
    yield from islice(_admissible(symbols, columns), MAX_SAMPLES)


def _admissible(symbols: Symbols, columns: list[list[Plain]]) -> Iterator[tuple[Mapping[str, Plain], Point]]:
    """Yield the points that are drawn from candidates for each name, the first ones first, where all holds."""
    generator = Random(0)
    for index in range(MAX_DRAWS):
        picked = [column[0] if index == 0 else generator.choice(column) for column in columns]
        values = dict(zip(symbols.free, picked, strict=True))
        point = symbols.point(values)
        if point is not None and symbols.holds(point):
            yield values, point


def _larger(value: Plain) -> list[Plain]:
    """Return a value and larger ones, among them some of the same residues."""
    return [value, value + 1, value + 2, value + 4, 2 * value, 3 * value]


def _candidates(free: FreeSymbol) -> list[Plain]:
    """Return values of one symbol: 17 evenly spaced ones of an interval, or the least integers of each class."""
    domain = free.domain
    if isinstance(domain, RealInterval):
        low = domain.low or 0
        high = low + 2 if domain.high is None else domain.high
        return [n for q in range(17) if domain.contains(n := simplified(low + (high - low) * Fraction(q, 16)))]
    assert free.step is not None
    start = -8 if domain.low is None else domain.low
    numbers = [t for t in range(start, start + 4 * domain.period + 32) if domain.contains(t)]
    return [simplified(free.step * t + free.offset) for t in numbers]
