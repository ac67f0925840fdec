"""Trigonometric and hyperbolic functions and inverses, as far as they follow from sines, powers and logarithms."""

from __future__ import annotations

from fractions import Fraction

from archcalc.ops.arithmetic import Abs, Cos, Exp, Log, Offset, Pow, Scale, Sin, Sqrt
from archcalc.ops.joins import Add, Div, Mul, Sub
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.comparison import sign_of
from archcalc.readers.aten.registry import Arguments, translates
from archcalc.readers.steps import Step, make

HALF = make(Scale, factor=Fraction(1, 2))
OPPOSITE = make(Scale, factor=-1)


@translates("tan")
def tangent(a: Arguments) -> list[Step]:
    c, x = Composition(a), a.tensor("self")
    return c.done(c.join(Div(), c.apply(x, Sin()), c.apply(x, Cos())))


@translates("sinh", "cosh")
def hyperbolic(a: Arguments) -> list[Step]:
    """Translate (eˣ − e⁻ˣ)/2, or the sum."""
    c, x = Composition(a), a.tensor("self")
    both = c.join(Sub() if a.operator == "sinh" else Add(), c.apply(x, Exp()), c.apply(x, OPPOSITE, Exp()))
    return c.done(c.apply(both, HALF))


@translates("asinh", "acosh")
def inverse_of_hyperbolic(a: Arguments) -> list[Step]:
    """Translate log(|x| + √(x² ± 1)), with the sign of x for the inverse of the sine."""
    c, x = Composition(a), a.tensor("self")
    is_sine = a.operator == "asinh"
    size = c.apply(x, Abs()) if is_sine else x
    root = c.apply(x, make(Pow, exponent=2), make(Offset, by=1 if is_sine else -1), make(Sqrt))
    found = c.apply(c.join(Add(), size, root), Log())
    return c.done(c.join(Mul(), found, sign_of(c, x)) if is_sine else found)


@translates("atanh")
def inverse_of_hyperbolic_tangent(a: Arguments) -> list[Step]:
    """Translate ½·log((1 + x)/(1 − x))."""
    c, x = Composition(a), a.tensor("self")
    ratio = c.join(Div(), c.apply(x, make(Offset, by=1)), c.apply(x, OPPOSITE, make(Offset, by=1)))
    return c.done(c.apply(ratio, Log(), HALF))
