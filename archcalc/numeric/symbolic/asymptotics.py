"""The asymptotic behaviour of numbers while symbols grow: ⌊a/b⌋ is a/b, and only the highest degree counts."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from archcalc.numeric.symbolic.number import Atom, Number, SymbolicNumber, from_atom, terms_of


def leading_terms(number: Number, growing: Collection[str]) -> tuple[Number, int] | None:
    """Return the terms of the highest degree in the growing symbols, and that degree.

    ``None`` for 0, and if growing symbols occur in functions other than floors.
    """
    smooth = _without_floors(number, growing)
    if smooth is None:
        return None
    by_degree: dict[int, Number] = {}
    for monomial, coefficient in terms_of(smooth).items():
        degree = sum(exponent for atom, exponent in monomial if atom.op == "symbol" and atom.name in growing)
        term: Number = coefficient
        for atom, exponent in monomial:
            term = term * from_atom(smooth.kind, atom) ** exponent
        by_degree[degree] = by_degree.get(degree, 0) + term
    if not by_degree:
        return None
    highest = max(by_degree)
    return by_degree[highest], highest


def _without_floors(number: Number, growing: Collection[str]) -> Number | None:
    """Return a number with ⌊a/b⌋ replaced by a/b; ``None`` for other functions of growing symbols."""
    total: Number = 0
    for monomial, coefficient in terms_of(number).items():
        term: Number = coefficient
        for atom, exponent in monomial:
            factor = _atom_without_floors(atom, number, growing)
            if factor is None:
                return None
            term = term * factor**exponent
        total = total + term
    return total


def _atom_without_floors(atom: Atom, number: SymbolicNumber, growing: Collection[str]) -> Number | None:
    itself = from_atom(number.kind, atom)
    if atom.op == "symbol" or not any(symbol.name in growing for symbol in atom.symbols):
        return itself
    if atom.op != "floor":
        return None
    parts = [_without_floors(arg, growing) for arg in atom.args]
    top, bottom = parts
    if top is None or bottom is None:
        return None
    return number.kind.quotient(top, bottom) if isinstance(bottom, SymbolicNumber) else top * (Fraction(1) / bottom)
