"""The conditions under which results hold, in the usual forms: "H % 16 == 0, H ≥ 48"."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric.helpers import is_plain, simplified
from archcalc.numeric.symbolic.domain import MAX_PERIOD, Domain, RealInterval
from archcalc.numeric.symbolic.free_symbol import FreeSymbol
from archcalc.numeric.symbolic.number import Comparison, Number, Plain, SymbolicNumber, from_atom
from archcalc.numeric.symbolic.substitution import Substitution, free_symbol
from archcalc.numeric.symbolic.symbols import Symbols

MAX_LISTED = 12
"""Members of a finite set that a condition lists one by one."""
MAX_LISTED_INTERVAL = 3
"""The same for consecutive integers, which bounds describe as well."""


def conditions(symbols: Symbols) -> list[Comparison]:
    """Return what must hold for the results of a calculation, besides the symbols being positive."""
    found = []
    for free in symbols.refined_symbols().values():
        found += _of_symbol(symbols, free)
    substitution = Substitution(symbols)
    for part in symbols.open_conditions():
        value = substitution.number(part.value)
        if isinstance(value, SymbolicNumber):
            found.append(_as_remainder(symbols, part._replace(value=value)))
    return found


def _of_symbol(symbols: Symbols, free: FreeSymbol) -> list[Comparison]:
    """Return the conditions on one symbol that its domain expresses."""
    x = free_symbol(symbols, symbols.free[free.name])  # the last round may have found a grid that it did not start on
    if isinstance(free.domain, RealInterval):
        return _of_interval(x, free.domain)
    assert free.step is not None
    step, offset, domain = Fraction(free.step), free.offset, free.domain
    if type(free.step) is type(offset) is int and step * domain.period <= MAX_PERIOD:
        return _of_integer(symbols, x, domain.image(free.step, offset).reduced())
    scaled = (x - offset) * step.denominator
    found = [Comparison("==", _remainder(symbols, scaled, step.numerator))]
    if domain.period > 1:
        return [*found, *_of_integer(symbols, (x - offset) * (1 / step), domain)]
    smallest = 1 + (-Fraction(offset) / step).__floor__()
    if domain.low is not None and domain.low != smallest:
        found.append(Comparison(">=", x - simplified(step * domain.low + offset)))
    if domain.high is not None:
        found.append(Comparison(">=", simplified(step * domain.high + offset) - x))
    return found


def _of_interval(x: SymbolicNumber, interval: RealInterval) -> list[Comparison]:
    found = []
    if interval.low is not None and (interval.low, interval.low_open) != (0, True):
        found.append(Comparison(">" if interval.low_open else ">=", x - interval.low))
    if interval.high is not None:
        found.append(Comparison(">" if interval.high_open else ">=", interval.high - x))
    return found


def _of_integer(symbols: Symbols, x: SymbolicNumber, domain: Domain) -> list[Comparison]:
    members = domain.members(MAX_LISTED)
    if members is not None and len(members) == 1:
        return [Comparison("==", x - members[0])]
    if members is not None and (domain.period > 1 or len(members) <= MAX_LISTED_INTERVAL):
        return [Comparison("in", x, tuple(members))]
    modulus, residues = _residues(domain)
    found = []
    if len(residues) == 1 and modulus > 1:
        found.append(Comparison("==", _remainder(symbols, x, modulus) - residues[0]))
    elif modulus > 1 and len(residues) == modulus - 1:
        (missing,) = set(range(modulus)) - set(residues)
        found.append(Comparison("!=", _remainder(symbols, x, modulus) - missing))
    elif modulus > 1:
        found.append(Comparison("in", _remainder(symbols, x, modulus), residues))
    low, high = domain.low, domain.high
    natural = min(residue or modulus for residue in residues)
    if low is not None and low != natural:
        found.append(Comparison(">=", x - low))
    if high is not None:
        found.append(Comparison(">=", high - x))
    exceptions = [n for n in _near_the_ends(domain) if n % modulus in residues and not domain.contains(n)]
    if exceptions:
        found.append(Comparison("not in", x, tuple(exceptions)))
    return found


def _near_the_ends(domain: Domain) -> list[int]:
    """Return the integers near the ends of a set, where some residue classes have begun (or ended) and others not."""
    lows = [bounds[0] for bounds in domain.classes if bounds and bounds[0] is not None]
    highs = [bounds[1] for bounds in domain.classes if bounds and bounds[1] is not None]
    near = list(range(min(lows), max(lows))) if lows else []
    return near + (list(range(max(min(highs), near[-1] + 1 if near else min(highs)), max(highs))) if highs else [])


def _residues(domain: Domain) -> tuple[int, tuple[int, ...]]:
    """Return the smallest modulus that describes which residue classes have members, and their residues."""
    present = [residue for residue, bounds in enumerate(domain.classes) if bounds]
    for modulus in range(1, domain.period + 1):
        if domain.period % modulus == 0:
            residues = sorted({residue % modulus for residue in present})
            if len(residues) * (domain.period // modulus) == len(present):
                return modulus, tuple(residues)
    raise AssertionError("the period itself describes them")


def _remainder(symbols: Symbols, number: Number, divisor: Number) -> SymbolicNumber:
    return symbols.function("mod", (number, divisor), integer=False)


def _as_remainder(symbols: Symbols, part: Comparison) -> Comparison:
    """Return a comparison of x − m·⌊x/m⌋ and a constant as one of x % m; any other as it is."""
    for monomial in part.value.terms:
        for atom, _ in monomial:
            if atom.op == "floor":
                top, bottom = atom.args
                times = bottom * from_atom(symbols, atom)
                shared = next(iter(times.terms))
                scale: Plain = simplified(Fraction(-part.value.terms.get(shared, 0)) / times.terms[shared])
                rest = part.value - (top - times) * scale if scale else None
                if rest is not None and is_plain(rest) and (scale > 0 or part.relation in ("==", "!=")):
                    return part._replace(value=_remainder(symbols, top, bottom) + simplified(Fraction(rest) / scale))
    return part
