"""What a number is like when its symbols grow: floors become fractions, and only the highest degree counts."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from archcalc.numeric.symbolic.number import Atom, Number, Symbolic, terms_of


def leading(number: Number, growing: Collection[str]) -> tuple[Number, int] | None:
    """The terms of the highest degree in these symbols, and that degree; ``None`` where it cannot be told."""
    smooth = _smooth(number, growing)
    if smooth is None:
        return None
    by_degree: dict[int, Number] = {}
    for monomial, coefficient in terms_of(smooth).items():
        degree = sum(exponent for atom, exponent in monomial if atom.op == "symbol" and atom.name in growing)
        term: Number = coefficient
        for atom, exponent in monomial:
            term = term * Symbolic(smooth.kind, {((atom, 1),): 1}) ** exponent
        by_degree[degree] = by_degree.get(degree, 0) + term
    if not by_degree:
        return None
    highest = max(by_degree)
    return by_degree[highest], highest


def _smooth(number: Number, growing: Collection[str]) -> Number | None:
    """The number without floors around what grows; ``None`` where something else is around it."""
    total: Number = 0
    for monomial, coefficient in terms_of(number).items():
        term: Number = coefficient
        for atom, exponent in monomial:
            factor = _smooth_atom(atom, number, growing)
            if factor is None:
                return None
            term = term * factor**exponent
        total = total + term
    return total


def _smooth_atom(atom: Atom, number: Symbolic, growing: Collection[str]) -> Number | None:
    itself = Symbolic(number.kind, {((atom, 1),): 1})
    if atom.op == "symbol" or not any(symbol.name in growing for symbol in atom.symbols):
        return itself
    if atom.op != "floor":
        return None
    parts = [_smooth(arg, growing) for arg in atom.args]
    top, bottom = parts
    if top is None or bottom is None:
        return None
    return number.kind.quotient(top, bottom) if isinstance(bottom, Symbolic) else top * (Fraction(1) / bottom)
