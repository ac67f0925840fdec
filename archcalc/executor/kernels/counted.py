"""Functions of NumPy that report their operations: one of each of their kinds per number of the result.

Kernels are written with them, so the count reflects the functions that were called and the arrays they were called on.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from archcalc.executor.kernel import Array, Context


class Counted(Protocol):
    """An elementwise function that reports its operations, with `out` as in NumPy."""

    def __call__(self, context: Context, *operands: Any, out: Array | None = None) -> Array: ...


def counted(function: np.ufunc, *kinds: str) -> Counted:
    """Return a function of NumPy that reports one operation of each of ``kinds`` per number of its result."""

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
"""eˣ − 1, accurate for small x."""
log1p = counted(np.log1p, "add", "log")
"""log(1 + x), accurate for small x."""


def total(context: Context, x: Array, axes: int | tuple[int, ...]) -> Array:
    """Return sums along axes, which are kept with size 1; each takes one addition fewer than it has terms."""
    sums: Array = np.add.reduce(x, axis=axes, keepdims=True)
    context.count(add=x.size - sums.size)
    return sums


def largest(context: Context, x: Array, axes: int | tuple[int, ...]) -> Array:
    """Return maxima along axes, which are kept with size 1; each takes one comparison fewer than it has numbers."""
    maxima: Array = np.maximum.reduce(x, axis=axes, keepdims=True)
    context.count(cmp=x.size - maxima.size)
    return maxima
