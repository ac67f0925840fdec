"""Derivations and their steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archcalc.numeric.traced import Notation, TracedNumber


@dataclass(frozen=True)
class DerivationStep:
    """A line ``symbol = formula = numbers = value``; parts that would repeat the previous one are empty.

    The note is plain text; in LaTeX, symbols in it are between dollar signs.
    """

    symbol: str
    formula: str
    numbers: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Derivation:
    """The derivation of one quantity of a layer, a stage, or the network."""

    target: str
    quantity: str
    steps: tuple[DerivationStep, ...]


class Contradiction(AssertionError):
    """The result of a derivation differs from the analysis, so neither may be shown."""


def check_agreement(target: str, quantity: str, derived: Any, analysed: Any) -> None:
    """Check that the result of a derivation equals that of the analysis.

    Raises:
        Contradiction: it does not.
    """
    if derived != analysed:
        raise Contradiction(f"{target}: {quantity} is derived as {derived}, the analysis says {analysed}")


def step(notation: Notation, symbol: str, number: Any, note: str = "") -> DerivationStep:
    """Return a line of a derivation, without its inner steps."""
    value = notation.value(number)
    if not isinstance(number, TracedNumber):
        return DerivationStep(symbol, "", "", value, note)
    formula, numbers = notation.symbols(number), notation.numbers(number)
    return DerivationStep(
        symbol,
        formula if formula != symbol else "",
        numbers if numbers not in (str(number.value), value) else "",
        value,
        note,
    )


def steps(notation: Notation, symbol: str, number: Any, note: str = "") -> Iterator[DerivationStep]:
    """Yield the lines of a derivation, first those of the inner steps that have names of their own."""
    for inner in notation.steps(number):
        yield step(notation, notation.symbol(inner.name), inner.args[0])
    yield step(notation, notation.symbol(symbol), number, note)
