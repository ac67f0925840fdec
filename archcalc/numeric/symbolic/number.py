"""Numbers that are polynomials over atoms, with exact rational coefficients, and what their comparisons say.

An atom is a symbol or a function of further numbers that no polynomial expresses: a floor, a maximum, a greatest common
divisor, a truth value as 0 or 1, a reciprocal. Atoms are made by one calculation (`Symbols`), each only once, so that
equal forms are equal. Exponents may be negative: 1/N + 1/k². A result without symbols is a plain number again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from archcalc.numeric.helpers import NeedsPlain, is_plain, normal

if TYPE_CHECKING:
    from archcalc.numeric.symbolic.symbols import Symbols

Plain: TypeAlias = int | Fraction
Number: TypeAlias = Any
"""Plain, or `Symbolic`."""

MOST_TERMS = 4000
"""Terms of one number, and atoms inside one another; beyond, a closed form is of no use to anybody."""
MOST_POWER = 64
"""The largest exponent."""


class TooComplex(ValueError):
    """A closed form grew beyond what can be handled (or read)."""


Op = Literal["symbol", "floor", "max", "min", "gcd", "truth", "reciprocal", "mod"]


class Atom:
    """A symbol, or a function of numbers. Made by `Symbols.atom` only: the same one for the same arguments.

    =========== ===================================================
    symbol      its name
    floor       ⌊numerator/denominator⌋, two numbers
    max, min    two or more numbers
    gcd         two numbers
    truth       a `Condition`: 1 where it holds, else 0
    reciprocal  a number of several terms: 1/number
    mod         a number and its divisor; only written, never computed with
    =========== ===================================================
    """

    __slots__ = ("args", "index", "op", "symbols", "weight", "whole")

    def __init__(self, op: Op, args: tuple[Any, ...], index: int, *, whole: bool) -> None:
        self.op = op
        self.args = args
        self.index = index
        """Atoms are ordered by when they were made."""
        self.whole = whole
        """Whether its value is a whole number."""
        inner = [arg for arg in args if isinstance(arg, Symbolic | Condition)]
        self.symbols: frozenset[Atom] = frozenset({self}) if op == "symbol" else frozenset()
        for arg in inner:
            self.symbols |= arg.symbols
        self.weight: int = 1 + sum(arg.weight for arg in inner)
        if self.weight > MOST_TERMS:
            raise TooComplex(f"the closed form has more than {MOST_TERMS} terms inside one another")

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


class Symbolic:
    """A sum of monomials with coefficients."""

    __slots__ = ("_hash", "kind", "terms")

    def __init__(self, kind: Symbols, terms: Terms) -> None:
        self.kind = kind
        self.terms = terms
        self._hash: int | None = None

    @property
    def key(self) -> frozenset[tuple[Monomial, Plain]]:
        """The same for equal forms."""
        return frozenset(self.terms.items())

    @property
    def symbols(self) -> frozenset[Atom]:
        """The symbols it depends on."""
        return frozenset().union(*(atom.symbols for monomial in self.terms for atom, _ in monomial))

    @property
    def weight(self) -> int:
        """How much there is to write."""
        return sum(1 + sum(atom.weight for atom, _ in monomial) for monomial in self.terms)

    @property
    def constant(self) -> Plain:
        """The term without symbols."""
        return self.terms.get(UNIT, 0)

    def __repr__(self) -> str:
        return f"Symbolic({self})"

    def __str__(self) -> str:
        from archcalc.numeric.symbolic.shown import shown
        from archcalc.numeric.symbolic.write import TEXT

        return TEXT.number(shown(self.kind, self))

    def __format__(self, form: str) -> str:
        return str(self)  # separators and the like are for plain numbers

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.key)
        return self._hash

    def __bool__(self) -> bool:
        raise NeedsPlain("a symbol has no truth value: a formula must use select, maximum or require")

    def __index__(self) -> int:
        raise NeedsPlain("a symbol is not an int: a formula must stay generic")

    def __add__(self, other: Any) -> Any:
        if is_plain(other):
            return make(self.kind, merged(self.terms, {UNIT: other})) if other else self
        if not isinstance(other, Symbolic):
            return NotImplemented
        return make(self.kind, merged(self.terms, other.terms))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return make(self.kind, {monomial: -number for monomial, number in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if is_plain(other):
            if type(other) is int and other == 1:
                return self
            return make(self.kind, {m: normal(c * other) for m, c in self.terms.items()}) if other else 0
        if not isinstance(other, Symbolic):
            return NotImplemented
        if len(self.terms) * len(other.terms) > 4 * MOST_TERMS:
            raise TooComplex(f"the closed form has more than {MOST_TERMS} terms")
        terms: Terms = {}
        for monomial, number in self.terms.items():
            for times, factor in other.terms.items():
                accumulate(terms, joined(monomial, times), number * factor)
        return make(self.kind, terms)

    __rmul__ = __mul__

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) is not int:
            return NotImplemented
        if abs(exponent) > MOST_POWER:
            raise TooComplex(f"an exponent of {exponent} is beyond what closed forms go up to ({MOST_POWER})")
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
        return self.kind.compared(">=", self - other)

    def __gt__(self, other: Any) -> Any:
        return self.kind.compared(">", self - other)

    def __le__(self, other: Any) -> Any:
        return self.kind.compared(">=", other - self)

    def __lt__(self, other: Any) -> Any:
        return self.kind.compared(">", other - self)

    def __eq__(self, other: object) -> Any:
        if not (isinstance(other, Symbolic) or is_plain(other)):
            return NotImplemented
        return self.kind.compared("==", self - other)

    def __ne__(self, other: object) -> Any:
        if not (isinstance(other, Symbolic) or is_plain(other)):
            return NotImplemented
        return self.kind.compared("!=", self - other)


Relation = Literal["==", "!=", ">=", ">", "in", "not in"]


class Comparison(NamedTuple):
    """A number related to 0 (to ``among``, where the relation is ``in`` or ``not in``)."""

    relation: Relation
    value: Symbolic
    among: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.relation, self.value.key, self.among)


class Condition:
    """Comparisons that hold together. It has no truth value: where it holds depends on the symbols."""

    __slots__ = ("kind", "parts")

    def __init__(self, kind: Symbols, parts: tuple[Comparison, ...]) -> None:
        self.kind = kind
        self.parts = parts

    @property
    def key(self) -> frozenset[tuple[Any, ...]]:
        """The same for equal forms."""
        return frozenset(part.key for part in self.parts)

    @property
    def symbols(self) -> frozenset[Atom]:
        """The symbols it depends on."""
        return frozenset().union(*(part.value.symbols for part in self.parts))

    @property
    def weight(self) -> int:
        """How much there is to write."""
        return sum(part.value.weight for part in self.parts)

    def __bool__(self) -> bool:
        raise NeedsPlain("whether this holds depends on a symbol: a formula must use select or require")


def make(kind: Symbols, terms: Terms) -> Number:
    """The number with these terms, plain if it has no symbols."""
    if len(terms) < 2:
        if not terms:
            return 0
        if UNIT in terms:
            return terms[UNIT]
    elif len(terms) > MOST_TERMS:
        raise TooComplex(f"the closed form has more than {MOST_TERMS} terms")
    return Symbolic(kind, terms)


def accumulate(terms: Terms, monomial: Monomial, number: Plain) -> None:
    """Add a term."""
    total = terms.get(monomial, 0) + number
    if total:
        terms[monomial] = normal(total)
    else:
        terms.pop(monomial, None)


def merged(terms: Terms, others: Terms) -> Terms:
    """The terms of a sum."""
    result = dict(terms)
    for monomial, number in others.items():
        accumulate(result, monomial, number)
    return result


def joined(monomial: Monomial, other: Monomial) -> Monomial:
    """The product of two monomials."""
    if not monomial or not other:
        return monomial or other
    exponents = dict(monomial)
    for atom, exponent in other:
        exponents[atom] = 1 if atom.op == "truth" else exponents.get(atom, 0) + exponent
    if max(map(abs, exponents.values())) > MOST_POWER:
        raise TooComplex(f"the closed form has an exponent beyond {MOST_POWER}")
    return tuple(sorted(((a, e) for a, e in exponents.items() if e), key=_by_index))


def _by_index(factor: tuple[Atom, int]) -> int:
    return factor[0].index


def terms_of(number: Number) -> Terms:
    """The terms of a number of either sort."""
    if isinstance(number, Symbolic):
        return number.terms
    return {UNIT: number} if number else {}


def is_whole_monomial(monomial: Monomial) -> bool:
    """Whether a product of atoms is a whole number."""
    return all(atom.whole and exponent > 0 for atom, exponent in monomial)


def is_whole(number: Number) -> bool:
    """Whether a number is plainly whole, whatever its symbols stand for."""
    return all(type(c) is int and is_whole_monomial(m) for m, c in terms_of(number).items())


def content(numbers: Iterable[Plain]) -> Plain:
    """The largest positive number that all numbers are whole multiples of."""
    fractions = [Fraction(number) for number in numbers]
    scale = Fraction(gcd(*(f.numerator for f in fractions)), lcm(*(f.denominator for f in fractions)))
    return scale.numerator if scale.denominator == 1 else scale


def ordered_terms(number: Number) -> Iterator[tuple[Monomial, Plain]]:
    """The terms in the order of writing: higher degrees first, then earlier atoms; the constant last."""
    return iter(sorted(terms_of(number).items(), key=lambda term: _place(term[0])))


def _place(monomial: Monomial) -> tuple[Any, ...]:
    degree = sum(exponent for _, exponent in monomial)
    return (not monomial, -degree, tuple((atom.index, -exponent) for atom, exponent in monomial))
