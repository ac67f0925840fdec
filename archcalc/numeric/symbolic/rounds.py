"""Calculating with symbols again and again, each time with what became known of them before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from archcalc.numeric.symbolic.free import Free, Refined
from archcalc.numeric.symbolic.symbols import Symbols

Result = TypeVar("Result")

MOST_ROUNDS = 60
"""How often a calculation starts again."""


def settled(free: Iterable[Free], calculate: Callable[[Symbols], Result]) -> tuple[Symbols, Result]:
    """Calculate, and again with what became known of the symbols, until there is nothing more to know.

    Raises:
        Impossible: from the calculation.
    """
    known = {each.name: each for each in free}
    for _ in range(MOST_ROUNDS):
        kind = Symbols(known.values())
        try:
            result = calculate(kind)
        except Refined as more:
            known[more.free.name] = more.free
            continue
        refined = kind.refined()
        on_new_grid = any(refined[name].step != free.step for name, free in known.items())
        if not on_new_grid and (refined == known or not kind.undecided):
            break
        known = refined
    return kind, result
