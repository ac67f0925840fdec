"""Exact numbers for the definitions by loops: fractions, and roots that are left unevaluated."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from archcalc.executor.loops.numbers import NumberSubstitute

WHERE_ALGEBRAIC = {
    "exp": (0, 1),
    "log": (1, 0),
    "tanh": (0, 0),
    "erf": (0, 0),
    "sin": (0, 0),
    "cos": (0, 1),
    "atan": (0, 0),
}
"""The only algebraic number of which each function is known to be algebraic, and its value there; for all but ``erf``,
there is no other one (Lindemann 1882)."""


class InexactError(ArithmeticError):
    """A number has no exact form in fractions and roots. The message says which operation needs another one."""


class ExactNumber(NumberSubstitute):
    """A fraction, or an expression of SymPy with roots of fractions."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        """Hold a fraction, an integer, a finite float (exactly), or an expression of SymPy.

        Raises:
            InexactError: the number is not finite.
        """
        self.value = _exact(value)

    def __repr__(self) -> str:
        return f"ExactNumber({self.value})"

    def __hash__(self) -> int:
        return hash(self.value)

    def __add__(self, other: object) -> ExactNumber:
        return ExactNumber(self.value + _exact(other))

    __radd__ = __add__

    def __sub__(self, other: object) -> ExactNumber:
        return ExactNumber(self.value - _exact(other))

    def __rsub__(self, other: object) -> ExactNumber:
        return ExactNumber(_exact(other) - self.value)

    def __mul__(self, other: object) -> ExactNumber:
        return ExactNumber(self.value * _exact(other))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> ExactNumber:
        return ExactNumber(_quotient(self.value, _exact(other)))

    def __rtruediv__(self, other: object) -> ExactNumber:
        return ExactNumber(_quotient(_exact(other), self.value))

    def __pow__(self, exponent: object) -> ExactNumber:
        return ExactNumber(_power(self.value, _exact(exponent)))

    def __neg__(self) -> ExactNumber:
        return ExactNumber(-self.value)

    def __abs__(self) -> ExactNumber:
        return ExactNumber(abs(self.value))

    @staticmethod
    def comparable(other: Any) -> Any:
        """Return the other side of a comparison, which may be infinite."""
        if isinstance(other, float) and math.isinf(other):
            import sympy

            return sympy.oo if other > 0 else -sympy.oo
        return _exact(other)

    def apply(self, function: str) -> ExactNumber:
        """Return a function of the number.

        Raises:
            InexactError: it is neither a fraction nor a root.
        """
        if function == "sqrt":
            return ExactNumber(_power(self.value, Fraction(1, 2)))
        if function == "floor":
            return ExactNumber(math.floor(self))
        where, value = WHERE_ALGEBRAIC[function]
        if self.value == where:
            return ExactNumber(value)
        raise InexactError(f"{function}({self.value}) is neither a fraction nor a root of one")

    def rounded(self, value: Any) -> ExactNumber:
        """Return a number that this one has been rounded to."""
        return ExactNumber(value)


def _exact(value: Any) -> Any:
    """Return a number as a fraction, or as an expression of SymPy if it is irrational."""
    if isinstance(value, ExactNumber):
        return value.value
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise InexactError(f"{'NaN' if math.isnan(value) else 'infinity'} has no exact form")
        return Fraction(value)
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else value


def _quotient(a: Any, b: Any) -> Any:
    if not b:
        raise InexactError("a division by zero has no exact result")
    return a / b


def _power(base: Any, exponent: Fraction) -> Any:
    """Return a power, with roots evaluated where they are rational."""
    if exponent.denominator == 1 and isinstance(base, Fraction):
        if not base and exponent < 0:
            raise InexactError("a division by zero has no exact result")
        return base**exponent.numerator
    import sympy

    found = sympy.Pow(sympy.sympify(base), sympy.sympify(exponent))
    if not found.is_real:
        raise InexactError(f"the power {exponent} of {base} is not a real number")
    return found
