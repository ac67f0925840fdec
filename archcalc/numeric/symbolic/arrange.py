"""Sums as people write them: what is common stands outside of brackets, where that makes it shorter.

``81456·H·W + 2048000`` stays as it is, ``NIC·NF·k² + 8·NF²·k²`` becomes ``k²·NF·(NIC + 8·NF)``. SymPy factors what has
more than a few terms; it is imported only then.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from archcalc.numeric.helpers import is_plain, normal
from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Monomial,
    Number,
    Plain,
    Symbolic,
    Terms,
    accumulate,
    content,
    joined,
    make,
    ordered_terms,
    terms_of,
)

MOST_TO_FACTOR = 48
"""Terms of a sum that is worth looking for factors."""
LARGEST_INSIDE = 20
"""Coefficients within brackets."""
LARGEST_COMPLETED = 1000
"""Constants beside a symbol that make a product of two sums."""
MOST_FACTORING = (8, 12)
"""Atoms, and the degree, of a sum that is given to SymPy."""


class Product(NamedTuple):
    """A coefficient, atoms with exponents, and sums with exponents, multiplied."""

    coefficient: Plain
    monomial: Monomial
    sums: tuple[tuple[Sum, int], ...] = ()


class Sum(NamedTuple):
    """Products, added."""

    parts: tuple[Product, ...]


def expanded(number: Number) -> Sum:
    """The terms one by one."""
    return Sum(tuple(Product(coefficient, monomial) for monomial, coefficient in ordered_terms(number)))


def arranged(number: Number) -> Sum:
    """The shortest form that was found."""
    plainly = expanded(number)
    if is_plain(number) or len(number.terms) < 2:
        return plainly
    divisors = tuple((atom, e) for atom, e in _common(number)[1] if atom.op == "reciprocal")
    if divisors:
        return Sum((Product(1, divisors, ((arranged(_without(number, 1, divisors)), 1),)),))
    if len(number.terms) > MOST_TO_FACTOR:
        return plainly
    return min((_factored(number), _completed(number), plainly, _collected(number)), key=_length)


def _reads_well(number: Number) -> bool:
    """Whether a sum may stand in brackets: nobody takes 64 out of 9408·x + 212992·y."""
    return all(type(c) is int and abs(c) <= LARGEST_INSIDE for c in terms_of(number).values())


def _length(tree: Sum) -> int:
    """About how long a sum is once written."""
    return sum(map(_product_length, tree.parts)) + 3 * (len(tree.parts) - 1)


def _product_length(product: Product) -> int:
    number = Fraction(product.coefficient)
    digits = 0 if abs(number) == 1 else len(str(abs(number)))
    atoms = sum(_atom_length(atom) + (abs(exponent) > 1) + 1 for atom, exponent in product.monomial)
    return digits + atoms + sum(_length(inner) + 2 + (exponent > 1) for inner, exponent in product.sums)


def _atom_length(atom: Atom) -> int:
    return len(atom.name) if atom.op == "symbol" else 4 * atom.weight


def _common(number: Symbolic) -> tuple[Plain, Monomial]:
    """The content and the atoms that all terms share (with the lowest exponents)."""
    scale = content(number.terms.values())
    leading = next(ordered_terms(number))[1]
    shared = dict(next(iter(number.terms)))
    for monomial in number.terms:
        exponents = dict(monomial)
        shared = {atom: min(shared.get(atom, 0), exponents.get(atom, 0)) for atom in {**shared, **exponents}}
    kept = sorted(((atom, e) for atom, e in shared.items() if e), key=lambda factor: factor[0].index)
    return (-scale if leading < 0 else scale), tuple(kept)


def _without(number: Symbolic, scale: Plain, monomial: Monomial) -> Number:
    inverse = tuple((atom, -exponent) for atom, exponent in monomial)
    return make(number.kind, {joined(m, inverse): normal(Fraction(c) / scale) for m, c in number.terms.items()})


def _factored(number: Symbolic) -> Sum:
    """What all terms share outside, and the rest as a product of sums."""
    scale, monomial = _common(number)
    rest = _without(number, scale, monomial)
    factors = _factors(rest) if isinstance(rest, Symbolic) else []
    if len(factors) > 1 or any(times > 1 for _, times in factors) or _reads_well(rest):
        if not all(_reads_well(base) for base, _ in factors):
            return expanded(number)
        return Sum((Product(scale, monomial, tuple((_inner(base), times) for base, times in factors)),))
    if not monomial:
        return expanded(number)
    return Sum((Product(1, monomial, ((_inner(_without(number, 1, monomial)), 1),)),))


def _inner(number: Number) -> Sum:
    """A sum in brackets."""
    return min((expanded(number), _collected(number)), key=_length)


def _completed(number: Symbolic) -> Sum:
    """p·F·G + q·F + r·G as p·(F + r/p)·(G + q/p) and a constant, where that comes out whole."""
    terms = dict(number.terms)
    products: list[Product] = []
    for monomial, p in list(ordered_terms(number)):
        if len(monomial) != 2 or any(exponent != 1 for _, exponent in monomial):
            continue
        first, second = ((factor,) for factor in monomial)
        q, r = Fraction(terms.get(first, 0)) / p, Fraction(terms.get(second, 0)) / p
        if q and r and q.denominator == r.denominator == 1 and max(abs(q), abs(r)) <= LARGEST_COMPLETED:
            del terms[monomial], terms[first], terms[second]
            accumulate(terms, UNIT, normal(-q * r * p))
            left = Symbolic(number.kind, {first: 1, UNIT: r.numerator})
            right = Symbolic(number.kind, {second: 1, UNIT: q.numerator})
            products.append(Product(p, (), ((expanded(left), 1), (expanded(right), 1))))
    return Sum((*products, *expanded(make(number.kind, terms)).parts)) if products else expanded(number)


def _factors(number: Symbolic) -> list[tuple[Symbolic, int]]:
    """The irreducible factors of a sum whose terms share nothing, with exponents; the sum itself, if it has none."""
    atoms = sorted({atom for monomial in number.terms for atom, _ in monomial}, key=lambda atom: atom.index)
    degree = max(sum(exponent for _, exponent in monomial) for monomial in number.terms)
    once = len(number.terms) == 2 and all(e == 1 for monomial in number.terms for _, e in monomial)
    most_atoms, most_degree = MOST_FACTORING
    if once or degree < 2 or degree > most_degree or len(atoms) > most_atoms:
        return [(number, 1)]
    return sympy_factors(number, atoms)


def sympy_factors(number: Symbolic, atoms: list[Atom]) -> list[tuple[Symbolic, int]]:
    """The factors of a polynomial with whole, coprime coefficients over these atoms."""
    from sympy import Dummy, Poly  # a third of a second: only for what needs it

    gens = [Dummy(f"a{atom.index}") for atom in atoms]
    rows = {tuple(dict(m).get(atom, 0) for atom in atoms): c for m, c in number.terms.items()}
    unit, factors = Poly.from_dict(rows, *gens).factor_list()
    found = [(_from_rows(number, atoms, factor.as_dict()), int(times)) for factor, times in factors]
    if unit == -1:
        base, times = found[0]
        found[0:1] = [(-base, 1), *([(base, times - 1)] if times > 1 else [])]
    return sorted(found, key=lambda factor: min(atom.index for m in factor[0].terms for atom, _ in m))


def _from_rows(like: Symbolic, atoms: list[Atom], rows: dict[tuple[int, ...], object]) -> Symbolic:
    terms: Terms = {}
    for exponents, coefficient in rows.items():
        monomial = tuple((atom, int(e)) for atom, e in zip(atoms, exponents, strict=True) if e)
        terms[monomial] = normal(Fraction(str(coefficient)))
    return Symbolic(like.kind, terms)


def _collected(number: Number) -> Sum:
    """A sum in which terms with a common factor stand together, where that is shorter."""
    plainly = expanded(number)
    if is_plain(number) or not 2 < len(number.terms) <= MOST_TO_FACTOR:
        return plainly
    counts = Counter(atom for monomial in number.terms for atom, exponent in monomial if exponent > 0)
    best, best_length = plainly, _length(plainly)
    for atom, count in counts.most_common(3):
        if count < 2 or count == len(number.terms):
            continue
        inside = {m: c for m, c in number.terms.items() if any(a is atom and e > 0 for a, e in m)}
        outside = {m: c for m, c in number.terms.items() if m not in inside}
        grouped = Symbolic(number.kind, inside)
        scale, monomial = _common(grouped)
        forms = [
            Product(taken, monomial, ((_collected(rest), 1),))
            for taken in (scale, 1)
            if _reads_well(rest := _without(grouped, taken, monomial))
        ]
        if forms:
            together = Sum((min(forms, key=_product_length), *_collected(make(number.kind, outside)).parts))
            if _length(together) < best_length:
                best, best_length = together, _length(together)
    return best


def denominators(number: Number) -> tuple[int, Monomial]:
    """What a number has to be multiplied with to have whole coefficients and no negative exponents."""
    lowest: dict[Atom, int] = {}
    for monomial in terms_of(number):
        for atom, exponent in monomial:
            lowest[atom] = max(lowest.get(atom, 0), -exponent)
    scale = lcm(*(Fraction(coefficient).denominator for coefficient in terms_of(number).values()))
    return scale, tuple(sorted(((a, e) for a, e in lowest.items() if e), key=lambda factor: factor[0].index))


def cancelled(a: Number, b: Number) -> Number:
    """a/b in lowest terms: a sum with negative exponents where the divisor comes down to one term."""
    if is_plain(b):
        return normal(a * (Fraction(1) / b)) if b else None
    exact = b.kind.quotient(a, b)
    if not any(atom.op == "reciprocal" for monomial in terms_of(exact) for atom, _ in monomial):
        return exact
    atoms = sorted({atom for n in (a, b) for m in terms_of(n) for atom, _ in m}, key=lambda atom: atom.index)
    scales = [denominators(number) for number in (a, b)]
    common = dict.fromkeys(atoms, 0)
    for _, monomial in scales:
        for atom, exponent in monomial:
            common[atom] = max(common[atom], exponent)
    raised = Symbolic(b.kind, {tuple((atom, e) for atom, e in common.items() if e): lcm(*(s for s, _ in scales))})
    top, bottom = sympy_cancelled(a * raised, b * raised, atoms)
    return b.kind.quotient(top, bottom)


def sympy_cancelled(a: Number, b: Symbolic, atoms: list[Atom]) -> tuple[Number, Number]:
    """Two polynomials over these atoms without their common divisor."""
    from sympy import Dummy, Poly

    gens = [Dummy(f"a{atom.index}") for atom in atoms]
    rows = [{tuple(dict(m).get(x, 0) for x in atoms): c for m, c in terms_of(n).items()} for n in (a, b)]
    over, under = (Poly.from_dict(each, *gens, domain="QQ") for each in rows)
    top, bottom = over.cancel(under, include=True)
    return tuple(make(b.kind, _from_rows(b, atoms, each.as_dict()).terms) for each in (top, bottom))
