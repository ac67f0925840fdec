"""Numbers that are polynomials over atoms with exact rational coefficients, and comparisons of such numbers.

An atom is a symbol, or a function of further numbers that is not a polynomial in them: a floor, a maximum, a greatest
common divisor, a truth value as 0 or 1, a reciprocal. Exponents may be negative (1/N + 1/k²). Equal arguments give the
same atom within one calculation, so numbers with the same terms are equal; a result without symbols is a plain number.
What polynomials alone cannot do, a number asks of the calculation that it belongs to: its `SymbolContext`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from archcalc.numeric.helpers import PlainNumberRequired, is_plain, simplified

Plain: TypeAlias = int | Fraction
Number: TypeAlias = Any
"""Plain, or `SymbolicNumber`."""
Bounds: TypeAlias = tuple[Plain | None, Plain | None]
"""A lower and an upper bound; ``None`` where there is none, or none is known."""

MAX_TERMS = 4000
"""The maximum number of terms of one number, and of atoms nested in one."""
MAX_EXPONENT = 64


class TooComplex(ValueError):
    """A closed form grew beyond what can be handled (or read)."""


Op = Literal["symbol", "floor", "max", "min", "gcd", "truth", "reciprocal", "mod"]
Relation = Literal["==", "!=", ">=", ">", "in", "not in"]


class SymbolContext(Protocol):
    """What numbers and the algorithms on them ask of the calculation that they belong to."""

    def function(self, op: Op, args: tuple[Any, ...], *, integer: bool) -> SymbolicNumber:
        """Return the atom with these arguments as a number; the same atom for equal arguments."""

    def quotient(self, a: Number, b: Number) -> Number:
        """Return a/b, exactly."""

    def floor_div(self, a: Number, b: Number) -> Number:
        """Return ⌊a/b⌋ for a positive b."""

    def compare(self, relation: Relation, value: Number) -> Any:
        """Return whether the relation of the value to 0 holds: a ``bool`` where it is decided, else a `Condition`."""

    def atom_bounds(self, atom: Atom) -> Bounds:
        """Return bounds of an atom over all that its symbols may be."""

    def text(self, number: SymbolicNumber) -> str:
        """Write a number in the free symbols of the calculation."""


class Atom:
    """A symbol or a function of numbers; made by `SymbolContext.function` only.

    =========== ===================================================
    symbol      its name
    floor       ⌊numerator/denominator⌋, two numbers
    max, min    two or more numbers
    gcd         two numbers
    truth       a `Condition`: 1 where it holds, else 0
    reciprocal  a number of several terms: 1/number
    mod         a number and its divisor; for display only
    =========== ===================================================
    """

    __slots__ = ("args", "index", "integer", "op", "symbols", "weight")

    def __init__(self, op: Op, args: tuple[Any, ...], index: int, *, integer: bool) -> None:
        self.op = op
        self.args = args
        self.index = index
        """The order of creation, which is the order of atoms in a monomial."""
        self.integer = integer
        """Whether every value is an integer."""
        inner = [arg for arg in args if isinstance(arg, SymbolicNumber | Condition)]
        self.symbols: frozenset[Atom] = frozenset({self}) if op == "symbol" else frozenset()
        for arg in inner:
            self.symbols |= arg.symbols
        self.weight: int = 1 + sum(arg.weight for arg in inner)
        """The number of terms and atoms to write."""
        if self.weight > MAX_TERMS:
            raise TooComplex(f"the closed form has more than {MAX_TERMS:,} nested terms")

    @property
    def name(self) -> str:
        """The name of a symbol."""
        return str(self.args[0])

    def __repr__(self) -> str:
        return f"Atom({self.op}, {self.args})"


Monomial: TypeAlias = tuple[tuple[Atom, int], ...]
"""Atoms with their exponents, in the order of the atoms."""
UNIT: Monomial = ()
Terms: TypeAlias = dict[Monomial, Plain]
"""Coefficients of monomials, none of them 0."""


class SymbolicNumber:
    """A sum of monomials with coefficients, at least one of which has an atom."""

    __slots__ = ("_hash", "kind", "terms")

    def __init__(self, kind: SymbolContext, terms: Terms) -> None:
        self.kind = kind
        self.terms = terms
        self._hash: int | None = None

    @property
    def key(self) -> frozenset[tuple[Monomial, Plain]]:
        """A key that is equal for numbers with the same terms."""
        return frozenset(self.terms.items())

    @property
    def symbols(self) -> frozenset[Atom]:
        """The symbols that the number depends on."""
        return frozenset().union(*(atom.symbols for monomial in self.terms for atom, _ in monomial))

    @property
    def weight(self) -> int:
        """The number of terms and atoms to write."""
        return sum(1 + sum(atom.weight for atom, _ in monomial) for monomial in self.terms)

    @property
    def constant(self) -> Plain:
        """The coefficient of the term without atoms."""
        return self.terms.get(UNIT, 0)

    def __repr__(self) -> str:
        return f"SymbolicNumber({self})"

    def __str__(self) -> str:
        return self.kind.text(self)

    def __format__(self, form: str) -> str:
        return str(self)  # separators and the like are for plain numbers

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.key)
        return self._hash

    def __bool__(self) -> bool:
        raise PlainNumberRequired("a symbol has no truth value: a formula must use select, maximum or require")

    def __index__(self) -> int:
        raise PlainNumberRequired("a symbol is not an int: a formula must stay generic")

    def __add__(self, other: Any) -> Any:
        if is_plain(other):
            return from_terms(self.kind, sum_of_terms(self.terms, {UNIT: other})) if other else self
        if not isinstance(other, SymbolicNumber):
            return NotImplemented
        return from_terms(self.kind, sum_of_terms(self.terms, other.terms))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return from_terms(self.kind, {monomial: -number for monomial, number in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if is_plain(other):
            if type(other) is int and other == 1:
                return self
            return from_terms(self.kind, {m: simplified(c * other) for m, c in self.terms.items()}) if other else 0
        if not isinstance(other, SymbolicNumber):
            return NotImplemented
        if len(self.terms) * len(other.terms) > 4 * MAX_TERMS:
            raise TooComplex(f"the closed form has more than {MAX_TERMS:,} terms")
        terms: Terms = {}
        for monomial, number in self.terms.items():
            for times, factor in other.terms.items():
                add_term(terms, product_of_monomials(monomial, times), number * factor)
        return from_terms(self.kind, terms)

    __rmul__ = __mul__

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) is not int:
            return NotImplemented
        if abs(exponent) > MAX_EXPONENT:
            raise TooComplex(f"an exponent in a closed form must be at most {MAX_EXPONENT}, got {exponent}")
        base = self if exponent >= 0 else self.kind.quotient(1, self)
        result: Number = 1
        for _ in range(abs(exponent)):
            result = result * base
        return result

    def __truediv__(self, other: Any) -> Any:
        return self.kind.quotient(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.kind.quotient(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self.kind.floor_div(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self.kind.floor_div(other, self)

    def __mod__(self, other: Any) -> Any:
        return self - self.kind.floor_div(self, other) * other

    def __rmod__(self, other: Any) -> Any:
        return other - self.kind.floor_div(other, self) * self

    def __ge__(self, other: Any) -> Any:
        return self.kind.compare(">=", self - other)

    def __gt__(self, other: Any) -> Any:
        return self.kind.compare(">", self - other)

    def __le__(self, other: Any) -> Any:
        return self.kind.compare(">=", other - self)

    def __lt__(self, other: Any) -> Any:
        return self.kind.compare(">", other - self)

    def __eq__(self, other: object) -> Any:
        if not (isinstance(other, SymbolicNumber) or is_plain(other)):
            return NotImplemented
        return self.kind.compare("==", self - other)

    def __ne__(self, other: object) -> Any:
        if not (isinstance(other, SymbolicNumber) or is_plain(other)):
            return NotImplemented
        return self.kind.compare("!=", self - other)


class Comparison(NamedTuple):
    """The relation of a number to 0, or to the set ``among`` (``in`` and ``not in``)."""

    relation: Relation
    value: SymbolicNumber
    among: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """A key that is equal for comparisons with the same terms."""
        return (self.relation, self.value.key, self.among)


class Condition:
    """A conjunction of comparisons. It has no truth value: whether it holds depends on the symbols."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: SymbolContext, parts: tuple[Comparison, ...]) -> None:
        self.kind = kind
        self.parts = parts

    @property
    def key(self) -> frozenset[tuple[Any, ...]]:
        """A key that is equal for conjunctions of the same comparisons."""
        return frozenset(part.key for part in self.parts)

    @property
    def symbols(self) -> frozenset[Atom]:
        """The symbols that the condition depends on."""
        return frozenset().union(*(part.value.symbols for part in self.parts))

    @property
    def weight(self) -> int:
        """The number of terms and atoms to write."""
        return sum(part.value.weight for part in self.parts)

    def __bool__(self) -> bool:
        raise PlainNumberRequired("whether this holds depends on a symbol: a formula must use select or require")


