"""The error function on arrays, which NumPy lacks."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from archcalc.executor.kernel import Array, Context

LIMIT = 6.0
"""Beyond this the error function is ±1 in double precision."""
STEP = 1 / 256
DEGREES = {4: 3, 8: 6}
"""The degree of the polynomials by the bytes of a number: the next term is less than the last digit."""


@cache
def _expansions(dtype: np.dtype[np.floating]) -> Array:
    """Return Taylor coefficients (rows, highest first) around every multiple of `STEP` from −`LIMIT` to `LIMIT`.

    erf′(x) = 2/√π·e^(−x²) and erf″ = −2x·erf′ give a₀, a₁ and (n + 2)·a[n + 2] = −2·x·a[n + 1] − 2n/(n + 1)·a[n].
    """
    centres = np.arange(-LIMIT, LIMIT + STEP / 2, STEP)
    rows = [np.array([math.erf(x) for x in centres]), 2 / math.sqrt(math.pi) * np.exp(-(centres**2))]
    for n in range(DEGREES[dtype.itemsize] - 1):
        rows.append((-2 * centres * rows[-1] - 2 * n / (n + 1) * rows[-2]) / (n + 2))
    return np.stack(rows[::-1]).astype(dtype)


def erf(context: Context, x: Array) -> Array:
    """Return the error function of every number, to the precision of its type: a Taylor polynomial around a
    nearby point."""
    limited = np.clip(x, -LIMIT, LIMIT)
    nearest = np.rint(limited / STEP)
    distance = limited - nearest * x.dtype.type(STEP)
    index = (nearest + LIMIT / STEP).astype(np.intp)  # arbitrary for NaN, whose distance makes the result NaN
    first, *others = _expansions(x.dtype)
    result: Array = first.take(index, mode="clip")
    for coefficients in others:
        result *= distance
        result += coefficients.take(index, mode="clip")
    context.count(erf=x.size)
    return result
