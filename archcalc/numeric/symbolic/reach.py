"""Values of numbers at a point, bounds of them, and their periods.

A number of one whole symbol t that is built from t, floors and the like by sums is *steady*: f(t + P) = f(t) + rise for
some period P. What such a number is on one period decides what it is everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, TypeAlias

from archcalc.numeric.helpers import normal
from archcalc.numeric.symbolic.domain import MOST_CLASSES
from archcalc.numeric.symbolic.number import (
    Atom,
    Comparison,
    Condition,
    Monomial,
    Number,
    Plain,
    Symbolic,
    accumulate,
    joined,
    terms_of,
)

if TYPE_CHECKING:
    from archcalc.numeric.symbolic.symbols import Symbols

Point: TypeAlias = Mapping[Atom, Plain]
Range: TypeAlias = tuple[Plain | None, Plain | None]
"""A lower and an upper bound; ``None``: none is known."""


def evaluate(number: Number, point: Point, known: dict[Atom, Plain] | None = None) -> Plain:
    """The value of a number where symbols have these values.

    Raises:
        ZeroDivisionError: a divisor is zero there.
    """
    known = dict(point) if known is None else known
    total: Plain = 0
    for monomial, coefficient in terms_of(number).items():
        term = coefficient
        for atom, exponent in monomial:
            if atom not in known:
                known[atom] = _atom_value(atom, point, known)
            factor = known[atom]
            term = term * (factor**exponent if exponent > 0 else Fraction(1) / factor**-exponent)
        total = total + term
    value: Plain = normal(total)
    return value


def _atom_value(atom: Atom, point: Point, known: dict[Atom, Plain]) -> Plain:
    if atom.op == "truth":
        return int(holds(atom.args[0], point, known))
    values: list[Any] = [evaluate(arg, point, known) for arg in atom.args]
    value: Plain = _OPERATIONS[atom.op](*values)
    return value


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "floor": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "gcd": gcd,
    "max": max,
    "min": min,
    "reciprocal": lambda a: normal(Fraction(1) / a),
}


def holds(condition: Condition, point: Point, known: dict[Atom, Plain] | None = None) -> bool:
    """Whether a condition holds at a point."""
    return all(comparison_holds(part, point, known) for part in condition.parts)


def comparison_holds(part: Comparison, point: Point, known: dict[Atom, Plain] | None = None) -> bool:
    """Whether a comparison holds at a point."""
    value = evaluate(part.value, point, known)
    if part.relation in ("in", "not in"):
        return (value in part.among) == (part.relation == "in")
    return {"==": value == 0, "!=": value != 0, ">=": value >= 0, ">": value > 0}[part.relation]


def bounds(kind: Symbols, number: Number) -> Range:
    """Bounds of a number wherever its symbols may lie."""
    low: Plain | None = 0
    high: Plain | None = 0
    for monomial, coefficient in terms_of(number).items():
        ends = _monomial_bounds(kind, monomial)
        least, most = ends if coefficient > 0 else (ends[1], ends[0])
        low = None if low is None or least is None else low + coefficient * least
        high = None if high is None or most is None else high + coefficient * most
        if low is None and high is None:
            break
    return low, high


def _monomial_bounds(kind: Symbols, monomial: Monomial) -> Range:
    if not monomial:
        return 1, 1
    if len(monomial) == 1 and monomial[0][1] == 1:
        return _atom_bounds(kind, monomial[0][0])
    low: Plain = 1
    high: Plain | None = 1
    for atom, exponent in monomial:
        least, most = _atom_bounds(kind, atom)
        if least is None or least < 0:
            return None, None
        if exponent < 0:
            inverse = Fraction(1) / least if least > 0 else None
            least, most = (Fraction(1) / most if most else 0), inverse
        power = abs(exponent)
        low = low * least**power
        high = None if high is None or most is None else high * most**power
    return low, high


def _atom_bounds(kind: Symbols, atom: Atom) -> Range:
    found = kind.known_bounds.get(atom)
    if found is None or found[0] != kind.learned:
        found = kind.learned, _new_bounds(kind, atom)
        kind.known_bounds[atom] = found
    return found[1]


def _new_bounds(kind: Symbols, atom: Atom) -> Range:
    if atom.op == "symbol":
        domain = kind.domain(atom)
        return domain.low, domain.high
    if atom.op == "truth":
        return 0, 1
    ends = [bounds(kind, arg) for arg in atom.args]
    if atom.op == "floor":
        (low, high), (least, most) = ends
        if least is None or least <= 0:
            return None, None
        if least != most:
            return (0 if low is not None and low >= 0 else None), None
        return (None if low is None else low // least), (None if high is None else high // least)
    if atom.op == "max":
        lows = [low for low, _ in ends if low is not None]
        highs = [high for _, high in ends if high is not None]
        return max(lows, default=None), max(highs) if len(highs) == len(ends) else None
    if atom.op == "min":
        highs = [high for _, high in ends if high is not None]
        lows = [low for low, _ in ends if low is not None]
        return min(lows) if len(lows) == len(ends) else None, min(highs, default=None)
    if atom.op == "gcd":
        return 1, min((high for _, high in ends if high is not None), default=None)
    if atom.op == "reciprocal":
        low, high = ends[0]
        if low is not None and low > 0:
            return (Fraction(1) / high if high else 0), Fraction(1) / low
    return None, None


MOST_SHIFTED = 40
"""Terms of a number that is looked at around the least values of its atoms."""


def bounds_beyond(kind: Symbols, number: Symbolic) -> Range:
    """Bounds of a sum of products, where its atoms count from their least values: y = least + u with u ≥ 0.

    H·W − H has no bound if H·W and H are looked at alone; with H = 1 + u and W = 1 + v it is (1 + u)·v.
    """
    if len(number.terms) > MOST_SHIFTED:
        return None, None
    total: dict[Monomial, Plain] = {}
    for monomial, coefficient in number.terms.items():
        rows: dict[Monomial, Plain] = {(): coefficient}
        for atom, exponent in monomial:
            least = _atom_bounds(kind, atom)[0]
            if least is None or not 0 < exponent <= 4:
                return None, None
            for _ in range(exponent):
                moved: dict[Monomial, Plain] = {}
                for row, factor in rows.items():
                    accumulate(moved, joined(row, ((atom, 1),)), factor)
                    if least:
                        accumulate(moved, row, factor * least)
                rows = moved
        for row, factor in rows.items():
            accumulate(total, row, factor)
    constant = total.pop((), 0)
    low = constant if all(factor > 0 for factor in total.values()) else None
    return low, constant if all(factor < 0 for factor in total.values()) else None


Steady: TypeAlias = tuple[int, Plain]
"""A period P and the rise: f(t + P) = f(t) + rise."""


def steady(number: Number) -> Steady | None:
    """The period and rise of a number of one whole symbol; ``None`` where it has none, or too long a period."""
    parts: list[tuple[Plain, Steady]] = []
    for monomial, coefficient in terms_of(number).items():
        if not monomial:
            continue
        rows = [_atom_steady(atom) for atom, _ in monomial]
        if any(row is None for row in rows):
            return None
        found = [row for row in rows if row is not None]
        if len(monomial) == 1 and monomial[0][1] == 1:
            parts.append((coefficient, found[0]))
        elif all(rise == 0 for _, rise in found):
            parts.append((coefficient, (lcm(*(period for period, _ in found)), 0)))
        else:
            return None
    period = lcm(*(period for _, (period, _) in parts))
    if period > MOST_CLASSES:
        return None
    return period, normal(sum((c * rise * (period // own) for c, (own, rise) in parts), Fraction(0)))


def _atom_steady(atom: Atom) -> Steady | None:
    if atom.op == "symbol":
        return (1, 1) if atom.whole else None
    if atom.op == "truth":
        rows = [steady(part.value) for part in atom.args[0].parts]
        flat = [row[0] for row in rows if row is not None and row[1] == 0]
        return (lcm(*flat), 0) if len(flat) == len(rows) else None
    found = [steady(arg) for arg in atom.args]
    if any(row is None for row in found):
        return None
    rows_: list[Any] = found
    if atom.op in ("floor", "gcd"):
        (period, rise), divisor = rows_[0], atom.args[1]
        if type(divisor) is not int or type(rise) is not int:
            return None
        times = divisor // gcd(rise, divisor)
        return period * times, rise * times // divisor if atom.op == "floor" else 0
    slopes = {Fraction(rise) / period for period, rise in rows_}
    if atom.op in ("max", "min") and len(slopes) == 1:
        period = lcm(*(period for period, _ in rows_))
        return period, normal(slopes.pop() * period)
    return None
