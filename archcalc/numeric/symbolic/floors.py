"""A normal form of floors: ⌊(p·H + a)/m⌋ + b, as much as possible taken out and no floor directly inside another.

For an integer X and m > 0: ⌊X + y⌋ = X + ⌊y⌋; ⌊(g·X + a)/(g·m)⌋ = ⌊(X + ⌊a/g⌋)/m⌋;
⌊(⌊y⌋ + X)/m⌋ = ⌊(y + X)/m⌋ for any y; ⌊(−X + a)/m⌋ = −⌊(X − a + m − 1)/m⌋. A divisor m may have symbols.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, gcd, lcm

from archcalc.numeric.helpers import is_plain
from archcalc.numeric.symbolic.number import (
    UNIT,
    Monomial,
    Number,
    SymbolContext,
    SymbolicNumber,
    Terms,
    from_terms,
    is_integer,
    is_integer_monomial,
    ordered_terms,
    terms_of,
)
from archcalc.numeric.symbolic.quotients import over_common_divisor


def floor_of(context: SymbolContext, number: Number) -> Number:
    """Return ⌊number⌋."""
    if is_plain(number):
        return floor(number)
    integral, rest = _split(number.terms)
    outside = from_terms(context, integral)
    inside = from_terms(context, rest)
    if is_plain(inside):
        return outside + floor(inside)
    divisor = _denominator(rest)
    if not all(map(is_integer_monomial, rest)):
        numerator, common = over_common_divisor(context, rest)
        if isinstance(common, SymbolicNumber) and not _may_be_negative(context, rest):
            return outside + floor_quotient(context, numerator, common)
        return outside + _floor_atom(context, inside * divisor, divisor)
    leading, is_nested = _leading(inside)
    if rest[leading] < 0:
        return outside - floor_of(context, Fraction(divisor - 1, divisor) - inside)
    taken: Terms = {m: floor(c) for m, c in rest.items() if floor(c)}
    if taken:
        multiples = from_terms(context, taken)
        return outside + multiples + floor_of(context, inside - multiples)
    if is_nested:
        top, bottom = leading[0][0].args
        others = inside - SymbolicNumber(context, {leading: rest[leading]})
        return outside + context.floor_div(top + others * bottom * divisor, bottom * divisor)
    return outside + _lowest_terms(context, rest)


def floor_quotient(context: SymbolContext, number: Number, divisor: SymbolicNumber) -> Number:
    """Return ⌊number/divisor⌋ for a positive divisor with symbols."""
    exact = context.quotient(number, divisor)
    if is_integer(exact):
        return exact
    sign = number.terms[_leading(number)[0]] if isinstance(number, SymbolicNumber) else number
    if sign < 0 and is_integer(number) and is_integer(divisor):
        return -floor_quotient(context, divisor - 1 - number, divisor)
    if len(divisor.terms) > 1:
        return _floor_atom(context, number, divisor)
    outside: Terms = {}
    inside: Terms = {}
    for monomial, coefficient in terms_of(exact).items():
        is_outside = type(coefficient) is int and is_integer_monomial(monomial)
        (outside if is_outside else inside)[monomial] = coefficient
    numerator = from_terms(context, inside) * divisor
    if isinstance(numerator, SymbolicNumber):
        leading, is_nested = _leading(numerator)
        if is_nested and numerator.terms[leading] == 1:
            top, bottom = leading[0][0].args  # ⌊(⌊x/n⌋ + r)/m⌋ = ⌊(x + r·n)/(n·m)⌋
            rest = numerator - SymbolicNumber(context, {leading: 1})
            return from_terms(context, outside) + context.floor_div(top + rest * bottom, bottom * divisor)
    return from_terms(context, outside) + _floor_atom(context, numerator, divisor)


def _split(terms: Terms) -> tuple[Terms, Terms]:
    """Split terms into integers, which may be taken out of a floor, and the rest."""
    integral: Terms = {}
    rest: Terms = {}
    for monomial, coefficient in terms.items():
        if is_integer_monomial(monomial):
            taken = floor(coefficient) if not monomial else coefficient if type(coefficient) is int else 0
            if taken:
                integral[monomial] = taken
            if coefficient != taken:
                rest[monomial] = coefficient - taken
        else:
            rest[monomial] = coefficient
    return integral, rest


def _denominator(terms: Terms) -> int:
    """Return the least common denominator of coefficients."""
    return lcm(*(Fraction(coefficient).denominator for coefficient in terms.values()))


def _may_be_negative(context: SymbolContext, terms: Terms) -> bool:
    """Return whether a divisor in terms such as H/S − K/S may be negative."""
    divisors = {atom for monomial in terms for atom, power in monomial if power < 0 or atom.op == "reciprocal"}
    lows = [context.atom_bounds(atom)[0] for atom in divisors]
    return any(low is None or low < 0 for low in lows)


def _leading(number: SymbolicNumber) -> tuple[Monomial, bool]:
    """Return the term whose sign the argument of a floor takes, and whether it is a floor to be merged with the outer.

    It is the only floor in the number, if that has the coefficient ±1 over the common denominator.
    """
    floors = [monomial for monomial in number.terms if any(atom.op == "floor" for atom, _ in monomial)]
    if len(floors) == 1:
        (monomial,) = floors
        is_unit = abs(Fraction(number.terms[monomial])) * _denominator(number.terms) == 1
        if is_unit and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial, True
    return next(ordered_terms(number))[0], False


def _lowest_terms(context: SymbolContext, rest: Terms) -> Number:
    """Return the floor of integer monomials with coefficients between 0 and 1 and a constant, in lowest terms."""
    divisor = lcm(*(Fraction(c).denominator for m, c in rest.items() if m))
    numerators = {m: int(c * divisor) for m, c in rest.items() if m}
    common = gcd(divisor, *numerators.values())
    divisor //= common
    terms: Terms = {m: n // common for m, n in numerators.items()}
    constant = floor(Fraction(rest.get(UNIT, 0)) * divisor)
    return _floor_atom(context, from_terms(context, terms) + constant, divisor)


def _floor_atom(context: SymbolContext, numerator: Number, divisor: Number) -> Number:
    return context.function("floor", (numerator, divisor), integer=True)
