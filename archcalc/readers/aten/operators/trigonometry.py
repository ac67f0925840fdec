"""Trigonometric and hyperbolic functions and inverses, as far as they follow from sines, powers and logarithms."""

from __future__ import annotations

from fractions import Fraction
from math import pi

from archcalc.ops.arithmetic import Abs, Atan, Cos, Exp, Log, Offset, Pow, Scale, Sin, Sqrt
from archcalc.ops.joins import Add, Compare, Div, Mul, Sub, Where
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


@translates("asin", "acos", "arcsin", "arccos")
def inverse(a: Arguments) -> list[Step]:
    """Translate arctan(x/√((1 + x)·(1 − x))), or for the cosine 2·arctan(√((1 − x)/(1 + x)))."""
    c, x = Composition(a), a.tensor("self")
    above, below = c.apply(x, make(Offset, by=1)), c.apply(x, OPPOSITE, make(Offset, by=1))
    if a.operator.endswith("sin"):
        return c.done(c.apply(c.join(Div(), x, c.apply(c.join(Mul(), above, below), make(Sqrt))), make(Atan)))
    return c.done(c.apply(c.join(Div(), below, above), make(Sqrt), make(Atan), make(Scale, factor=2)))


@translates("atan2", "arctan2")
def angle(a: Arguments) -> list[Step]:
    """Translate the angle of the point (x, y): arctan(y/x), plus π or −π if x is negative; that of (0, 0) is 0."""
    c, y, x = Composition(a), a.tensor("self"), a.tensor("other")
    zero = c.number(0)
    ratio = c.join(Where(), c.join(make(Compare, how="equal"), y, zero), y, c.join(Div(), y, x))
    half_turn = c.join(Where(), c.join(make(Compare, how="less"), y, zero), c.number(-pi), c.number(pi))
    turned = c.join(Where(), c.join(make(Compare, how="less"), x, zero), half_turn, zero)
    return c.done(c.join(Add(), c.apply(ratio, make(Atan)), turned))


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
