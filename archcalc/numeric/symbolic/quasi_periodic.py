"""Quasi-periods: a number f of one integer symbol t has period P and rise r if f(t + P) = f(t) + r for every t.

Sums of t, floors of linear terms and the like have one, and their values on one period determine them everywhere.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

from archcalc.numeric.helpers import simplified
from archcalc.numeric.symbolic.domain import MAX_PERIOD
from archcalc.numeric.symbolic.number import Atom, Number, Plain, terms_of


class QuasiPeriod(NamedTuple):
    """f(t + period) = f(t) + rise."""

    period: int
    rise: Plain


def quasi_period(number: Number) -> QuasiPeriod | None:
    """Return a quasi-period of a number of one integer symbol; ``None`` where none is found, or it is too long."""
    parts: list[tuple[Plain, QuasiPeriod]] = []
    for monomial, coefficient in terms_of(number).items():
        if not monomial:
            continue
        factors = [_of_atom(atom) for atom, _ in monomial]
        found = [factor for factor in factors if factor is not None]
        if len(found) < len(factors):
            return None
        if len(monomial) == 1 and monomial[0][1] == 1:
            parts.append((coefficient, found[0]))
        elif all(rise == 0 for _, rise in found):
            parts.append((coefficient, QuasiPeriod(lcm(*(period for period, _ in found)), 0)))
        else:
            return None
    period = lcm(*(period for _, (period, _) in parts))
    if period > MAX_PERIOD:
        return None
    return QuasiPeriod(period, simplified(sum((c * rise * (period // own) for c, (own, rise) in parts), Fraction(0))))


def _of_atom(atom: Atom) -> QuasiPeriod | None:
    if atom.op == "symbol":
        return QuasiPeriod(1, 1) if atom.integer else None
    numbers = [part.value for part in atom.args[0].parts] if atom.op == "truth" else atom.args
    found = [each for each in map(quasi_period, numbers) if each is not None]
    if len(found) < len(numbers):
        return None
    if atom.op == "truth":
        flat = all(rise == 0 for _, rise in found)
        return QuasiPeriod(lcm(*(period for period, _ in found)), 0) if flat else None
    if atom.op in ("floor", "gcd"):
        (period, rise), divisor = found[0], atom.args[1]
        if type(divisor) is not int or type(rise) is not int:
            return None
        times = divisor // gcd(rise, divisor)
        return QuasiPeriod(period * times, rise * times // divisor if atom.op == "floor" else 0)
    slopes: set[Any] = {Fraction(rise) / period for period, rise in found}
    if atom.op in ("max", "min") and len(slopes) == 1:
        period = lcm(*(period for period, _ in found))
        return QuasiPeriod(period, simplified(slopes.pop() * period))
    return None
