"""Results in the names that were asked for: out of grids (H = 16·t), with conditions as people write them."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric.helpers import is_plain, normal
from archcalc.numeric.symbolic.domain import MOST_CLASSES, Domain, Interval
from archcalc.numeric.symbolic.free import Free
from archcalc.numeric.symbolic.number import (
    Atom,
    Comparison,
    Condition,
    Number,
    Plain,
    Symbolic,
    content,
    terms_of,
)
from archcalc.numeric.symbolic.symbols import Symbols

MOST_LISTED = 12
"""Numbers that a condition lists one by one."""


def symbol_of(kind: Symbols, free: Free) -> Symbolic:
    """The symbol that stands for x itself."""
    if free.step is None:
        return kind.function("symbol", (free.name,), whole=False)
    if free.is_plain_size:
        return kind.function("symbol", (free.name,), whole=True)
    whole = type(free.step) is int and type(free.offset) is int
    return kind.function("symbol", (free.name, "itself"), whole=whole)


def shown(kind: Symbols, number: Number) -> Number:
    """A number in terms of the names that were asked for; its floors are not simplified again."""
    if is_plain(number) or all(free.step is None or free.is_plain_size for free in kind.free.values()):
        return number
    return _Outward(kind).number(number)


class _Outward:
    def __init__(self, kind: Symbols) -> None:
        self.kind = kind
        self.known: dict[Atom, Number] = {}

    def number(self, number: Number) -> Number:
        total: Number = 0
        for monomial, coefficient in terms_of(number).items():
            term: Number = coefficient
            for atom, exponent in monomial:
                if atom not in self.known:
                    self.known[atom] = self.atom(atom)
                term = term * self.known[atom] ** exponent
            total = total + term
        return total

    def atom(self, atom: Atom) -> Number:
        if atom.op == "symbol":
            free = self.kind.free[atom.name]
            x = symbol_of(self.kind, free)
            return x if free.step is None else (x - free.offset) * (Fraction(1) / free.step)
        if atom.op == "truth":
            condition = atom.args[0]
            parts = tuple(part._replace(value=self.number(part.value)) for part in condition.parts)
            return self.kind.function("truth", (Condition(self.kind, parts),), whole=True)
        args = [self.number(arg) for arg in atom.args]
        if atom.op == "floor":
            scale = content([c for arg in args for c in terms_of(arg).values()])
            args = [normal(arg * (Fraction(1) / scale)) for arg in args]
        return self.kind.function(atom.op, tuple(args), whole=atom.whole)


def conditions(kind: Symbols) -> list[Comparison]:
    """Under which conditions the results of a calculation hold, apart from that symbols are positive."""
    found = []
    for free in kind.refined().values():
        found += _of_symbol(kind, free)
    outward = _Outward(kind)
    for part in kind.open_conditions():
        value = outward.number(part.value)
        if isinstance(value, Symbolic):
            found.append(as_remainder(kind, part._replace(value=value)))
    return found


def _of_symbol(kind: Symbols, free: Free) -> list[Comparison]:
    # a grid that the last round found is one that the calculation did not start with: same symbol all the same
    x = symbol_of(kind, kind.free[free.name])
    if isinstance(free.domain, Interval):
        return _of_interval(x, free.domain)
    assert free.step is not None
    step, offset, domain = Fraction(free.step), free.offset, free.domain
    if type(free.step) is type(offset) is int and step * domain.period <= MOST_CLASSES:
        return _of_whole(kind, x, domain.spread(free.step, offset).reduced())
    scaled = (x - offset) * step.denominator
    found = [Comparison("==", _remainder(kind, scaled, step.numerator))]
    if domain.period > 1:
        return [*found, *_of_whole(kind, (x - offset) * (1 / step), domain)]
    smallest = 1 + (-Fraction(offset) / step).__floor__()
    if domain.low is not None and domain.low != smallest:
        found.append(Comparison(">=", x - normal(step * domain.low + offset)))
    if domain.high is not None:
        found.append(Comparison(">=", normal(step * domain.high + offset) - x))
    return found


def _of_interval(x: Symbolic, interval: Interval) -> list[Comparison]:
    found = []
    if interval.low is not None and (interval.low, interval.low_open) != (0, True):
        found.append(Comparison(">" if interval.low_open else ">=", x - interval.low))
    if interval.high is not None:
        found.append(Comparison(">" if interval.high_open else ">=", interval.high - x))
    return found


def _of_whole(kind: Symbols, x: Symbolic, domain: Domain) -> list[Comparison]:
    members = domain.members(MOST_LISTED)
    if members is not None and len(members) == 1:
        return [Comparison("==", x - members[0])]
    if members is not None and (domain.period > 1 or len(members) <= 3):
        return [Comparison("in", x, tuple(members))]
    modulus, residues = _residues(domain)
    found = []
    if len(residues) == 1 and modulus > 1:
        found.append(Comparison("==", _remainder(kind, x, modulus) - residues[0]))
    elif modulus > 1 and len(residues) == modulus - 1:
        (missing,) = set(range(modulus)) - set(residues)
        found.append(Comparison("!=", _remainder(kind, x, modulus) - missing))
    elif modulus > 1:
        found.append(Comparison("in", _remainder(kind, x, modulus), residues))
    low, high = domain.low, domain.high
    natural = min(residue or modulus for residue in residues)
    if low is not None and low != natural:
        found.append(Comparison(">=", x - low))
    if high is not None:
        found.append(Comparison(">=", high - x))
    missing_ones = [n for n in _uneven(domain) if n % modulus in residues and not domain.has(n)]
    if missing_ones:
        found.append(Comparison("not in", x, tuple(missing_ones)))
    return found


def _uneven(domain: Domain) -> list[int]:
    """The numbers near the ends of a set, where some classes have begun (or ended) and others have not."""
    lows = [bounds[0] for bounds in domain.classes if bounds and bounds[0] is not None]
    highs = [bounds[1] for bounds in domain.classes if bounds and bounds[1] is not None]
    near = list(range(min(lows), max(lows))) if lows else []
    return near + (list(range(max(min(highs), near[-1] + 1 if near else min(highs)), max(highs))) if highs else [])


def _residues(domain: Domain) -> tuple[int, tuple[int, ...]]:
    """The shortest modulus that tells which classes are present, and their residues."""
    present = [residue for residue, bounds in enumerate(domain.classes) if bounds]
    for modulus in range(1, domain.period + 1):
        if domain.period % modulus == 0:
            residues = sorted({residue % modulus for residue in present})
            if len(residues) * (domain.period // modulus) == len(present):
                return modulus, tuple(residues)
    raise AssertionError("the period itself tells")


def _remainder(kind: Symbols, number: Number, divisor: Number) -> Symbolic:
    return kind.function("mod", (number, divisor), whole=False)


def as_remainder(kind: Symbols, part: Comparison) -> Comparison:
    """The comparison with ``x − m·⌊x/m⌋`` as x % m, where there is nothing else but a constant."""
    for monomial in part.value.terms:
        for atom, _ in monomial:
            if atom.op == "floor":
                top, bottom = atom.args
                times = bottom * Symbolic(kind, {((atom, 1),): 1})
                shared = next(iter(times.terms))
                scale: Plain = normal(Fraction(-part.value.terms.get(shared, 0)) / times.terms[shared])
                rest = part.value - (top - times) * scale if scale else None
                if rest is not None and is_plain(rest) and (scale > 0 or part.relation in ("==", "!=")):
                    return part._replace(value=_remainder(kind, top, bottom) + normal(Fraction(rest) / scale))
    return part
