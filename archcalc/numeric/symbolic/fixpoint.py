"""Calculations repeated with what each round found out about the symbols, until nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from archcalc.numeric.symbolic.free_symbol import FreeSymbol, SymbolRefined
from archcalc.numeric.symbolic.symbols import Symbols
from archcalc.numeric.symbolic.writer import text

Result = TypeVar("Result")

MAX_ROUNDS = 60


def fixpoint(free: Iterable[FreeSymbol], calculate: Callable[[Symbols], Result]) -> tuple[Symbols, Result]:
    """Return the result of a calculation on the refined symbols, and the context in which it was found.

    A round is repeated where it put a symbol on a new grid, or restricted one while comparisons were undecided.

    Raises:
        Impossible: from the calculation.
    """
    known = {each.name: each for each in free}
    for _ in range(MAX_ROUNDS):
        symbols = Symbols(known.values(), text)
        try:
            result = calculate(symbols)
        except SymbolRefined as found:
            known[found.symbol.name] = found.symbol
            continue
        refined = symbols.refined_symbols()
        on_new_grid = any(refined[name].step != each.step for name, each in known.items())
        if not on_new_grid and (refined == known or not symbols.undecided):
            break
        known = refined
    return symbols, result
