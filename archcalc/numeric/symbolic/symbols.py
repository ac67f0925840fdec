"""One calculation with symbols: their kind of number, what is known of them, and what had to hold on the way.

A symbol stands for a positive number. Of a size it is known from the start that it is whole; of a variable that is
found out where it is used as one, and then the calculation starts again (`Refined`) with what is known now. In the same
way a requirement such as "H % 16 == 0" narrows what H may be, and the next round calculates with H = 16·t.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from archcalc.numeric.helpers import Impossible, is_plain, normal
from archcalc.numeric.symbolic.comparisons import linear, periodic, simplest, told
from archcalc.numeric.symbolic.division import quotient
from archcalc.numeric.symbolic.domain import Domain, Interval
from archcalc.numeric.symbolic.floors import floor_quotient, floored
from archcalc.numeric.symbolic.free import Free, Refined
from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Comparison,
    Condition,
    Number,
    Op,
    Plain,
    Relation,
    Symbolic,
    TooComplex,
    content,
    is_whole,
    terms_of,
)
from archcalc.numeric.symbolic.reach import Point, bounds, bounds_beyond, comparison_holds, steady

MOST_WORK = 4_000_000
"""Terms that one calculation may evaluate to decide its comparisons; beyond, they stay conditions."""
MOST_CANDIDATES = 24
"""Numbers of which a maximum or minimum remains to be found."""


class Symbols:
    """The kind of the numbers of one calculation (see `archcalc.numeric.helpers.Kind`)."""

    def __init__(self, free: Iterable[Free]) -> None:
        self.free = {each.name: each for each in free}
        self.conditions: dict[Any, Comparison] = {}
        """What must hold of several symbols at once, or could not be told of one."""
        self.learned = 0
        """How often a domain was narrowed."""
        self.exhausted = False
        """Whether comparisons were left open because looking further would take too long."""
        self.undecided = False
        """Whether a comparison was left open."""
        self.known_bounds: dict[Atom, tuple[int, tuple[Plain | None, Plain | None]]] = {}
        self._atoms: dict[Any, Atom] = {}
        self._domains: dict[Atom, Domain | Interval] = {}
        self._decisions: dict[Any, tuple[int, bool | None]] = {}
        self._solutions: dict[Any, Domain | Interval | None] = {}
        self._floors: dict[Any, Number] = {}
        self._work = 0
        self._symbols = {name: self._declare(each) for name, each in self.free.items()}

    def _declare(self, free: Free) -> Atom:
        atom = self.atom("symbol", (free.name,), whole=free.step is not None)
        self._domains[atom] = free.domain
        return atom

    # symbols and what is known of them

    def number(self, name: str) -> Number:
        """The number that a name stands for."""
        free = self.free[name]
        t = Symbolic(self, {((self._symbols[name], 1),): 1})
        return t if free.step is None else t * free.step + free.offset

    def domain(self, symbol: Atom) -> Domain | Interval:
        """Where a symbol lies, as far as is known by now."""
        return self._domains[symbol]

    def point(self, values: Mapping[str, Plain]) -> Point | None:
        """Values of the symbols for values of their names; ``None`` where these are not possible."""
        point: dict[Atom, Plain] = {}
        for name, free in self.free.items():
            value = values[name] if free.step is None else normal(Fraction(values[name] - free.offset) / free.step)
            symbol = self._symbols[name]
            if not self._domains[symbol].has(value):
                return None
            point[symbol] = value
        return point

    def refined(self) -> dict[str, Free]:
        """What is known of the symbols in the end, for another round."""
        found = {}
        for name, free in self.free.items():
            domain = self._domains[self._symbols[name]]
            free = replace(free, domain=domain)
            if isinstance(domain, Domain):
                modulus, residue = domain.only_class()
                free = free.on_grid(modulus, residue) if modulus > 1 else free
            found[name] = free
        return found

    def open_conditions(self) -> list[Comparison]:
        """What must hold beside the domains, as far as they do not say it."""
        return [part for part in self.conditions.values() if self._decided(part) is None]

    def holds(self, point: Point) -> bool:
        """Whether everything that must hold does so at a point of the domains."""
        return all(comparison_holds(part, point) for part in self.conditions.values())

    # atoms

    def atom(self, op: Op, args: tuple[Any, ...], *, whole: bool) -> Atom:
        """The atom with these arguments."""
        key = (op, *(getattr(arg, "key", arg) for arg in args))
        atom = self._atoms.get(key)
        if atom is None:
            atom = self._atoms[key] = Atom(op, args, len(self._atoms), whole=whole)
        return atom

    def function(self, op: Op, args: tuple[Any, ...], *, whole: bool) -> Symbolic:
        """An atom as a number."""
        return Symbolic(self, {((self.atom(op, args, whole=whole), 1),): 1})

    # arithmetic beyond + and *

    def floor_div(self, a: Number, b: Number) -> Number:
        """⌊a/b⌋ for a positive b."""
        key = (getattr(a, "key", a), getattr(b, "key", b))
        found = self._floors.get(key)
        if found is None:
            found = floored(self, a * Fraction(1) / b) if is_plain(b) else floor_quotient(self, a, b)
            self._floors[key] = found
        return found

    def quotient(self, a: Number, b: Number) -> Number:
        """a/b, exactly."""
        return quotient(self, a, b)

    def ceil_div(self, a: Number, b: Number) -> Number:
        return -self.floor_div(-a, b)

    def exact_div(self, a: Number, b: Number) -> Number:
        return self.quotient(a, b)

    def floor(self, a: Number) -> Number:
        return self.floor_div(a, 1)

    def round_half_even(self, a: Number) -> Number:
        if is_whole(a):
            return a
        nearest = self.floor(a + Fraction(1, 2))
        tie = self.compared("==", nearest - a - Fraction(1, 2))
        return nearest - self.select(tie, nearest - self.floor_div(nearest, 2) * 2, 0)

    def gcd(self, a: Number, b: Number) -> Number:
        if is_plain(a):
            a, b = b, a
        if self.compared("==", a % b) is True:
            return b
        return self.function("gcd", (a, b), whole=True)

    def maximum(self, a: Number, b: Number) -> Number:
        return self._extreme("max", a, b)

    def minimum(self, a: Number, b: Number) -> Number:
        return self._extreme("min", a, b)

    def _extreme(self, op: Op, a: Number, b: Number) -> Number:
        """The larger (smaller) one, if that can be told everywhere; else both, without what never is."""
        kept = _candidates(op, a)
        for new in _candidates(op, b):
            if any(self._first(op, old, new) for old in kept):
                continue
            kept = [*(old for old in kept if not self._first(op, new, old)), new]
        if len(kept) == 1:
            return kept[0]
        if len(kept) > MOST_CANDIDATES:
            raise TooComplex(
                f"the {op}imum is one of more than {MOST_CANDIDATES} numbers, depending on the symbols: assume more"
            )
        scale = content([c for number in kept for c in terms_of(number).values()])
        scaled = tuple([normal(number * (Fraction(1) / scale)) for number in kept])
        return self.function(op, scaled, whole=all(map(is_whole, scaled))) * scale

    def _first(self, op: Op, a: Number, b: Number) -> bool:
        return self.compared(">=", a - b if op == "max" else b - a) is True

    def select(self, condition: Any, a: Number, b: Number) -> Number:
        if isinstance(condition, bool):
            return a if condition else b
        return b + (a - b) * self.function("truth", (condition,), whole=True)

    def both(self, a: Any, b: Any) -> Any:
        if isinstance(a, bool):
            return b if a else False
        if isinstance(b, bool):
            return a if b else False
        return Condition(self, (*a.parts, *b.parts))

    def let(self, name: str, a: Number) -> Number:
        return a

    def known_equal(self, a: Number, b: Number) -> bool:
        return self.compared("==", a - b) is True

    # decisions

    def compared(self, relation: Relation, value: Number) -> Any:
        """Whether a number relates to 0 so: a ``bool`` where that is so everywhere or nowhere, else a `Condition`."""
        if is_plain(value):
            return {"==": value == 0, "!=": value != 0, ">=": value >= 0, ">": value > 0}[relation]
        part = simplest(relation, value)
        if isinstance(part, bool):
            return part
        key = part.key
        known = self._decisions.get(key)
        if known is None or (known[1] is None and known[0] != self.learned):
            known = self._decisions[key] = self.learned, self._decided(part)
        if known[1] is not None:
            return known[1]
        self.undecided = True
        return Condition(self, (part,))

    def _decided(self, part: Comparison) -> bool | None:
        found = told(part.relation, *bounds(self, part.value))
        if found is not None:
            return found
        solution = self.solution(part)
        if solution is None:
            return told(part.relation, *bounds_beyond(self, part.value))
        (symbol,) = part.value.symbols
        domain = self._domains[symbol]
        remaining = domain.both(solution)  # type: ignore[arg-type]  # both are of the sort of the symbol
        if remaining is None:
            return None
        return False if remaining.is_empty else True if remaining == domain else None

    def solution(self, part: Comparison) -> Domain | Interval | None:
        """Where a comparison of one symbol holds; ``None`` where that cannot be told."""
        key = part.key
        if key not in self._solutions:
            symbols = part.value.symbols
            alone = next(iter(symbols)) if len(symbols) == 1 else None
            self._solutions[key] = (
                None if alone is None else self._periodic(part, alone) if alone.whole else linear(part, alone)
            )
        return self._solutions[key]

    def _periodic(self, part: Comparison, symbol: Atom) -> Domain | None:
        found = steady(part.value)
        if found is None:
            return None
        self._work += found[0] * part.value.weight
        if self._work > MOST_WORK:
            self.exhausted = True
            return None
        return periodic(part, symbol, found)

    # requirements

    def require(self, condition: Any, message: str, names: dict[str, object]) -> None:
        for part in condition.parts:
            if not self.learn(part):
                raise Impossible(message, **names)

    def learn(self, part: Comparison) -> bool:
        """Take a comparison for granted from here on; whether it is possible at all."""
        decided = self._decided(part)
        if decided is not None:
            return decided
        solution = self.solution(part)
        if solution is not None:
            (symbol,) = part.value.symbols
            domain = self._domains[symbol]
            remaining = domain.both(solution)  # type: ignore[arg-type]  # both are of the sort of the symbol
            if remaining is not None and not (isinstance(remaining, Domain) and remaining.is_ragged):
                self._domains[symbol] = remaining
                self.learned += 1
                return not remaining.is_empty
        self._on_grid(_made_whole(self, part))
        self.conditions.setdefault(part.key, part)
        return True

    def whole(self, a: Number, what: str) -> Number:
        if is_whole(a):
            return a
        self._on_grid(a)
        condition = self.compared("==", a - self.floor(a))
        if condition is False:
            raise Impossible("{what} must be a whole number, got {a}", what=what, a=a)
        if condition is not True:
            self.require(condition, "{what} must be a whole number, got {a}", {"what": what, "a": a})
        return a

    def _on_grid(self, number: Number) -> None:
        """Start again where a whole number tells that a symbol is on a grid."""
        terms = terms_of(number)
        symbols = [(m[0][0], c) for m, c in terms.items() if len(m) == 1 and m[0][1] == 1]
        if len(symbols) == 1 and len(terms) <= 1 + (UNIT in terms):
            symbol, slope = symbols[0]
            if symbol.op == "symbol" and not symbol.whole:
                step = normal(abs(Fraction(1) / slope))
                offset = normal(Fraction(-terms.get(UNIT, 0)) / slope % step)
                free = replace(self.free[symbol.name], domain=self._domains[symbol])
                raise Refined(free.on_grid(step, offset))


def _candidates(op: Op, number: Number) -> list[Number]:
    """The arguments of a maximum (with its factor), or the number itself."""
    if isinstance(number, Symbolic) and len(number.terms) == 1:
        ((monomial, scale),) = number.terms.items()
        if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].op == op and scale > 0:
            return [normal(arg * scale) for arg in monomial[0][0].args]
    return [number]


def _made_whole(kind: Symbols, part: Comparison) -> Number:
    """The number of which a comparison says that it is whole (y == ⌊y⌋); 0 where it says something else."""
    if part.relation == "==":
        for monomial, coefficient in part.value.terms.items():
            if len(monomial) == 1 and monomial[0][0].op == "floor" and is_plain(monomial[0][0].args[1]):
                top, bottom = monomial[0][0].args
                number = top * (Fraction(1) / bottom)
                rest = (Symbolic(kind, {monomial: 1}) - number) * coefficient
                if part.value.key == rest.key:
                    return number
    return 0
