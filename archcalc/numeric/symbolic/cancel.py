"""Quotients in lowest terms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from archcalc.numeric.helpers import is_plain, simplified
from archcalc.numeric.symbolic.factor import denominators, exponent_rows, terms_of_rows
from archcalc.numeric.symbolic.number import (
    Atom,
    Number,
    SymbolicNumber,
    atoms_of,
    from_terms,
    ordered_monomial,
    terms_of,
)


def cancel(a: Number, b: Number) -> Number:
    """Return a/b in lowest terms, with negative exponents where the divisor comes down to one term.

    ``None`` for b = 0.
    """
    if is_plain(b):
        return simplified(a * (Fraction(1) / b)) if b else None
    exact = b.kind.quotient(a, b)
    if not any(atom.op == "reciprocal" for monomial in terms_of(exact) for atom, _ in monomial):
        return exact
    atoms = atoms_of(a, b)
    scales = [denominators(number) for number in (a, b)]
    exponents = dict.fromkeys(atoms, 0)
    for _, monomial in scales:
        for atom, exponent in monomial:
            exponents[atom] = max(exponents[atom], exponent)
    common = SymbolicNumber(b.kind, {ordered_monomial(exponents): lcm(*(scale for scale, _ in scales))})
    top, bottom = _cancel_polynomials(a * common, b * common, atoms)
    return b.kind.quotient(top, bottom)


def _cancel_polynomials(a: Number, b: SymbolicNumber, atoms: Sequence[Atom]) -> tuple[Number, Number]:
    """Return two polynomials over these atoms, divided by their greatest common divisor."""
    from sympy import Dummy, Poly  # a third of a second: only for what needs it

    generators = [Dummy(f"a{atom.index}") for atom in atoms]
    over, under = (Poly.from_dict(exponent_rows(each, atoms), *generators, domain="QQ") for each in (a, b))
    top, bottom = over.cancel(under, include=True)
    return tuple(from_terms(b.kind, terms_of_rows(each.as_dict(), atoms)) for each in (top, bottom))
