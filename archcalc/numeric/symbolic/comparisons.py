"""Comparisons of numbers with 0: a normal form, decisions from bounds, and the sets of symbols where they hold."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from archcalc.numeric.helpers import is_plain, simplified
from archcalc.numeric.symbolic.domain import Domain, RealInterval
from archcalc.numeric.symbolic.evaluate import evaluate
from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Bounds,
    Comparison,
    Plain,
    Relation,
    SymbolicNumber,
    content,
    is_integer,
    ordered_terms,
)
from archcalc.numeric.symbolic.quasi_periodic import QuasiPeriod


def normal_form(relation: Relation, value: SymbolicNumber) -> Comparison | bool:
    """Return the comparison in coprime integer coefficients and without a floor around its value.

    A ``bool`` where integrality alone decides: 2·n is never 1/2.
    """
    scale = content([c for m, c in value.terms.items() if m])
    leading = next(ordered_terms(value))[1]
    is_negated = relation in ("==", "!=") and leading < 0
    value = value * ((-1 if is_negated else 1) * Fraction(1) / scale)
    rest = value.constant
    if is_integer(value - rest):
        if relation == ">" and type(rest) is int:
            relation, value = ">=", value - 1
        elif type(rest) is not int:
            if relation in ("==", "!="):
                return relation == "!="
            relation, value = ">=", value - rest + floor(rest)
    numerator = _floor_condition(value) if relation == ">=" else None
    return Comparison(relation, value) if numerator is None else normal_form(relation, numerator)


def _floor_condition(value: SymbolicNumber) -> SymbolicNumber | None:
    """Return x − n·m for the value ⌊x/m⌋ − n, n an integer: each is at least 0 exactly where the other is."""
    floors = [monomial for monomial in value.terms if monomial]
    if len(floors) == 1 and len(floors[0]) == 1 and value.terms[floors[0]] == 1 and type(value.constant) is int:
        ((atom, exponent),) = floors[0]
        if atom.op == "floor" and exponent == 1:
            numerator = atom.args[0] + atom.args[1] * value.constant
            return numerator if isinstance(numerator, SymbolicNumber) else None
    return None


def decided_by_bounds(relation: Relation, bounds: Bounds) -> bool | None:
    """Return whether the relation to 0 holds for every number within bounds (or for none); ``None`` for only some."""
    low, high = bounds
    if relation in ("==", "!="):
        is_apart = (low is not None and low > 0) or (high is not None and high < 0)
        return relation == "!=" if is_apart else None
    if low is not None and (low > 0 or (low == 0 and relation == ">=")):
        return True
    if high is not None and (high < 0 or (high == 0 and relation == ">")):
        return False
    return None


def solve_quasi_periodic(part: Comparison, symbol: Atom, quasi_period: QuasiPeriod) -> Domain | None:
    """Return the integers for which a comparison holds whose value f has this quasi-period.

    In each residue class t = residue + q·period, f(t) = f(residue) + q·rise: a linear condition on q. ``None`` where a
    class lacks only one member, which a `Domain` cannot express.
    """
    period, rise = quasi_period
    classes: list[tuple[int | None, int | None] | None] = []
    for residue in range(period):
        value = evaluate(part.value, {symbol: residue})
        if part.relation == "!=" and rise and Fraction(value, rise).denominator == 1:
            return None
        solution = _solve_linear(part.relation, value, rise)
        if solution is None:
            classes.append(None)
        else:
            low, high = solution
            classes.append(
                (
                    None if low is None else residue + low * period,
                    None if high is None else residue + high * period,
                )
            )
    return Domain(tuple(classes)).reduced()


def _solve_linear(relation: Relation, value: Plain, rise: Plain) -> tuple[int | None, int | None] | None:
    """Return bounds of the integers q for which value + q·rise has this relation to 0; ``None`` if there are none."""
    if rise == 0:
        holds = {"==": value == 0, "!=": value != 0, ">=": value >= 0, ">": value > 0}[relation]
        return (None, None) if holds else None
    root = Fraction(-value) / rise
    if relation == "==":
        return (root.numerator, root.numerator) if root.denominator == 1 else None
    if relation == "!=":
        return None, None
    is_excluded = relation == ">" and root.denominator == 1
    if rise > 0:
        return -floor(-root) + is_excluded, None
    return None, floor(root) - is_excluded


def solve_real(part: Comparison, symbol: Atom) -> RealInterval | None:
    """Return the real numbers for which a linear term in the symbol, or the floor of one, has this relation to 0.

    ``None`` for other values, and for solutions that are not an interval.
    """
    terms = dict(part.value.terms)
    constant = terms.pop(UNIT, 0)
    if len(terms) != 1:
        return None
    ((monomial, slope),) = terms.items()
    if len(monomial) != 1 or monomial[0][1] != 1:
        return None
    atom, relation = monomial[0][0], part.relation
    root = simplified(Fraction(-constant) / slope)
    if atom.op == "floor" and is_plain(atom.args[1]) and relation in (">=", ">"):
        inside: Any = atom.args[0] * (Fraction(1) / atom.args[1])
        is_excluded = relation == ">" and root.denominator == 1
        if slope > 0:  # ⌊y⌋ ≥ n where y ≥ n
            return solve_real(Comparison(">=", inside - (-floor(-root) + is_excluded)), symbol)
        return solve_real(Comparison(">", floor(root) - is_excluded + 1 - inside), symbol)  # ⌊y⌋ ≤ n where y < n + 1
    if atom is not symbol or relation == "!=":
        return None
    if relation == "==":
        return RealInterval(root, False, root, False)
    return RealInterval(root, relation == ">") if slope > 0 else RealInterval(None, False, root, relation == ">")
