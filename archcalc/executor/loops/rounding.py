"""Rounding to a number format, in exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from archcalc.ops.formats import NumberFormat


def round_unlimited(x: Any, form: NumberFormat, rounding: str = "nearest") -> Any:
    """Return the number next to another one that a format would have if there were no largest one.

    Args:
        x: the number: a float or an exact one.
        form: the format.
        rounding: to the ``nearest`` number (of two, the even one), away from zero (``up``) or towards zero (``down``).
    """
    if isinstance(x, float):
        return math.copysign(float(round_unlimited(Fraction(x), form, rounding)), x) if math.isfinite(x) else x
    size, exponent = abs(x), form.finest + form.fraction
    while Fraction(2) ** (exponent + 1) <= size:
        exponent += 1
    distance = Fraction(2) ** (exponent - form.fraction)
    below = math.floor(size / distance)
    rest = size / distance - below
    half = Fraction(1, 2)
    is_up = {"down": False, "up": rest > 0, "nearest": rest > half or (rest == half and below % 2 == 1)}[rounding]
    return (below + bool(is_up)) * distance * (-1 if x < 0 else 1)


def convert_number(x: Any, form: NumberFormat, *, saturate: bool, rounding: str) -> Any:
    """Return the number of a format that takes the place of another one; see `round_unlimited` for the arguments.

    With ``saturate``, the largest number of the format replaces those beyond; without, infinity or NaN does.
    """
    if x != x:
        return x if form.nan else 0.0
    sign = -1 if x < 0 else 1
    found = round_unlimited(x, form, rounding)
    if not form.signed and x < 0:
        return math.nan
    if abs(found) > form.largest:
        if saturate or not form.nan:
            return type(found)(sign * form.largest)
        return sign * math.inf if form.infinities else math.nan
    if not form.zero and abs(found) < form.least:
        return type(found)(form.least) if saturate else math.nan
    return found if found or form.negative_zero else type(found)(0)
