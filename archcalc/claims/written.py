"""Values as people write them, with their relation: ``61,706``, ``569M``, ``1.8e9``, ``6x28x28``, ``at most 500K``,
``100..200``, ``≈ 5%``, ``> B.params``.

Numbers are read in `archcalc.spec.numerals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple

from archcalc.numeric import product
from archcalc.query.targets import Values
from archcalc.spec.numerals import (
    BYTES,
    EVERYTHING,
    GLOBAL,
    UNUSUAL,
    USUAL,
    Quantity,
    Reading,
    plain,
    read_number,
)

__all__ = [
    "BYTES",
    "Quantity",
    "Statement",
    "other_readings",
    "read_number",
    "read_statement",
    "same_value",
    "without_hedge",
]


Relation = Literal["=", "<=", ">=", "<", ">", "≈", ".."]

RELATIONS: dict[str, Relation] = {
    "less than or equal to": "<=",
    "at most": "<=",
    "no more than": "<=",
    "not more than": "<=",
    "up to": "<=",
    "greater than or equal to": ">=",
    "at least": ">=",
    "no less than": ">=",
    "not less than": ">=",
    "below": "<",
    "less than": "<",
    "fewer than": "<",
    "under": "<",
    "above": ">",
    "more than": ">",
    "greater than": ">",
    "over": ">",
    "<=": "<=",
    "≤": "<=",
    "=<": "<=",
    ">=": ">=",
    "≥": ">=",
    "<": "<",
    ">": ">",
    "≈": "≈",
    "~": "≈",
    "about": "≈",
    "around": "≈",
    "approximately": "≈",
    "approx.": "≈",
    "approx": "≈",
    "roughly": "≈",
    "circa": "≈",
    "ca.": "≈",
    "ca": "≈",
    "exactly": "=",
    "==": "=",
    "=": "=",
}

ABOUT = Fraction(5, 100)
"""How far from ``≈`` a number the truth may lie, relative to it, unless the number says (``60M ± 2%``)."""

_TARGET = re.compile(r"[A-Za-z][\w./-]*\.[a-z][a-z_]+")
_BETWEEN = re.compile(r"between\s+(.+?)\s+and\s+(.+)", re.IGNORECASE)
_RANGE = re.compile(r"(.*?\S)\s*(?:\.\.+|…|–|—|(?<=[\d%A-WYZa-wyz])\s*-\s*(?=\d)|\s+to\s+)\s*(\S.*)")
_MARGIN = re.compile(r"(.+?)\s*(?:±|\+/-|\+-|≈|\bwithin\b)\s*(.+)")
_TIMES = re.compile(r"\s*(?:(?<![aeip])x|[×*·])(?!\s*10\s*\^|\s*1e[+-]?\d)\s*", re.IGNORECASE)
"""Between factors: no power of ten, and no letter of a word such as ``px``."""

_TIMES_AS_LARGE = re.compile(r"([.,]\d+)\s*(?:[x×]|times)$", re.IGNORECASE)
"""After a ratio, ``22.8x``; ``6x`` is half a shape."""
_UNKNOWN_BATCH = re.compile(r"(?:none|n|b|batch|batch_size|\?|-1)\s*[,x×]\s*", re.IGNORECASE)
_BRACKETS = re.compile(r"(?:torch\.size|tensorshape|shape)?\s*\(?[(\[]([^()\[\]]*?),?\s*[)\]]\)?", re.IGNORECASE)
_LABELLED = re.compile(r"([a-z]+)\s*[=:]\s*(\d+)[\s,;x×)\]]*", re.IGNORECASE)
_AXES = "cdhwl"
"""First letters of what axes are called, channels first."""
_LONGEST = 200


class Statement(NamedTuple):
    """What is said of a quantity: a relation and one number, or several (a shape, one per axis)."""

    relation: Relation
    numbers: tuple[Quantity, ...]
    """Of a range (``..``) the least and the most."""
    other: str = ""
    """A target to compare with, instead of numbers: ``> B.params``."""
    truncated: bool = False
    """Whether it says of itself that digits were cut off."""
    maps_first: bool = False
    """Whether a shape is written ``6@28x28``, channels first in every layout."""

    def about(self, values: Values) -> Statement:
        """The statement with the numbers of the other target."""
        exactly = Fraction(0)
        return Statement(
            self.relation,
            tuple(EVERYTHING if isinstance(value, str) else Quantity(Fraction(value), exactly) for value in values),
        )

    def holds(self, actual: Values) -> bool:
        """Whether it is true of these numbers (or words)."""
        if self.relation == "..":
            low, high = self.numbers
            return all(not isinstance(value, str) and low.value <= value <= high.value for value in actual)
        if len(actual) != len(self.numbers):
            return False
        return all(_compare(self.relation, value, number) for value, number in zip(actual, self.numbers, strict=True))

    def exact(self, actual: Values) -> bool:
        """Whether it is true without any rounding."""
        return self.relation not in ("=", "≈") or all(
            isinstance(value, str) or value == number.value for value, number in zip(actual, self.numbers, strict=False)
        )

    def cut_off(self, actual: Values) -> bool:
        """Whether these numbers, cut off after the digits written, are what is written."""
        return (
            self.relation == "="
            and bool(self.numbers)
            and len(actual) == len(self.numbers)
            and all(map(_is_cut_off, actual, self.numbers))
        )

    @property
    def in_bytes(self) -> bool:
        """Whether numbers are of bytes."""
        return any(number.unit == BYTES for number in self.numbers)


def _is_cut_off(actual: Fraction | int | str, written: Quantity) -> bool:
    if isinstance(actual, str) or actual * written.value < 0:
        return False
    size, least = abs(Fraction(actual)), abs(written.value)
    return least <= size < least + 2 * written.tolerance or size == least


def _compare(relation: Relation, actual: Fraction | int | str, written: Quantity) -> bool:
    if isinstance(actual, str):  # a global field is wider than every number; of an unknown one nothing is known
        return actual == GLOBAL and relation in (("=", "≈") if written.unit == GLOBAL else (">=", ">"))
    if written.unit == GLOBAL:
        return relation in ("<=", "<")
    if relation in ("=", "≈"):
        return abs(actual - written.value) <= written.tolerance
    if relation == "<=":
        return actual <= written.value
    if relation == ">=":
        return actual >= written.value
    return actual < written.value if relation == "<" else actual > written.value


def read_statement(text: str, *, shape: bool = False, reading: Reading = USUAL) -> Statement:
    """Read a value with its relation.

    Args:
        text: as written.
        shape: whether a shape is asked for: ``96, 55, 55`` is then one, and ``128,128,128`` no number.
        reading: how what reads two ways is read.

    Raises:
        ValueError: it is not one; the message says what is expected.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"more than {_LONGEST} characters")
    relation, rest = _relation(plain(text))
    without = re.sub(r"[\s,(]+truncated\)?$", "", rest)
    truncated, rest = without != rest, without
    if shape and len(labels := _LABELLED.findall(rest)) > 1:
        return _read_labelled(relation, rest, labels)
    if relation == "=" and "=" in rest:
        rest = rest.rpartition("=")[2].strip()  # the working, then the result: 5*5*6 + 6 = 156
    if _TARGET.fullmatch(rest):
        return Statement(relation, (), other=rest)
    if shape or _BRACKETS.fullmatch(rest):
        return _read_shape(relation, rest)
    if relation == "=":
        span = _BETWEEN.fullmatch(rest) or _RANGE.fullmatch(rest)
        if span is not None:
            return _read_range(span[1], span[2], reading)
    if relation in ("=", "≈"):
        margin = _MARGIN.fullmatch(rest)
        if margin is not None:
            return Statement("≈", (_within(read_number(margin[1], reading), read_number(margin[2], reading)),))
    rest = _TIMES_AS_LARGE.sub(r"\1", rest)
    numbers = tuple(read_number(part, reading) for part in _TIMES.split(rest))
    if relation == "≈":
        numbers = tuple(_within(number, Quantity(ABOUT, Fraction(0), "%")) for number in numbers)
    return Statement(relation, numbers, truncated=truncated)


