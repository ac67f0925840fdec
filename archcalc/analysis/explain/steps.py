"""What a derivation is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archcalc.numeric.traced import Notation, Traced


@dataclass(frozen=True)
class Step:
    """``symbol = formula = numbers = value``; parts that would repeat what stands before are empty.

    The note is text, also in LaTeX, where symbols in it stand between dollar signs.
    """

    symbol: str
    formula: str
    numbers: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Derivation:
    """How one quantity of one layer (or of a stage, or the network) comes about."""

    target: str
    quantity: str
    steps: tuple[Step, ...]


class Contradiction(AssertionError):
    """A derivation ends in another number than the analysis: neither may be shown."""


def agree(target: str, quantity: str, derived: Any, analysed: Any) -> None:
    """Insist that a derivation ends in the number of the analysis.

    Raises:
        Contradiction: it does not.
    """
    if derived != analysed:
        raise Contradiction(f"{target}: {quantity} is derived as {derived}, the analysis says {analysed}")


def step(notation: Notation, symbol: str, number: Any, note: str = "") -> Step:
    """A line of a derivation, without the steps inside of it."""
    value = notation.value(number)
    if not isinstance(number, Traced):
        return Step(symbol, "", "", value, note)
    formula, numbers = notation.symbols(number), notation.numbers(number)
    return Step(
        symbol,
        formula if formula != symbol else "",
        numbers if numbers not in (str(number.value), value) else "",
        value,
        note,
    )


def steps(notation: Notation, symbol: str, number: Any, note: str = "") -> Iterator[Step]:
    """The lines of a derivation: first the steps inside of it that have names of their own."""
    for inner in notation.steps(number):
        yield step(notation, notation.symbol(inner.name), inner.args[0])
    yield step(notation, notation.symbol(symbol), number, note)
