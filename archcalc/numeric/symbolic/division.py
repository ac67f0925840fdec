"""Quotients of numbers with symbols."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from archcalc.numeric.helpers import is_plain, normal
from archcalc.numeric.symbolic.number import Number, Symbolic, content, joined, make, ordered_terms, terms_of

if TYPE_CHECKING:
    from archcalc.numeric.symbolic.symbols import Symbols


def quotient(kind: Symbols, a: Number, b: Number) -> Number:
    """a/b, exactly: a polynomial where it comes out, a sum with negative exponents where b is one term."""
    if is_plain(b):
        return normal(a * (Fraction(1) / b))
    if is_plain(a) and a == 0:
        return 0
    if len(b.terms) == 1:
        ((monomial, coefficient),) = b.terms.items()
        if all(atom.op != "truth" for atom, _ in monomial):
            inverse = tuple((atom, -exponent) for atom, exponent in monomial)
            return a * Symbolic(kind, {inverse: normal(Fraction(1) / coefficient)})
    found = divided(kind, a, b)
    if found is not None:
        return found
    scale = Fraction(1) / content(b.terms.values())
    return a * kind.function("reciprocal", (b * scale,), whole=False) * scale


def divided(kind: Symbols, a: Number, b: Symbolic) -> Number | None:
    """a/b where it comes out without a remainder, by division of polynomials."""
    leading, coefficient = next(ordered_terms(b))
    inverse = tuple((atom, -exponent) for atom, exponent in leading)
    quotient: Number = 0
    rest: Number = a
    for _ in range(len(terms_of(a)) + 1):
        if is_plain(rest):
            return quotient if rest == 0 else None
        top, number = next(ordered_terms(rest))
        factor = joined(top, inverse)
        if any(exponent < 0 for _, exponent in factor):
            return None
        step = make(kind, {factor: normal(Fraction(number) / coefficient)})
        quotient, rest = quotient + step, rest - step * b
    return None
