"""Arithmetic for formulas that are generic in the kind of number.

A formula written with ``+ - * //``, comparisons and the helpers of this package works for plain ``int`` (the fast
path) and `Fraction`, and for every further *kind*: a class of numbers whose instances have an attribute ``kind``, an
object with the methods of `Kind`. There are traced numbers (derivations), symbolic numbers (closed forms) and arrays
(sweeps). This package imports nothing else of archcalc.
"""

from archcalc.numeric.helpers import (
    Impossible,
    Kind,
    NotDivisible,
    NotInteger,
    Number,
    PlainNumberRequired,
    as_integer,
    both,
    ceil_div,
    ceiling,
    exact_div,
    floor,
    fraction_terms,
    gcd,
    is_plain,
    known_equal,
    let,
    make_divisible,
    maximum,
    may_equal,
    minimum,
    product,
    ratio,
    require,
    require_divisible,
    round_half_even,
    select,
    simplified,
)

__all__ = [
    "Impossible",
    "Kind",
    "NotDivisible",
    "NotInteger",
    "Number",
    "PlainNumberRequired",
    "as_integer",
    "both",
    "ceil_div",
    "ceiling",
    "exact_div",
    "floor",
    "fraction_terms",
    "gcd",
    "is_plain",
    "known_equal",
    "let",
    "make_divisible",
    "maximum",
    "may_equal",
    "minimum",
    "product",
    "ratio",
    "require",
    "require_divisible",
    "round_half_even",
    "select",
    "simplified",
]
