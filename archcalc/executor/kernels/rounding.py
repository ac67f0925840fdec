"""Rounding to a number format."""

from __future__ import annotations

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.ops.formats import NumberFormat

FUNCTIONS = {"nearest": np.rint, "up": np.ceil, "down": np.floor}
"""How magnitudes become integers: the nearest one, of two the even one; away from zero; towards zero."""


def round_unlimited(x: Array, form: NumberFormat, rounding: str = "nearest") -> Array:
    """Return the numbers next to real numbers that a format would have if there were no largest one.

    Args:
        x: the real numbers.
        form: the format.
        rounding: one of `FUNCTIONS`.
    """
    with np.errstate(all="ignore"):
        sizes = np.abs(x)
        distances = np.maximum(np.frexp(sizes)[1] - 1 - form.fraction, form.finest)
        sizes = np.ldexp(FUNCTIONS[rounding](np.ldexp(sizes, -distances)), distances)
        found: Array = np.copysign(sizes, x)
    return found


def round_to_format(x: Array, form: NumberFormat, *, saturate: bool, rounding: str = "nearest") -> Array:
    """Return the numbers of a format of floating-point numbers that take the place of real ones.

    Args:
        x: the real numbers.
        form: the format.
        saturate: whether the largest number replaces those beyond. Otherwise, they become infinite, or NaN in a format
            without infinities; a format with neither saturates always.
        rounding: one of `FUNCTIONS`.
    """
    if rounding == "nearest" and not saturate and (converted := _half(x, form)) is not None:
        return converted
    found, least, most = round_unlimited(x, form, rounding), float(form.least), float(form.largest)
    with np.errstate(all="ignore"):
        if saturate or not form.nan:
            found = np.clip(found, -most, most)
        else:
            found = np.where(np.abs(found) > most, np.copysign(np.inf if form.infinities else np.nan, x), found)
        if not form.zero:
            found = np.where(np.abs(found) < least, least if saturate else np.nan, found)
        if not form.signed:
            found = np.where(x < 0, np.nan, found)
    if not form.nan:
        found = np.where(np.isnan(x), 0, found)
    if not form.negative_zero:
        found = found + 0.0
    result: Array = found.astype(x.dtype, copy=False)
    return result


def _half(x: Array, form: NumberFormat) -> Array | None:
    """Return numbers rounded to a format of 16 bits, for which processors and their integers are fast, or ``None``."""
    if form.name == "float16":
        with np.errstate(over="ignore", under="ignore"):
            converted: Array = x.astype(np.float16).astype(x.dtype)
        return converted
    if form.name != "bfloat16" or x.dtype != np.float32:
        return None
    bits = np.array(x, order="C").view(np.uint32)  # the upper half of a float32 is a bfloat16
    bits += (bits >> np.uint32(16) & np.uint32(1)) + np.uint32(0x7FFF)  # to the nearest one, of two to the even one
    bits &= np.uint32(0xFFFF0000)
    found: Array = bits.view(np.float32)
    np.copyto(found, x, where=np.isnan(x))
    return found