def from_terms(context: SymbolContext, terms: Terms) -> Number:
    """Return the number with these terms, a plain one if no term has an atom."""
    if len(terms) < 2:
        if not terms:
            return 0
        if UNIT in terms:
            return terms[UNIT]
    elif len(terms) > MAX_TERMS:
        raise TooComplex(f"the closed form has more than {MAX_TERMS:,} terms")
    return SymbolicNumber(context, terms)


def from_atom(context: SymbolContext, atom: Atom) -> SymbolicNumber:
    """Return an atom as a number."""
    return SymbolicNumber(context, {((atom, 1),): 1})


def terms_of(number: Number) -> Terms:
    """Return the terms of a symbolic or plain number."""
    if isinstance(number, SymbolicNumber):
        return number.terms
    return {UNIT: number} if number else {}


def add_term(terms: Terms, monomial: Monomial, coefficient: Plain) -> None:
    """Add a term to others, in place."""
    total = terms.get(monomial, 0) + coefficient
    if total:
        terms[monomial] = simplified(total)
    else:
        terms.pop(monomial, None)


def sum_of_terms(terms: Terms, others: Terms) -> Terms:
    """Return the terms of a sum."""
    result = dict(terms)
    for monomial, number in others.items():
        add_term(result, monomial, number)
    return result