@lru_cache(maxsize=2**15)  # as a class of students writes
def without_hedge(text: str) -> str:
    """What is said to be about so much, as if it were said outright; any other text as it is."""
    relation, rest = _relation(plain(text))
    return rest if relation == "≈" else text


def same_value(one: str, other: str) -> bool:
    """Whether two texts say the same, perhaps in other words: ``61,706`` and ``61706``."""
    try:
        return one.strip() == other.strip() or read_statement(one) == read_statement(other)
    except ValueError:
        return False


def other_readings(text: str, *, shape: bool = False) -> Iterator[Statement]:
    """The statements that the text may also be: ``61.706`` with thousands, ``4 MB`` of 1024² bytes, ``4,096`` as the
    one number of a vector's shape, ``16x10x10 = 1600`` as a shape with the size that it comes to."""
    seen = [read_statement(text, shape=shape)]
    if seen[0].relation != "=":
        return
    if shape:
        working, _, size = text.rpartition("=")
        try:
            if (
                product(number.value for number in read_statement(working, shape=True).numbers)
                == read_number(size).value
            ):
                yield read_statement(working, shape=True)
        except ValueError:
            pass  # no working
    for reading in (USUAL, *UNUSUAL):
        try:
            other = read_statement(text, reading=reading)
        except ValueError:
            continue
        if other not in seen:
            seen.append(other)
            yield other


