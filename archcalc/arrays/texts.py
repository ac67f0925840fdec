"""Shapes, counts and measured numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsFloat

DIGITS = 6
"""Significant digits, unless others are asked for."""


def shape_text(shape: Iterable[object]) -> str:
    """Return a shape: ``1x5x5``."""
    return "x".join(map(str, shape)) or "a single number"


def count_text(number: int, noun: str) -> str:
    """Return a count with its noun in the singular or plural: ``1 error``, ``2 errors``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def float_text(number: SupportsFloat, digits: int = DIGITS) -> str:
    """Return the float nearest to a number with so many significant digits."""
    return f"{float(number) + 0.0:.{digits}g}"  # adding 0 turns −0 into 0
