"""The kind of the numbers of one calculation with symbols: it makes atoms, decides comparisons, collects requirements.

A requirement such as "H % 16 == 0" restricts what H may be, and comparisons after it are decided on what is left. Where
a requirement puts a real symbol on a grid (4·alpha must be an integer), the calculation starts again with that known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

from archcalc.numeric.helpers import NOT_INTEGER, Impossible, is_plain, simplified
from archcalc.numeric.symbolic.bounds import bounds, function_bounds, shifted_bounds
from archcalc.numeric.symbolic.comparisons import decided_by_bounds, normal_form, solve_quasi_periodic, solve_real
from archcalc.numeric.symbolic.domain import Domain, RealInterval
from archcalc.numeric.symbolic.evaluate import Point, comparison_holds
from archcalc.numeric.symbolic.floors import floor_of, floor_quotient
from archcalc.numeric.symbolic.free_symbol import FreeSymbol, SymbolRefined
from archcalc.numeric.symbolic.number import (
    UNIT,
    Atom,
    Bounds,
    Comparison,
    Condition,
    Number,
    Op,
    Plain,
    Relation,
    SymbolicNumber,
    TooComplex,
    content,
    from_atom,
    is_integer,
    terms_of,
)
from archcalc.numeric.symbolic.quasi_periodic import quasi_period
from archcalc.numeric.symbolic.quotients import quotient

MAX_WORK = 4_000_000
"""Terms that one calculation may evaluate to decide its comparisons; beyond, they stay conditions."""
MAX_CANDIDATES = 24
"""Arguments of a maximum or minimum."""


class Symbols:
    """The kind of the numbers of one calculation (`archcalc.numeric.helpers.Kind`), and the context of its atoms."""

    def __init__(self, free: Iterable[FreeSymbol], write: Callable[[Symbols, SymbolicNumber], str]) -> None:
        """Start a calculation with free symbols; ``write`` gives the text of its numbers in messages and shapes."""
        self.free = {each.name: each for each in free}
        self.exhausted = False
        """Whether comparisons were left open because `MAX_WORK` was reached."""
        self.undecided = False
        """Whether a comparison was left open."""
        self._write = write
        self._conditions: dict[Any, Comparison] = {}
        """What must hold for several symbols together, or could not be solved for one."""
        self._revision = 0
        """How often a domain was restricted: what was undecided in an earlier revision is examined again."""
        self._atoms: dict[Any, Atom] = {}
        self._domains: dict[Atom, Domain | RealInterval] = {}
        self._bounds: dict[Atom, tuple[int, Bounds]] = {}
        self._decisions: dict[Any, tuple[int, bool | None]] = {}
        self._solutions: dict[Any, Domain | RealInterval | None] = {}
        self._floors: dict[Any, Number] = {}
        self._work = 0
        self._symbols = {name: self._declare(each) for name, each in self.free.items()}

    def _declare(self, free: FreeSymbol) -> Atom:
        atom = self._atom("symbol", (free.name,), integer=free.step is not None)
        self._domains[atom] = free.domain
        return atom

    # symbols and what is known of them

    def number(self, name: str) -> Number:
        """Return the number that a name stands for."""
        free = self.free[name]
        t = from_atom(self, self._symbols[name])
        return t if free.step is None else t * free.step + free.offset

    def point(self, values: Mapping[str, Plain]) -> Point | None:
        """Return the point where names have these values; ``None`` where the domains exclude it."""
        point: dict[Atom, Plain] = {}
        for name, free in self.free.items():
            value = values[name] if free.step is None else simplified(Fraction(values[name] - free.offset) / free.step)
            symbol = self._symbols[name]
            if not self._domains[symbol].contains(value):
                return None
            point[symbol] = value
        return point

    def holds(self, point: Point) -> bool:
        """Return whether all requirements hold at a point of the domains."""
        return all(comparison_holds(part, point) for part in self._conditions.values())

    def refined_symbols(self) -> dict[str, FreeSymbol]:
        """Return the free symbols with the domains that the requirements left of them."""
        found = {}
        for name, free in self.free.items():
            domain = self._domains[self._symbols[name]]
            free = replace(free, domain=domain)
            if isinstance(domain, Domain):
                modulus, residue = domain.common_class()
                free = free.on_grid(modulus, residue) if modulus > 1 else free
            found[name] = free
        return found

    def open_conditions(self) -> list[Comparison]:
        """Return the requirements that do not follow from the domains."""
        return [part for part in self._conditions.values() if self._decide(part) is None]

    # the context of numbers

    def _atom(self, op: Op, args: tuple[Any, ...], *, integer: bool) -> Atom:
        key = (op, *(getattr(arg, "key", arg) for arg in args))
        atom = self._atoms.get(key)
        if atom is None:
            atom = self._atoms[key] = Atom(op, args, len(self._atoms), integer=integer)
        return atom

    def function(self, op: Op, args: tuple[Any, ...], *, integer: bool) -> SymbolicNumber:
        """Return the atom with these arguments as a number; the same atom for equal arguments."""
        return from_atom(self, self._atom(op, args, integer=integer))

    def quotient(self, a: Number, b: Number) -> Number:
        """Return a/b, exactly."""
        return quotient(self, a, b)

    def floor_div(self, a: Number, b: Number) -> Number:
        """Return ⌊a/b⌋ for a positive b."""
        key = (getattr(a, "key", a), getattr(b, "key", b))
        found = self._floors.get(key)
        if found is None:
            found = floor_of(self, a * Fraction(1) / b) if is_plain(b) else floor_quotient(self, a, b)
            self._floors[key] = found
        return found

    def atom_bounds(self, atom: Atom) -> Bounds:
        """Return bounds of an atom over the domains of its symbols."""
        found = self._bounds.get(atom)
        if found is None or found[0] != self._revision:
            if atom.op == "symbol":
                found = self._revision, (self._domains[atom].low, self._domains[atom].high)
            else:
                found = self._revision, function_bounds(self, atom)
            self._bounds[atom] = found
        return found[1]

    def text(self, number: SymbolicNumber) -> str:
        """Write a number in the free symbols of the calculation."""
        return self._write(self, number)

    # the kind of numbers, beyond Python's operators

    def ceil_div(self, a: Number, b: Number) -> Number:
        return -self.floor_div(-a, b)

    def exact_div(self, a: Number, b: Number) -> Number:
        return self.quotient(a, b)

    def floor(self, a: Number) -> Number:
        return self.floor_div(a, 1)

    def round_half_even(self, a: Number) -> Number:
        if is_integer(a):
            return a
        nearest = self.floor(a + Fraction(1, 2))
        is_tie = self.compare("==", nearest - a - Fraction(1, 2))
        return nearest - self.select(is_tie, nearest - self.floor_div(nearest, 2) * 2, 0)

    def gcd(self, a: Number, b: Number) -> Number:
        if is_plain(a):
            a, b = b, a
        if self.compare("==", a % b) is True:
            return b
        return self.function("gcd", (a, b), integer=True)

    def maximum(self, a: Number, b: Number) -> Number:
        return self._extremum("max", a, b)

    def minimum(self, a: Number, b: Number) -> Number:
        return self._extremum("min", a, b)

    def _extremum(self, op: Op, a: Number, b: Number) -> Number:
        """Return a maximum (minimum) of the numbers that no other exceeds (undercuts) everywhere."""
        kept = _arguments(op, a)
        for new in _arguments(op, b):
            if any(self._dominates(op, old, new) for old in kept):
                continue
            kept = [*(old for old in kept if not self._dominates(op, new, old)), new]
        if len(kept) == 1:
            return kept[0]
        if len(kept) > MAX_CANDIDATES:
            raise TooComplex(
                f"the {op}imum is one of more than {MAX_CANDIDATES} numbers, depending on the symbols: assume more"
            )
        scale = content([c for number in kept for c in terms_of(number).values()])
        scaled = tuple([simplified(number * (Fraction(1) / scale)) for number in kept])
        return self.function(op, scaled, integer=all(map(is_integer, scaled))) * scale

    def _dominates(self, op: Op, a: Number, b: Number) -> bool:
        """Return whether the maximum (minimum) of the two is certainly a."""
        return self.compare(">=", a - b if op == "max" else b - a) is True

    def select(self, condition: Any, a: Number, b: Number) -> Number:
        if isinstance(condition, bool):
            return a if condition else b
        return b + (a - b) * self.function("truth", (condition,), integer=True)

    def both(self, a: Any, b: Any) -> Any:
        if isinstance(a, bool):
            return b if a else False
        if isinstance(b, bool):
            return a if b else False
        return Condition(self, (*a.parts, *b.parts))

    def let(self, name: str, a: Number) -> Number:
        return a

    def known_equal(self, a: Number, b: Number) -> bool:
        return self.compare("==", a - b) is True

    # decisions

    def compare(self, relation: Relation, value: Number) -> Any:
        """Return whether the relation of the value to 0 holds everywhere or nowhere; a `Condition` for somewhere."""
        if is_plain(value):
            return {"==": value == 0, "!=": value != 0, ">=": value >= 0, ">": value > 0}[relation]
        part = normal_form(relation, value)
        if isinstance(part, bool):
            return part
        key = part.key
        known = self._decisions.get(key)
        if known is None or (known[1] is None and known[0] != self._revision):
            known = self._decisions[key] = self._revision, self._decide(part)
        if known[1] is not None:
            return known[1]
        self.undecided = True
        return Condition(self, (part,))

    def _decide(self, part: Comparison) -> bool | None:
        """Return whether a comparison holds on all of the domains or nowhere; ``None`` where that is not known."""
        decision = decided_by_bounds(part.relation, bounds(self, part.value))
        if decision is not None:
            return decision
        solution = self._solution(part)
        if solution is None:
            return decided_by_bounds(part.relation, shifted_bounds(self, part.value))
        (symbol,) = part.value.symbols
        domain = self._domains[symbol]
        remaining = domain.intersection(solution)  # type: ignore[arg-type]  # both are of the sort of the symbol
        if remaining is None:
            return None
        return False if remaining.is_empty else True if remaining == domain else None

    def _solution(self, part: Comparison) -> Domain | RealInterval | None:
        """Return where a comparison of one symbol holds; ``None`` for several symbols, and where it is not found."""
        key = part.key
        if key not in self._solutions:
            symbols = part.value.symbols
            only = next(iter(symbols)) if len(symbols) == 1 else None
            self._solutions[key] = (
                None if only is None else self._integer_solution(part, only) if only.integer else solve_real(part, only)
            )
        return self._solutions[key]

    def _integer_solution(self, part: Comparison, symbol: Atom) -> Domain | None:
        found = quasi_period(part.value)
        if found is None:
            return None
        self._work += found.period * part.value.weight
        if self._work > MAX_WORK:
            self.exhausted = True
            return None
        return solve_quasi_periodic(part, symbol, found)

    # requirements

    def require(self, condition: Any, message: str, names: dict[str, object]) -> None:
        for part in condition.parts:
            if not self._restrict(part):
                raise Impossible(message, **names)

    def _restrict(self, part: Comparison) -> bool:
        """Assume a comparison from here on, and return whether it can hold at all."""
        decision = self._decide(part)
        if decision is not None:
            return decision
        solution = self._solution(part)
        if solution is not None:
            (symbol,) = part.value.symbols
            domain = self._domains[symbol]
            remaining = domain.intersection(solution)  # type: ignore[arg-type]  # both are of the sort of the symbol
            if remaining is not None and not (isinstance(remaining, Domain) and remaining.is_ragged):
                self._domains[symbol] = remaining
                self._revision += 1
                return not remaining.is_empty
        self._refine_grid(_required_integer(self, part))
        self._conditions.setdefault(part.key, part)
        return True

    @contextmanager
    def without_requirements(self) -> Iterator[None]:
        """Calculate without lasting requirements: those that are made in the meantime are dropped at the end."""
        domains, conditions, decisions = self._domains, self._conditions, self._decisions
        self._domains, self._conditions, self._decisions = dict(domains), dict(conditions), dict(decisions)
        try:
            yield
        finally:
            self._domains, self._conditions, self._decisions = domains, conditions, decisions
            self._revision += 1

    def as_integer(self, a: Number, what: str) -> Number:
        if is_integer(a):
            return a
        self._refine_grid(a)
        condition = self.compare("==", a - self.floor(a))
        if condition is False:
            raise Impossible(NOT_INTEGER, what=what, a=a)
        if condition is not True:
            self.require(condition, NOT_INTEGER, {"what": what, "a": a})
        return a

    def _refine_grid(self, integer: Number) -> None:
        """Put a real symbol x on a grid where a number slope·x + constant is an integer.

        Raises:
            SymbolRefined: the calculation must start again with the symbol on the grid.
        """
        terms = terms_of(integer)
        linear = [(m[0][0], c) for m, c in terms.items() if len(m) == 1 and m[0][1] == 1]
        if len(linear) == 1 and len(terms) <= 1 + (UNIT in terms):
            symbol, slope = linear[0]
            if symbol.op == "symbol" and not symbol.integer:
                step = simplified(abs(Fraction(1) / slope))
                offset = simplified(Fraction(-terms.get(UNIT, 0)) / slope % step)
                free = replace(self.free[symbol.name], domain=self._domains[symbol])
                raise SymbolRefined(free.on_grid(step, offset))


def _arguments(op: Op, number: Number) -> list[Number]:
    """Return the arguments of a maximum (minimum), times its coefficient; of any other number, itself."""
    if isinstance(number, SymbolicNumber) and len(number.terms) == 1:
        ((monomial, scale),) = number.terms.items()
        if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].op == op and scale > 0:
            return [simplified(arg * scale) for arg in monomial[0][0].args]
    return [number]


def _required_integer(context: Symbols, part: Comparison) -> Number:
    """Return the number y of a comparison y == ⌊y⌋, which requires it to be an integer; 0 for other comparisons."""
    if part.relation == "==":
        for monomial, coefficient in part.value.terms.items():
            if len(monomial) == 1 and monomial[0][0].op == "floor" and is_plain(monomial[0][0].args[1]):
                top, bottom = monomial[0][0].args
                number = top * (Fraction(1) / bottom)
                difference = (SymbolicNumber(context, {monomial: 1}) - number) * coefficient
                if part.value.key == difference.key:
                    return number
    return 0
