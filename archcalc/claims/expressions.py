"""Expressions as values: ``5*5*6 + 6`` is a number, ``k*k*NIC*NF*H*W`` is compared with the closed form."""

from __future__ import annotations

import re
from fractions import Fraction

from archcalc.numeric import Impossible
from archcalc.spec.errors import Source, SpecError, Text
from archcalc.spec.grammar import parse_value
from archcalc.spec.limits import DEFAULT
from archcalc.spec.numerals import plain
from archcalc.spec.syntax import Size
from archcalc.spec.values import Scope, number

SIGNS = str.maketrans({"^": "**", "·": "*", "×": "*", "−": "-"})
"""How people also write arithmetic."""

_NAMES = re.compile(r"[^\W\d]\w*")
_ARITHMETIC = re.compile(r"[\d\s.+\-*/()]+")


def expression(text: str) -> str:
    """What is to be evaluated: the last of what equals signs part, in the signs of specs."""
    powers = text.replace("**", "^")  # which is no emphasis here
    return plain(powers).rpartition("=")[2].strip().translate(SIGNS)


def formula_in(text: str) -> str:
    """The formula to be compared: ``k*k*NF + NF = 80`` also says what it comes to."""
    before, _, value = text.rpartition("=")
    working = expression(before)
    formula = not _NAMES.search(expression(value)) and has_names(before) and not _NAMES.fullmatch(working)
    return working if formula else expression(text)


def has_names(text: str) -> bool:
    """Whether a text is a formula with names, such as ``2*k + 1``: with something to evaluate, too."""
    written = expression(text)
    if _NAMES.fullmatch(written):
        return True
    return bool(_NAMES.search(written)) and any(sign in written for sign in "+-*/(")


def evaluated(text: str) -> Fraction | None:
    """The value of an arithmetic expression over numbers; ``None`` if the text is something else."""
    written = expression(text)
    if not _ARITHMETIC.fullmatch(written) or not any(sign in written for sign in "+*/"):
        return None
    try:
        parsed = parse_value(Text(Source("", written), written), DEFAULT)
        return None if isinstance(parsed, Size) else Fraction(number(parsed, Scope({}, None, DEFAULT)))
    except (SpecError, Impossible):
        return None
