"""Arithmetic that a formula may be written in, whatever kind of number it is given.

A formula uses ``+ - * //``, comparisons and the helpers of this package, and then works for plain ``int`` (the fast
path), for `Fraction`, for traced numbers (derivations), and for every further *kind*: a class of numbers whose
instances carry an attribute ``kind``, an object with the methods of `Kind`. This package imports nothing of archcalc.
"""

from archcalc.numeric.helpers import (
    Impossible,
    Kind,
    NeedsPlain,
    Number,
    as_integer,
    both,
    ceil_div,
    ceiling,
    divisible,
    exact_div,
    floor,
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
    round_half_even,
    select,
)

__all__ = [
    "Impossible",
    "Kind",
    "NeedsPlain",
    "Number",
    "as_integer",
    "both",
    "ceil_div",
    "ceiling",
    "divisible",
    "exact_div",
    "floor",
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
    "round_half_even",
    "select",
]
