"""Comparisons of numbers with 0: their simplest form, and where they hold."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from archcalc.numeric.helpers import is_plain, normal
from archcalc.numeric.symbolic.domain import Domain, Interval
from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Comparison,
    Plain,
    Relation,
    Symbolic,
    content,
    is_whole,
    ordered_terms,
)
from archcalc.numeric.symbolic.reach import Steady, evaluate


def simplest(relation: Relation, value: Symbolic) -> Comparison | bool:
    """The comparison in whole, coprime terms, without a floor around it; a ``bool`` where that tells it all."""
    scale = content([c for m, c in value.terms.items() if m])
    leading = next(ordered_terms(value))[1]
    turned = relation in ("==", "!=") and leading < 0
    value = value * ((-1 if turned else 1) * Fraction(1) / scale)
    rest = value.constant
    if is_whole(value - rest):
        if relation == ">" and type(rest) is int:
            relation, value = ">=", value - 1
        elif type(rest) is not int:
            if relation in ("==", "!="):
                return relation == "!="
            relation, value = ">=", value - rest + floor(rest)
    opened = _opened_floor(value) if relation == ">=" else None
    return Comparison(relation, value) if opened is None else simplest(relation, opened)


def _opened_floor(value: Symbolic) -> Symbolic | None:
    """x − n·m where the value is ⌊x/m⌋ − n: both are at least 0 at once."""
    floors = [monomial for monomial in value.terms if monomial]
    if len(floors) == 1 and len(floors[0]) == 1 and value.terms[floors[0]] == 1 and type(value.constant) is int:
        ((atom, exponent),) = floors[0]
        if atom.op == "floor" and exponent == 1:
            opened = atom.args[0] + atom.args[1] * value.constant
            return opened if isinstance(opened, Symbolic) else None
    return None


def told(relation: Relation, low: Plain | None, high: Plain | None) -> bool | None:
    """Whether what lies within these bounds relates to 0 so; ``None`` if they do not tell."""
    if relation in ("==", "!="):
        apart = (low is not None and low > 0) or (high is not None and high < 0)
        return relation == "!=" if apart else None
    if low is not None and (low > 0 or (low == 0 and relation == ">=")):
        return True
    if high is not None and (high < 0 or (high == 0 and relation == ">")):
        return False
    return None


def periodic(part: Comparison, symbol: Atom, found: Steady) -> Domain | None:
    """Where a comparison of a steady number of one whole symbol holds."""
    period, rise = found
    classes = []
    for residue in range(period):
        bounds = _where(part.relation, evaluate(part.value, {symbol: residue}), rise)
        if bounds == "all but one":
            return None
        classes.append(_stretched(bounds, residue, period))
    return Domain(tuple(classes)).reduced()


def _where(relation: Relation, value: Plain, rise: Plain) -> Any:
    """The q for which value + q·rise relates to 0 so: bounds, ``None`` for no q."""
    if rise == 0:
        holds = {"==": value == 0, "!=": value != 0, ">=": value >= 0, ">": value > 0}[relation]
        return (None, None) if holds else None
    root = Fraction(-value) / rise
    if relation == "==":
        return (root.numerator, root.numerator) if root.denominator == 1 else None
    if relation == "!=":
        return "all but one" if root.denominator == 1 else (None, None)
    strict = relation == ">" and root.denominator == 1
    if rise > 0:
        return -floor(-root) + strict, None
    return None, floor(root) - strict


def _stretched(found: Any, residue: int, period: int) -> tuple[int | None, int | None] | None:
    """Bounds of q as bounds of residue + q·period."""
    if found is None:
        return None
    low, high = found
    return None if low is None else residue + low * period, None if high is None else residue + high * period


def linear(part: Comparison, symbol: Atom) -> Interval | None:
    """Where a linear number of a real symbol, or the floor of one, relates to 0 so."""
    terms = dict(part.value.terms)
    constant = terms.pop(UNIT, 0)
    if len(terms) != 1:
        return None
    ((monomial, slope),) = terms.items()
    if len(monomial) != 1 or monomial[0][1] != 1:
        return None
    atom, relation = monomial[0][0], part.relation
    if atom.op == "floor" and is_plain(atom.args[1]) and relation in (">=", ">"):
        inside = atom.args[0] * (Fraction(1) / atom.args[1])
        root = Fraction(-constant) / slope
        strict = relation == ">" and root.denominator == 1
        if slope > 0:  # ⌊y⌋ ≥ n where y ≥ n
            return linear(Comparison(">=", inside - (-floor(-root) + strict)), symbol)
        return linear(Comparison(">", floor(root) - strict + 1 - inside), symbol)  # ⌊y⌋ ≤ n where y < n + 1
    if atom is not symbol or relation == "!=":
        return None
    root = normal(Fraction(-constant) / slope)
    if relation == "==":
        return Interval(root, False, root, False)
    return Interval(root, relation == ">") if slope > 0 else Interval(None, False, root, relation == ">")
