"""Functions of NumPy that report their operations: one of each of their kinds per number of the result.

Kernels are written with them, so the count reflects the functions that were called and the arrays they were called on.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from archcalc.executor.kernel import Array, Context


class CountedFunction(Protocol):
    """An elementwise function that reports its operations, with `out` as in NumPy."""

    def __call__(self, context: Context, *operands: Any, out: Array | None = None) -> Array: ...


def counted(function: np.ufunc, *kinds: str) -> CountedFunction:
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
sin = counted(np.sin, "sin")
cos = counted(np.cos, "sin")
arctan = counted(np.arctan, "sin")
power = counted(np.power, "pow")
expm1 = counted(np.expm1, "exp", "add")
"""eˣ − 1, accurate for small x."""
log1p = counted(np.log1p, "add", "log")
"""log(1 + x), accurate for small x."""


class CountedReduction(Protocol):
    """A function that combines numbers along axes, which are kept with size 1, and reports its operations."""

    def __call__(self, context: Context, x: Array, axes: int | tuple[int, ...]) -> Array: ...


def reduction(function: np.ufunc, kind: str) -> CountedReduction:
    """Return a reduction that reports one operation fewer than there are numbers, per number of its result."""

    def apply(context: Context, x: Array, axes: int | tuple[int, ...]) -> Array:
        result: Array = function.reduce(x, axis=axes, keepdims=True)
        context.count(**{kind: x.size - result.size})
        return result

    return apply


total = reduction(np.add, "add")
largest = reduction(np.maximum, "cmp")
smallest = reduction(np.minimum, "cmp")
multiplied = reduction(np.multiply, "mul")
