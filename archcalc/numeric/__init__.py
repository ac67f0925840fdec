"""Arithmetic for formulas that are generic in the kind of number.

A formula written with ``+ - * //``, comparisons and the helpers of this package works for plain ``int`` (the fast
path) and `Fraction`, and for every further *kind*: a class of numbers whose instances have an attribute ``kind``, an
object with the methods of `Kind`. There are traced numbers (derivations), symbolic numbers (closed forms) and arrays
(sweeps). This package imports nothing else of archcalc.
"""

from archcalc.numeric.helpers import (
    Impossible,
    Kind,
    NeedsPlain,
    NotDivisible,
    NotInteger,
    Number,
    as_integer,
    both,
    ceil_div,
    ceiling,
    divisible,
    exact_div,
    floor,
    fraction_terms,
    gcd,
    is_plain,
    known_equal,
    let,
    maximum,
    may_equal,
    minimum,
    normal,
    product,
    ratio,
    require,
    require_divisible,
    round_half_even,
    select,
)

__all__ = [
    "Impossible",
    "Kind",
    "NeedsPlain",
    "NotDivisible",
    "NotInteger",
    "Number",
    "as_integer",
    "both",
    "ceil_div",
    "ceiling",
    "divisible",
    "exact_div",
    "floor",
    "fraction_terms",
    "gcd",
    "is_plain",
    "known_equal",
    "let",
    "maximum",
    "may_equal",
    "minimum",
    "normal",
    "product",
    "ratio",
    "require",
    "require_divisible",
    "round_half_even",
    "select",
]
