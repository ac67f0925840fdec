"""Values as people write them: ``61,706``, ``569M``, ``1.8e9``, ``60 million``, ``6x28x28``, ``at most 500K``.

A whole number without a suffix is meant exactly. A suffix, a decimal point or an exponent says that the value was
rounded: it holds for every number that rounds to it at the printed precision.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, NamedTuple

Relation = Literal["=", "<=", ">=", "<", ">"]

RELATIONS: dict[str, Relation] = {
    "at most": "<=",
    "at least": ">=",
    "below": "<",
    "above": ">",
    "<=": "<=",
    "≤": "<=",
    ">=": ">=",
    "≥": ">=",
    "<": "<",
    ">": ">",
    "=": "=",
}

SCALES = {
    "": 0,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "million": 6,
    "mio": 6,
    "g": 9,
    "b": 9,
    "billion": 9,
    "t": 12,
    "trillion": 12,
}

SEPARATORS = ",_'’ \u00a0\u2009\u202f٬"
_NUMBER = re.compile(
    rf"(?P<sign>[-−]?)(?P<whole>\d{{1,3}}(?:[{SEPARATORS}]\d{{3}})+|\d+)?(?:\.(?P<decimals>\d+))?"
    r"(?:[eE](?P<exponent>[+-]?\d{1,3})|(?:\s*[·×x*]\s*10\^(?P<power>[+-]?\d{1,3})))?"
    r"\s*(?P<scale>[A-Za-z]*)"
)
_RATIO = re.compile(r"(\d{1,60})/(\d{1,60})")
_TARGET = re.compile(r"[A-Za-z][\w./-]*\.[a-z][a-z_]+")
_LONGEST = 200


class Quantity(NamedTuple):
    """A number as written: its value, and how far the true value may lie from it (0: exactly)."""

    value: Fraction
    tolerance: Fraction


class Statement(NamedTuple):
    """What is said of a quantity: a relation and one number, several (a shape, one per axis), or a word."""

    relation: Relation
    numbers: tuple[Quantity, ...]
    word: str = ""
    other: str = ""
    """A target to compare with, instead of numbers: ``> B.params``."""
    truncated: bool = False
    """Whether it says of itself that digits were cut off."""

    def about(self, values: tuple[Fraction | int | str, ...]) -> Statement:
        """The statement with the numbers of the other target."""
        words = [value for value in values if isinstance(value, str)]
        numbers = tuple(Quantity(Fraction(value), Fraction(0)) for value in values if not isinstance(value, str))
        return Statement(self.relation, () if words else numbers, words[0] if words else "")

    def exact(self, actual: tuple[Fraction | int | str, ...]) -> bool:
        """Whether it is true without any rounding."""
        return self.relation != "=" or all(
            value == number.value for value, number in zip(actual, self.numbers, strict=False)
        )

    def cut_off(self, actual: tuple[Fraction | int | str, ...]) -> bool:
        """Whether these numbers, cut off after the digits written, are what is written."""
        return (
            self.relation == "="
            and bool(self.numbers)
            and len(actual) == len(self.numbers)
            and all(map(_is_cut_off, actual, self.numbers))
        )

    def holds(self, actual: tuple[Fraction | int | str, ...]) -> bool:
        """Whether it is true of these numbers (or words)."""
        if self.word:
            return all(value == self.word for value in actual) and self.relation == "="
        if len(actual) != len(self.numbers):
            return False
        return all(_compare(self.relation, value, number) for value, number in zip(actual, self.numbers, strict=True))


def _is_cut_off(actual: Fraction | int | str, written: Quantity) -> bool:
    if isinstance(actual, str) or actual * written.value < 0:
        return False
    size, least = abs(Fraction(actual)), abs(written.value)
    return least <= size < least + 2 * written.tolerance


def _compare(relation: Relation, actual: Fraction | int | str, written: Quantity) -> bool:
    if isinstance(actual, str):
        return relation in (">=", ">") and actual == "global"  # wider than every number
    if relation == "=":
        return abs(actual - written.value) <= written.tolerance
    if relation == "<=":
        return actual <= written.value
    if relation == ">=":
        return actual >= written.value
    return actual < written.value if relation == "<" else actual > written.value


def read_statement(text: str) -> Statement:
    """Read a value with its relation.

    Raises:
        ValueError: it is not one; the message says what is expected.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"more than {_LONGEST} characters")
    rest = text.strip()
    relation: Relation = "="
    for words, meaning in RELATIONS.items():
        if rest.lower().startswith(words):
            relation, rest = meaning, rest[len(words) :].strip()
            break
    without = re.sub(r"[\s,(]+truncated\)?$", "", rest)
    truncated, rest = without != rest, without
    if _TARGET.fullmatch(rest):
        return Statement(relation, (), other=rest)
    if rest == "global":
        return Statement(relation, (), "global")
    ratio = _RATIO.fullmatch(rest)
    if ratio is not None and int(ratio[2]):
        return Statement(relation, (Quantity(Fraction(int(ratio[1]), int(ratio[2])), Fraction(0)),))
    parts = re.split(r"(?<=\d)\s*[x×]\s*(?=\d+\s*(?:[x×]|$))", rest)
    return Statement(relation, tuple(read_number(part) for part in parts), truncated=truncated)


def read_number(text: str) -> Quantity:
    """Read one number as written, with its precision.

    Raises:
        ValueError: it is not a number.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or not (match["whole"] or match["decimals"]):
        shown = f"'{text.strip()[:40]}'" if text.strip() else "nothing"
        raise ValueError(f"{shown} is not a number, a shape or a bound, such as 61,706, 569M, 6x28x28 or at most 500K")
    scale = match["scale"].lower()
    if scale not in SCALES:
        raise ValueError(
            f"the suffix '{match['scale'][:20]}' is not one of K, M, G (or B), T, thousand, million, billion"
        )
    whole = "".join(character for character in match["whole"] or "0" if character.isdigit())
    decimals = match["decimals"] or ""
    power = SCALES[scale] + int(match["exponent"] or match["power"] or 0)
    unit = Fraction(10) ** (power - len(decimals))
    value = int(whole + decimals) * unit * (-1 if match["sign"] else 1)
    rounded = bool(decimals or power)
    return Quantity(value, unit / 2 if rounded else Fraction(0))
