"""Evaluates written derivations, independently of the code that writes them."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor, gcd
from typing import Any

SCOPE = {"F": Fraction, "floor": floor, "ceil": ceil, "max": max, "min": min, "gcd": gcd, "round": round}


def evaluate(written: str) -> Any:
    """Return the value of a formula with its numbers substituted, such as ``⌊(227 + 2·0 − 11)/4⌋ + 1``."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", written)  # separators of thousands; arguments are separated by ", "
    text = text.replace("·", "*").replace("−", "-").replace(" mod ", "%")
    while re.search("[⌊⌈]", text):
        text = re.sub(r"⌊([^⌊⌋⌈⌉]*)⌋", r"floor(F(\1))", text)
        text = re.sub(r"⌈([^⌊⌋⌈⌉]*)⌉", r"ceil(F(\1))", text)
    return eval(text.replace("/", "/F(1)/"), SCOPE)
