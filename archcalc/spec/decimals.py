"""Decimals that stand for ratios: 0.857 for 6/7, which makes 224·6/7 an integer."""

from __future__ import annotations

from fractions import Fraction

MAX_DENOMINATOR = 64
"""Decimals are not taken for ratios with larger denominators."""
MAX_PLACES = 12
"""Decimals with more places are not approximations."""


def ratio_meant(value: Fraction) -> Fraction | None:
    """Return the simplest ratio that a decimal rounds; ``None`` if there is none, or if it is exact.

    >>> ratio_meant(Fraction("0.857")), ratio_meant(Fraction("0.3")), ratio_meant(Fraction("0.75"))
    (Fraction(6, 7), Fraction(1, 3), None)
    """
    places = next((n for n in range(1, MAX_PLACES + 1) if (value * 10**n).denominator == 1), None)
    if places is None:
        return None
    for denominator in range(2, min(MAX_DENOMINATOR + 1, value.denominator)):
        nearest = Fraction(round(value * denominator), denominator)
        if abs(nearest - value) * 10**places * 2 <= 1:
            return nearest
    return None
