"""NumPy's functions, each reporting what it does: as many operations of its kinds as numbers come out of it.

A kernel written with them counts nothing by itself: what it reports is what was called, on the arrays it was called
with.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from archcalc.executor.kernel import Array, Context


class Counted(Protocol):
    """A function of numbers at the same place, with `out` as NumPy has it."""

    def __call__(self, context: Context, *operands: Any, out: Array | None = None) -> Array: ...


def counted(function: np.ufunc, *kinds: str) -> Counted:
    """A function of NumPy that does one operation of each of ``kinds`` for every number it puts out."""

    def apply(context: Context, *operands: Any, out: Array | None = None) -> Array:
        result: Array = function(*operands, out=out)
        context.count(**dict.fromkeys(kinds, result.size))
        return result

    return apply


add = counted(np.add, "add")
subtract = counted(np.subtract, "add")
multiply = counted(np.multiply, "mul")
divide = counted(np.divide, "div")
maximum = counted(np.maximum, "cmp")
minimum = counted(np.minimum, "cmp")
greater = counted(np.greater, "cmp")
sqrt = counted(np.sqrt, "sqrt")
exp = counted(np.exp, "exp")
log = counted(np.log, "log")
tanh = counted(np.tanh, "tanh")
power = counted(np.power, "pow")
expm1 = counted(np.expm1, "exp", "add")
"""eˣ − 1, without losing the digits of a small x."""
log1p = counted(np.log1p, "add", "log")
"""log(1 + x), without losing the digits of a small x."""


def total(context: Context, x: Array, axes: int | tuple[int, ...]) -> Array:
    """Sums along axes, which are kept with size 1: one addition fewer than numbers in each."""
    sums: Array = np.add.reduce(x, axis=axes, keepdims=True)
    context.count(add=x.size - sums.size)
    return sums


def largest(context: Context, x: Array, axes: int | tuple[int, ...]) -> Array:
    """Maxima along axes, which are kept with size 1: one comparison fewer than numbers in each."""
    maxima: Array = np.maximum.reduce(x, axis=axes, keepdims=True)
    context.count(cmp=x.size - maxima.size)
    return maxima
