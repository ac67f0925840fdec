"""Some values that symbols may have, to find where two numbers differ."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random

from archcalc.numeric.helpers import normal
from archcalc.numeric.symbolic.domain import Interval
from archcalc.numeric.symbolic.free import Free
from archcalc.numeric.symbolic.number import Plain
from archcalc.numeric.symbolic.reach import Point
from archcalc.numeric.symbolic.symbols import Symbols

MOST_SAMPLES = 200


def samples(kind: Symbols) -> Iterator[tuple[dict[str, Plain], Point]]:
    """Values of the names that are possible, the least ones first, with their points; the same ones every time."""
    known = kind.refined()
    columns = [_some_of(known[name]) for name in kind.free]
    generator = Random(0)
    for index in range(MOST_SAMPLES):
        picked = [column[0] if index == 0 else generator.choice(column) for column in columns]
        values = dict(zip(kind.free, picked, strict=True))
        point = kind.point(values)
        if point is not None and kind.holds(point):
            yield values, point


def _some_of(free: Free) -> list[Plain]:
    domain = free.domain
    if isinstance(domain, Interval):
        low = domain.low or 0
        high = low + 2 if domain.high is None else domain.high
        return [n for q in range(17) if domain.has(n := normal(low + (high - low) * Fraction(q, 16)))]
    assert free.step is not None
    start = -8 if domain.low is None else domain.low
    numbers = [t for t in range(start, start + 4 * domain.period + 32) if domain.has(t)]
    return [normal(free.step * t + free.offset) for t in numbers]
