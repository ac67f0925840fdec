"""Arithmetic progressions of exact numbers: `range`, and its counterpart for fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import overload

from archcalc.numeric.helpers import simplified


class Progression(Sequence[int | Fraction]):
    """The numbers start, start + step, …, of which there are ``length``; none of them is stored."""

    def __init__(self, start: int | Fraction, step: int | Fraction, length: int) -> None:
        self.start = start
        self.step = step
        self.length = length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Progression):
            return NotImplemented
        return (self.start, self.step, self.length) == (other.start, other.step, other.length)

    def __hash__(self) -> int:
        return hash((self.start, self.step, self.length))

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> int | Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> Progression: ...
    def __getitem__(self, index: int | slice) -> int | Fraction | Progression:
        places = range(self.length)[index]
        if isinstance(places, range):
            return Progression(self.start + self.step * places.start, self.step * places.step, len(places))
        number: int | Fraction = simplified(self.start + self.step * places)
        return number


def progression(start: int | Fraction, step: int | Fraction, length: int) -> range | Progression:
    """Return a progression, as a `range` where its numbers are integers."""
    start, step = simplified(start), simplified(step)
    if isinstance(start, int) and isinstance(step, int):
        return range(start, start + step * length, step)
    return Progression(start, step, length)
