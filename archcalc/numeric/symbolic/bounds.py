"""Bounds of numbers over all that their symbols may be, by interval arithmetic."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Bounds,
    Monomial,
    Number,
    Plain,
    SymbolContext,
    SymbolicNumber,
    add_term,
    product_of_monomials,
    terms_of,
)

MAX_SHIFTED_TERMS = 40
MAX_SHIFTED_EXPONENT = 4


def bounds(context: SymbolContext, number: Number) -> Bounds:
    """Return bounds of a number, term by term."""
    low: Plain | None = 0
    high: Plain | None = 0
    for monomial, coefficient in terms_of(number).items():
        ends = _monomial_bounds(context, monomial)
        least, most = ends if coefficient > 0 else (ends[1], ends[0])
        low = None if low is None or least is None else low + coefficient * least
        high = None if high is None or most is None else high + coefficient * most
        if low is None and high is None:
            break
    return low, high


def _monomial_bounds(context: SymbolContext, monomial: Monomial) -> Bounds:
    if not monomial:
        return 1, 1
    if len(monomial) == 1 and monomial[0][1] == 1:
        return context.atom_bounds(monomial[0][0])
    low: Plain = 1
    high: Plain | None = 1
    for atom, exponent in monomial:
        least, most = context.atom_bounds(atom)
        if least is None or least < 0:
            return None, None
        if exponent < 0:
            inverse = Fraction(1) / least if least > 0 else None
            least, most = (Fraction(1) / most if most else 0), inverse
        power = abs(exponent)
        low = low * least**power
        high = None if high is None or most is None else high * most**power
    return low, high


def function_bounds(context: SymbolContext, atom: Atom) -> Bounds:
    """Return bounds of an atom that is not a symbol, from those of its arguments."""
    if atom.op == "truth":
        return 0, 1
    ends = [bounds(context, arg) for arg in atom.args]
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


def shifted_bounds(context: SymbolContext, number: SymbolicNumber) -> Bounds:
    """Return bounds of a polynomial in u ≥ 0, where each atom y is replaced by least(y) + u.

    Term by term H·W − H has no bound; with H = 1 + u and W = 1 + v it is (1 + u)·v, and its least value is 0.
    """
    if len(number.terms) > MAX_SHIFTED_TERMS:
        return None, None
    total: dict[Monomial, Plain] = {}
    for monomial, coefficient in number.terms.items():
        expansion: dict[Monomial, Plain] = {UNIT: coefficient}
        for atom, exponent in monomial:
            least = context.atom_bounds(atom)[0]
            if least is None or not 0 < exponent <= MAX_SHIFTED_EXPONENT:
                return None, None
            for _ in range(exponent):
                times_atom: dict[Monomial, Plain] = {}
                for term, factor in expansion.items():
                    add_term(times_atom, product_of_monomials(term, ((atom, 1),)), factor)
                    if least:
                        add_term(times_atom, term, factor * least)
                expansion = times_atom
        for term, factor in expansion.items():
            add_term(total, term, factor)
    constant = total.pop(UNIT, 0)
    low = constant if all(factor > 0 for factor in total.values()) else None
    return low, constant if all(factor < 0 for factor in total.values()) else None
