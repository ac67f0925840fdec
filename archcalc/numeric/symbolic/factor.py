"""The shortest form of a sum: common factors outside of brackets where that makes it shorter.

``81456·H·W + 2048000`` stays as it is, ``NIC·NF·k² + 8·NF²·k²`` becomes ``k²·NF·(NIC + 8·NF)``. Sums of more than two
terms are factored by SymPy, which is imported only then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from archcalc.numeric.helpers import is_plain, simplified
from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Monomial,
    Number,
    Plain,
    SymbolicNumber,
    Terms,
    add_term,
    atoms_of,
    content,
    from_terms,
    inverse_of_monomial,
    ordered_monomial,
    ordered_terms,
    product_of_monomials,
    terms_of,
)

MAX_TERMS_TO_FACTOR = 48
MAX_COEFFICIENT_INSIDE = 20
"""The largest coefficient in brackets: 64·(147·x + 3328·y) is no easier to read than 9408·x + 212992·y."""
MAX_COMPLETED = 1000
"""The largest constant in (F + r)·(G + q)."""
MAX_ATOMS_TO_FACTOR = 8
MAX_DEGREE_TO_FACTOR = 12


class FactorProduct(NamedTuple):
    """A coefficient, atoms with exponents, and sums with exponents, multiplied."""

    coefficient: Plain
    monomial: Monomial
    sums: tuple[tuple[FactorSum, int], ...] = ()


class FactorSum(NamedTuple):
    """Products, added."""

    parts: tuple[FactorProduct, ...]


def expanded(number: Number) -> FactorSum:
    """Return the terms one by one."""
    return FactorSum(tuple(FactorProduct(coefficient, monomial) for monomial, coefficient in ordered_terms(number)))


def shortest(number: Number) -> FactorSum:
    """Return the shortest form that is found."""
    plain_sum = expanded(number)
    if is_plain(number) or len(number.terms) < 2:
        return plain_sum
    divisors = tuple((atom, e) for atom, e in _common(number)[1] if atom.op == "reciprocal")
    if divisors:
        return FactorSum((FactorProduct(1, divisors, ((shortest(_without(number, 1, divisors)), 1),)),))
    if len(number.terms) > MAX_TERMS_TO_FACTOR:
        return plain_sum
    return min((_factored(number), _completed(number), plain_sum, _collected(number)), key=_length)


def _has_small_coefficients(number: Number) -> bool:
    """Return whether a sum is suitable as a factor in brackets."""
    return all(type(c) is int and abs(c) <= MAX_COEFFICIENT_INSIDE for c in terms_of(number).values())


def _length(tree: FactorSum) -> int:
    """Return about how many characters a sum takes."""
    return sum(map(_product_length, tree.parts)) + 3 * (len(tree.parts) - 1)


def _product_length(product: FactorProduct) -> int:
    number = Fraction(product.coefficient)
    digits = 0 if abs(number) == 1 else len(str(abs(number)))
    atoms = sum(_atom_length(atom) + (abs(exponent) > 1) + 1 for atom, exponent in product.monomial)
    return digits + atoms + sum(_length(inner) + 2 + (exponent > 1) for inner, exponent in product.sums)


def _atom_length(atom: Atom) -> int:
    return len(atom.name) if atom.op == "symbol" else 4 * atom.weight


def _common(number: SymbolicNumber) -> tuple[Plain, Monomial]:
    """Return the content, with the sign of the leading term, and the greatest common divisor of the monomials."""
    scale = content(number.terms.values())
    leading = next(ordered_terms(number))[1]
    shared = dict(next(iter(number.terms)))
    for monomial in number.terms:
        exponents = dict(monomial)
        shared = {atom: min(shared.get(atom, 0), exponents.get(atom, 0)) for atom in {**shared, **exponents}}
    return (-scale if leading < 0 else scale), ordered_monomial(shared)


def _without(number: SymbolicNumber, scale: Plain, monomial: Monomial) -> Number:
    """Return number/(scale·monomial)."""
    inverse = inverse_of_monomial(monomial)
    terms = {product_of_monomials(m, inverse): simplified(Fraction(c) / scale) for m, c in number.terms.items()}
    return from_terms(number.kind, terms)


def _factored(number: SymbolicNumber) -> FactorSum:
    """Return the common factor of all terms times the irreducible factors of the rest."""
    scale, monomial = _common(number)
    rest = _without(number, scale, monomial)
    factors = _factors(rest) if isinstance(rest, SymbolicNumber) else []
    if len(factors) > 1 or any(times > 1 for _, times in factors) or _has_small_coefficients(rest):
        if not all(_has_small_coefficients(base) for base, _ in factors):
            return expanded(number)
        return FactorSum((FactorProduct(scale, monomial, tuple((_inner(base), times) for base, times in factors)),))
    if not monomial:
        return expanded(number)
    return FactorSum((FactorProduct(1, monomial, ((_inner(_without(number, 1, monomial)), 1),)),))


def _inner(number: Number) -> FactorSum:
    """Return the form of a sum in brackets."""
    return min((expanded(number), _collected(number)), key=_length)


def _completed(number: SymbolicNumber) -> FactorSum:
    """Return p·F·G + q·F + r·G as p·(F + r/p)·(G + q/p) − q·r/p, where q/p and r/p are small integers."""
    terms = dict(number.terms)
    products: list[FactorProduct] = []
    for monomial, p in list(ordered_terms(number)):
        if len(monomial) != 2 or any(exponent != 1 for _, exponent in monomial):
            continue
        first, second = ((factor,) for factor in monomial)
        q, r = Fraction(terms.get(first, 0)) / p, Fraction(terms.get(second, 0)) / p
        if q and r and q.denominator == r.denominator == 1 and max(abs(q), abs(r)) <= MAX_COMPLETED:
            del terms[monomial], terms[first], terms[second]
            add_term(terms, UNIT, simplified(-q * r * p))
            left = SymbolicNumber(number.kind, {first: 1, UNIT: r.numerator})
            right = SymbolicNumber(number.kind, {second: 1, UNIT: q.numerator})
            products.append(FactorProduct(p, (), ((expanded(left), 1), (expanded(right), 1))))
    return FactorSum((*products, *expanded(from_terms(number.kind, terms)).parts)) if products else expanded(number)


def _factors(number: SymbolicNumber) -> list[tuple[SymbolicNumber, int]]:
    """Return the irreducible factors, with exponents, of a sum whose terms have none in common."""
    atoms = atoms_of(number)
    degree = max(sum(exponent for _, exponent in monomial) for monomial in number.terms)
    is_irreducible = degree < 2 or (len(number.terms) == 2 and all(e == 1 for m in number.terms for _, e in m))
    if is_irreducible or degree > MAX_DEGREE_TO_FACTOR or len(atoms) > MAX_ATOMS_TO_FACTOR:
        return [(number, 1)]
    return _sympy_factors(number, atoms)


def _sympy_factors(number: SymbolicNumber, atoms: Sequence[Atom]) -> list[tuple[SymbolicNumber, int]]:
    """Return the factors of a polynomial with coprime integer coefficients over these atoms."""
    from sympy import Dummy, Poly  # a third of a second: only for what needs it

    generators = [Dummy(f"a{atom.index}") for atom in atoms]
    unit, factors = Poly.from_dict(exponent_rows(number, atoms), *generators).factor_list()
    found = [
        (SymbolicNumber(number.kind, terms_of_rows(factor.as_dict(), atoms)), int(times)) for factor, times in factors
    ]
    if unit == -1:
        base, times = found[0]
        found[0:1] = [(-base, 1), *([(base, times - 1)] if times > 1 else [])]
    return sorted(found, key=lambda factor: atoms_of(factor[0])[0].index)


def exponent_rows(number: Number, atoms: Sequence[Atom]) -> dict[tuple[int, ...], Plain]:
    """Return the coefficients of a polynomial by the exponents of these atoms, as SymPy takes them."""
    return {tuple(dict(m).get(atom, 0) for atom in atoms): c for m, c in terms_of(number).items()}


def terms_of_rows(rows: dict[tuple[int, ...], object], atoms: Sequence[Atom]) -> Terms:
    """Return the terms of a polynomial from coefficients as SymPy gives them."""
    return {
        tuple((atom, int(e)) for atom, e in zip(atoms, exponents, strict=True) if e): simplified(
            Fraction(str(coefficient))
        )
        for exponents, coefficient in rows.items()
    }


def _collected(number: Number) -> FactorSum:
    """Return a sum with terms that have an atom in common collected in brackets, where that is shorter."""
    plain_sum = expanded(number)
    if is_plain(number) or not 2 < len(number.terms) <= MAX_TERMS_TO_FACTOR:
        return plain_sum
    counts = Counter(atom for monomial in number.terms for atom, exponent in monomial if exponent > 0)
    best, best_length = plain_sum, _length(plain_sum)
    for atom, count in counts.most_common(3):
        if count < 2 or count == len(number.terms):
            continue
        inside = {m: c for m, c in number.terms.items() if any(a is atom and e > 0 for a, e in m)}
        outside = {m: c for m, c in number.terms.items() if m not in inside}
        grouped = SymbolicNumber(number.kind, inside)
        scale, monomial = _common(grouped)
        forms = [
            FactorProduct(taken, monomial, ((_collected(rest), 1),))
            for taken in (scale, 1)
            if _has_small_coefficients(rest := _without(grouped, taken, monomial))
        ]
        if forms:
            together = FactorSum((min(forms, key=_product_length), *_collected(from_terms(number.kind, outside)).parts))
            if _length(together) < best_length:
                best, best_length = together, _length(together)
    return best


def denominators(number: Number) -> tuple[int, Monomial]:
    """Return the least scale and monomial whose product with a number has integer coefficients and exponents ≥ 0."""
    lowest: dict[Atom, int] = {}
    for monomial in terms_of(number):
        for atom, exponent in monomial:
            lowest[atom] = max(lowest.get(atom, 0), -exponent)
    scale = lcm(*(Fraction(coefficient).denominator for coefficient in terms_of(number).values()))
    return scale, ordered_monomial(lowest)