def _relation(text: str) -> tuple[Relation, str]:
    """The relation a statement starts with, and the rest."""
    lowered = text.lower()
    for words, meaning in RELATIONS.items():
        if lowered.startswith(words):
            rest = text[len(words) :]
            if not words[-1].isalpha() or not rest[:1].isalpha():
                return meaning, rest.strip()
    return "=", text


def _read_range(low: str, high: str, reading: Reading) -> Statement:
    least, most = read_number(low, reading), read_number(high, reading)
    if not least.tolerance and most.tolerance and re.fullmatch(r"[\d.,\s]+", low):
        suffix = re.sub(r"^[\d.,\s]+", "", high)  # 100..200M: both are millions
        least = read_number(f"{low}{suffix}", reading)
    if least.value > most.value:
        raise ValueError(f"the range {low[:30]}..{high[:30]} is empty")
    return Statement("..", (least, most))


def _within(number: Quantity, margin: Quantity) -> Quantity:
    """The number, with the margin (a share of it, or an amount) as its tolerance, and no less than its own."""
    distance = abs(number.value) * margin.value if margin.unit == "%" else margin.value
    return number._replace(tolerance=max(distance, number.tolerance))


def _read_shape(relation: Relation, text: str) -> Statement:
    """``55x55x96``, ``(96, 55, 55)``, ``6@28x28``, ``112²×64``; a batch of unknown size in front is left out."""
    brackets = _BRACKETS.fullmatch(text)
    body = _UNKNOWN_BATCH.sub("", brackets[1] if brackets else text, count=1) if text else text
    body = re.sub(r"(\d+)\s*\^2\b", r"\1x\1", body)
    maps, at, rest = body.partition("@")
    parts = [maps, *_sizes(rest)] if at else _sizes(body)
    return Statement(relation, tuple(read_number(part) for part in parts), maps_first=bool(at))


def _read_labelled(relation: Relation, text: str, labels: list[tuple[str, str]]) -> Statement:
    """``C=96, H=55, W=55``, in any order; a batch means nothing."""
    sizes = {name[0].lower(): size for name, size in labels}
    if _LABELLED.sub("", text).strip(" ([") or len(sizes) < len(labels) or not set(sizes) <= {*_AXES, *"nb"}:
        raise ValueError(f"'{text[:40]}' is not a shape such as 6x28x28, (6, 28, 28) or C=6, H=28, W=28")
    return Statement(relation, tuple(read_number(sizes[axis]) for axis in _AXES if axis in sizes), maps_first=True)


def _sizes(body: str) -> list[str]:
    times = [part for part in _TIMES.split(body.strip()) if part]
    if len(times) > 1 or not re.search(r"[,;،]", body):
        return times or [body]
    return re.split(r"\s*[,;،]\s*", body.strip())