def product_of_monomials(monomial: Monomial, other: Monomial) -> Monomial:
    """Return the product of two monomials; a truth value is its own square."""
    if not monomial or not other:
        return monomial or other
    exponents = dict(monomial)
    for atom, exponent in other:
        exponents[atom] = 1 if atom.op == "truth" else exponents.get(atom, 0) + exponent
    if max(map(abs, exponents.values())) > MAX_EXPONENT:
        raise TooComplex(f"the closed form has an exponent beyond {MAX_EXPONENT}")
    return ordered_monomial(exponents)


def ordered_monomial(exponents: dict[Atom, int]) -> Monomial:
    """Return the monomial with these exponents, of which some may be 0."""
    return tuple(sorted(((atom, e) for atom, e in exponents.items() if e), key=_atom_index))


def inverse_of_monomial(monomial: Monomial) -> Monomial:
    """Return the reciprocal of a monomial."""
    return tuple((atom, -exponent) for atom, exponent in monomial)


def _atom_index(factor: tuple[Atom, int]) -> int:
    return factor[0].index


def atoms_of(*numbers: Number) -> list[Atom]:
    """Return the atoms that occur in the terms of numbers, in their order."""
    return sorted({atom for n in numbers for m in terms_of(n) for atom, _ in m}, key=lambda atom: atom.index)


def is_integer_monomial(monomial: Monomial) -> bool:
    """Return whether a product of atoms is an integer because each factor is."""
    return all(atom.integer and exponent > 0 for atom, exponent in monomial)


def is_integer(number: Number) -> bool:
    """Return whether a number is an integer because each of its terms is, whatever the symbols are."""
    return all(type(c) is int and is_integer_monomial(m) for m, c in terms_of(number).items())


def content(numbers: Iterable[Plain]) -> Plain:
    """Return the content: the largest positive rational of which all the numbers are integer multiples."""
    fractions = [Fraction(number) for number in numbers]
    scale = Fraction(gcd(*(f.numerator for f in fractions)), lcm(*(f.denominator for f in fractions)))
    return scale.numerator if scale.denominator == 1 else scale


def ordered_terms(number: Number) -> Iterator[tuple[Monomial, Plain]]:
    """Iterate over the terms in graded lexicographic order: higher degrees first, the constant last."""
    return iter(sorted(terms_of(number).items(), key=lambda term: _graded(term[0])))


def _graded(monomial: Monomial) -> tuple[Any, ...]:
    degree = sum(exponent for _, exponent in monomial)
    return (not monomial, -degree, tuple((atom.index, -exponent) for atom, exponent in monomial))
