"""Floors in one form: ⌊(p·H + a)/m⌋ + b with nothing left to take out, and no floor directly inside another.

Used are, for whole X and m > 0: ⌊X + y⌋ = X + ⌊y⌋; ⌊(g·X + a)/(g·m)⌋ = ⌊(X + ⌊a/g⌋)/m⌋;
⌊(⌊y⌋ + X)/m⌋ = ⌊(y + X)/m⌋ for any y; ⌊(−X + a)/m⌋ = −⌊(X − a + m − 1)/m⌋.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, gcd, lcm
from typing import TYPE_CHECKING

from archcalc.numeric.helpers import is_plain
from archcalc.numeric.symbolic.number import (
    UNIT,
    Monomial,
    Number,
    Symbolic,
    Terms,
    is_whole,
    is_whole_monomial,
    make,
    ordered_terms,
    terms_of,
)

if TYPE_CHECKING:
    from archcalc.numeric.symbolic.symbols import Symbols


def floored(kind: Symbols, number: Number) -> Number:
    """⌊number⌋."""
    if is_plain(number):
        return floor(number)
    whole, rest = _parted(number.terms)
    outside = make(kind, whole)
    inside = make(kind, rest)
    if is_plain(inside):
        return outside + floor(inside)
    divisor = lcm(*(Fraction(coefficient).denominator for coefficient in rest.values()))
    if not all(map(is_whole_monomial, rest)):
        return outside + _atom(kind, inside * divisor, divisor)
    leading, alone = _leading(inside)
    if rest[leading] < 0:
        return outside - floored(kind, Fraction(divisor - 1, divisor) - inside)
    taken: Terms = {m: floor(c) for m, c in rest.items() if floor(c)}
    if taken:
        return outside + make(kind, taken) + floored(kind, inside - make(kind, taken))
    if alone:
        top, bottom = leading[0][0].args
        others = inside - Symbolic(kind, {leading: rest[leading]})
        return outside + kind.floor_div(top + others * bottom * divisor, bottom * divisor)
    return outside + _lowest(kind, rest)


def floor_quotient(kind: Symbols, number: Number, divisor: Symbolic) -> Number:
    """⌊number/divisor⌋ of a divisor with symbols, which is positive."""
    exact = kind.quotient(number, divisor)
    if is_whole(exact):
        return exact
    if len(divisor.terms) > 1:
        return _atom(kind, number, divisor)
    outside: Terms = {}
    inside: Terms = {}
    for monomial, coefficient in terms_of(exact).items():
        is_outside = type(coefficient) is int and is_whole_monomial(monomial)
        (outside if is_outside else inside)[monomial] = coefficient
    numerator = make(kind, inside) * divisor
    if isinstance(numerator, Symbolic):
        leading, alone = _leading(numerator)
        if alone and numerator.terms[leading] == 1:
            top, bottom = leading[0][0].args  # ⌊(⌊x/n⌋ + r)/m⌋ = ⌊(x + r·n)/(n·m)⌋
            rest = numerator - Symbolic(kind, {leading: 1})
            return make(kind, outside) + kind.floor_div(top + rest * bottom, bottom * divisor)
    return make(kind, outside) + _atom(kind, numerator, divisor)


def _parted(terms: Terms) -> tuple[Terms, Terms]:
    """The whole terms, which may be taken out of a floor, and those that stay."""
    whole: Terms = {}
    rest: Terms = {}
    for monomial, coefficient in terms.items():
        if is_whole_monomial(monomial):
            taken = floor(coefficient) if not monomial else coefficient if type(coefficient) is int else 0
            if taken:
                whole[monomial] = taken
            if coefficient != taken:
                rest[monomial] = coefficient - taken
        else:
            rest[monomial] = coefficient
    return whole, rest


def _leading(number: Symbolic) -> tuple[Monomial, bool]:
    """The term that decides the sign of a floor, and whether it is the only floor, once: then it can be opened."""
    divisor = lcm(*(Fraction(coefficient).denominator for coefficient in number.terms.values()))
    floors = [monomial for monomial in number.terms if any(atom.op == "floor" for atom, _ in monomial)]
    if len(floors) == 1:
        (monomial,) = floors
        once = abs(Fraction(number.terms[monomial])) * divisor == 1
        if once and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial, True
    return next(ordered_terms(number))[0], False


def _lowest(kind: Symbols, rest: Terms) -> Number:
    """A floor in lowest terms: of whole monomials with coefficients between 0 and 1, and a constant."""
    divisor = lcm(*(Fraction(c).denominator for m, c in rest.items() if m))
    numerators = {m: int(c * divisor) for m, c in rest.items() if m}
    common = gcd(divisor, *numerators.values())
    divisor //= common
    terms: Terms = {m: n // common for m, n in numerators.items()}
    constant = floor(Fraction(rest.get(UNIT, 0)) * divisor)
    return _atom(kind, make(kind, terms) + constant, divisor)


def _atom(kind: Symbols, numerator: Number, divisor: Number) -> Number:
    return kind.function("floor", (numerator, divisor), whole=True)
