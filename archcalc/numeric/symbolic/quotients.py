"""Exact quotients of numbers with symbols."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from archcalc.numeric.helpers import is_plain, simplified
from archcalc.numeric.symbolic.number import (
    Atom,
    Number,
    SymbolContext,
    SymbolicNumber,
    Terms,
    content,
    from_atom,
    from_terms,
    inverse_of_monomial,
    ordered_terms,
    product_of_monomials,
    terms_of,
)


def quotient(context: SymbolContext, a: Number, b: Number) -> Number:
    """Return a/b: with negative exponents where b is one term, a polynomial where b divides a, else a times 1/b."""
    if is_plain(b):
        return simplified(a * (Fraction(1) / b))
    if is_plain(a) and a == 0:
        return 0
    if len(b.terms) == 1:
        ((monomial, coefficient),) = b.terms.items()
        if all(atom.op != "truth" for atom, _ in monomial):
            return a * SymbolicNumber(context, {inverse_of_monomial(monomial): simplified(Fraction(1) / coefficient)})
    polynomial = _polynomial_quotient(context, a, b)
    if polynomial is not None:
        return polynomial
    scale = Fraction(1) / content(b.terms.values())
    return a * context.function("reciprocal", (b * scale,), integer=False) * scale


def over_common_divisor(context: SymbolContext, terms: Terms) -> tuple[Number, Number]:
    """Return terms such as H/S − K/S as a numerator and the least common divisor: H − K and S."""
    powers: dict[Atom, int] = {}
    for monomial in terms:
        for atom, exponent in monomial:
            powers[atom] = max(powers.get(atom, 0), exponent if atom.op == "reciprocal" else -exponent)
    bases = {atom: atom.args[0] if atom.op == "reciprocal" else from_atom(context, atom) for atom in powers}
    scale = lcm(*(Fraction(coefficient).denominator for coefficient in terms.values()))
    numerator: Number = 0
    divisor: Number = scale
    for atom, power in powers.items():
        divisor = divisor * bases[atom] ** power
    for monomial, coefficient in terms.items():
        exponents = dict(monomial)
        term: Number = int(coefficient * scale)
        for atom, power in powers.items():
            exponent = exponents.get(atom, 0)
            term = term * bases[atom] ** (power - exponent if atom.op == "reciprocal" else power + exponent)
        numerator = numerator + term
    return numerator, divisor


def _polynomial_quotient(context: SymbolContext, a: Number, b: SymbolicNumber) -> Number | None:
    """Return a/b by long division of polynomials; ``None`` where a remainder is left."""
    leading, coefficient = next(ordered_terms(b))
    inverse = inverse_of_monomial(leading)
    result: Number = 0
    rest: Number = a
    for _ in range(len(terms_of(a)) + 1):
        if is_plain(rest):
            return result if rest == 0 else None
        top, number = next(ordered_terms(rest))
        factor = product_of_monomials(top, inverse)
        if any(exponent < 0 for _, exponent in factor):
            return None
        term = from_terms(context, {factor: simplified(Fraction(number) / coefficient)})
        result, rest = result + term, rest - term * b
    return None
