"""Results in the names that were asked for: a calculation on a grid x = step·t + offset has numbers in t."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric.helpers import is_plain, simplified
from archcalc.numeric.symbolic.free_symbol import FreeSymbol
from archcalc.numeric.symbolic.number import Atom, Condition, Number, SymbolicNumber, content, terms_of
from archcalc.numeric.symbolic.symbols import Symbols


def free_symbol(symbols: Symbols, free: FreeSymbol) -> SymbolicNumber:
    """Return x itself as a number, which differs from t where x is on a grid."""
    if free.step is None:
        return symbols.function("symbol", (free.name,), integer=False)
    if free.is_own_index:
        return symbols.function("symbol", (free.name,), integer=True)
    is_integer = type(free.step) is int and type(free.offset) is int
    return symbols.function("symbol", (free.name, "itself"), integer=is_integer)


def in_free_symbols(symbols: Symbols, number: Number) -> Number:
    """Return a number with t = (x − offset)/step substituted; its floors are not brought into normal form again."""
    if is_plain(number) or all(free.step is None or free.is_own_index for free in symbols.free.values()):
        return number
    return Substitution(symbols).number(number)


class Substitution:
    """The substitution of x for t in numbers of one calculation; each atom is replaced once."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._replaced: dict[Atom, Number] = {}

    def number(self, number: Number) -> Number:
        """Return a number with its symbols replaced."""
        total: Number = 0
        for monomial, coefficient in terms_of(number).items():
            term: Number = coefficient
            for atom, exponent in monomial:
                if atom not in self._replaced:
                    self._replaced[atom] = self._atom(atom)
                term = term * self._replaced[atom] ** exponent
            total = total + term
        return total

    def _atom(self, atom: Atom) -> Number:
        if atom.op == "symbol":
            free = self.symbols.free[atom.name]
            x = free_symbol(self.symbols, free)
            return x if free.step is None else (x - free.offset) * (Fraction(1) / free.step)
        if atom.op == "truth":
            parts = tuple(part._replace(value=self.number(part.value)) for part in atom.args[0].parts)
            return self.symbols.function("truth", (Condition(self.symbols, parts),), integer=True)
        args = [self.number(arg) for arg in atom.args]
        if atom.op == "floor":
            scale = content([c for arg in args for c in terms_of(arg).values()])
            args = [simplified(arg * (Fraction(1) / scale)) for arg in args]
        return self.symbols.function(atom.op, tuple(args), integer=atom.integer)
