"""Values of claims as people write them, with a relation: ``61,706``, ``569M``, ``1.8e9``, ``6x28x28``, ``at most
500K``, ``100..200``, ``≈ 5%``, ``> B.params``.

`archcalc.spec.numerals` reads the numbers.
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
    FIELD_WORDS,
    GLOBAL,
    UNUSUAL,
    USUAL,
    NumberInterpretation,
    WrittenNumber,
    field_word,
    plain,
    read_number,
)

__all__ = [
    "BYTES",
    "ClaimedValue",
    "WrittenNumber",
    "other_interpretations",
    "read_claimed_value",
    "read_number",
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

APPROXIMATE_MARGIN = Fraction(5, 100)
"""How far the correct figure may lie from a number after ``≈``, relative to it, if no margin is written (``60M ±
2%``)."""

_TARGET = re.compile(r"[A-Za-z][\w./-]*\.[a-z][a-z_]+")
_BETWEEN = re.compile(r"between\s+(.+?)\s+and\s+(.+)", re.IGNORECASE)
_RANGE = re.compile(r"(.*?\S)\s*(?:\.\.+|…|–|—|(?<=[\d%A-WYZa-wyz])\s*-\s*(?=\d)|\s+to\s+)\s*(\S.*)")
_MARGIN = re.compile(r"(.+?)\s*(?:±|\+/-|\+-|≈|\bwithin\b)\s*(.+)")
_TIMES = re.compile(r"\s*(?:(?<![aeip])x|[×*·])(?!\s*10\s*\^|\s*1e[+-]?\d)\s*", re.IGNORECASE)
"""A multiplication sign between factors; not that of a power of ten, nor the letter of a word such as ``px``."""

_RATIO_SUFFIX = re.compile(r"([.,]\d+)\s*(?:[x×]|times)$", re.IGNORECASE)
"""The multiplication sign after a ratio with decimals, ``22.8x``; ``6x`` is an incomplete shape."""
_UNKNOWN_BATCH = re.compile(r"(?:none|n|b|batch|batch_size|\?|-1)\s*[,x×]\s*", re.IGNORECASE)
_BRACKETS = re.compile(r"(?:torch\.size|tensorshape|shape)?\s*\(?[(\[]([^()\[\]]*?),?\s*[)\]]\)?", re.IGNORECASE)
_LABELLED = re.compile(r"([a-z]+)\s*[=:]\s*(\d+)[\s,;x×)\]]*", re.IGNORECASE)
_AXES = "cdhwl"
"""The first letters of the names of axes, channels first."""
_MAX_LENGTH = 200


class ClaimedValue(NamedTuple):
    """A relation, and one number or several (the sizes of a shape, one per axis)."""

    relation: Relation
    numbers: tuple[WrittenNumber, ...]
    """The numbers; those of a range (``..``) are its minimum and its maximum."""
    other: str = ""
    """A target to compare with, instead of numbers: ``> B.params``."""
    marked_truncated: bool = False
    """Whether the text says that the number is truncated (``60M truncated``)."""
    channels_first: bool = False
    """Whether a shape is written ``6@28x28`` or with labels, which puts channels first whatever the layout."""

    def with_figures(self, values: Values) -> ClaimedValue:
        """Return the same relation to these exact figures."""
        exactly = Fraction(0)
        numbers = [
            field_word(each) if isinstance(each, str) else WrittenNumber(Fraction(each), exactly) for each in values
        ]
        return ClaimedValue(self.relation, tuple(numbers))

    def holds(self, actual: Values) -> bool:
        """Return whether the relation holds for these figures (numbers, or words for receptive fields)."""
        if self.relation == "..":
            low, high = self.numbers
            return all(not isinstance(value, str) and low.value <= value <= high.value for value in actual)
        if len(actual) != len(self.numbers):
            return False
        return all(_compare(self.relation, value, number) for value, number in zip(actual, self.numbers, strict=True))

    def exact(self, actual: Values) -> bool:
        """Return whether the numbers equal these figures without rounding; bounds and ranges are always exact."""
        return self.relation not in ("=", "≈") or all(
            isinstance(value, str) or value == number.value for value, number in zip(actual, self.numbers, strict=False)
        )

    def is_truncation(self, actual: Values) -> bool:
        """Return whether truncating these figures after the written digits gives the written numbers."""
        return (
            self.relation == "="
            and bool(self.numbers)
            and len(actual) == len(self.numbers)
            and all(map(_is_truncation, actual, self.numbers))
        )

    @property
    def in_bytes(self) -> bool:
        """Whether a number is given in bytes."""
        return any(number.unit == BYTES for number in self.numbers)

    @property
    def field_words(self) -> tuple[str, ...]:
        """The words for receptive fields in place of numbers: ``global``, ``causal``, ``unknown``."""
        return tuple(number.unit for number in self.numbers if number.unit in FIELD_WORDS)


def _is_truncation(actual: Fraction | int | str, written: WrittenNumber) -> bool:
    if isinstance(actual, str) or actual * written.value < 0:
        return False
    size, least = abs(Fraction(actual)), abs(written.value)
    return least <= size < least + 2 * written.tolerance or size == least


def _compare(relation: Relation, actual: Fraction | int | str, written: WrittenNumber) -> bool:
    word = written.unit if written.unit in FIELD_WORDS else ""
    if word and isinstance(actual, str):
        return actual == word and relation in ("=", "≈")
    if word or isinstance(actual, str):  # a global receptive field is larger than every number; others are incomparable
        return (word or actual) == GLOBAL and relation in (("<=", "<") if word else (">=", ">"))
    if relation in ("=", "≈"):
        return abs(actual - written.value) <= written.tolerance
    if relation == "<=":
        return actual <= written.value
    if relation == ">=":
        return actual >= written.value
    return actual < written.value if relation == "<" else actual > written.value


def read_claimed_value(text: str, *, shape: bool = False, reading: NumberInterpretation = USUAL) -> ClaimedValue:
    """Read a value with its relation.

    Args:
        text: the value as written.
        shape: whether the target is a shape: then ``96, 55, 55`` is a shape, and ``128,128,128`` is not one number.
        reading: how to read ambiguous numbers.

    Raises:
        ValueError: the text is not a value; the message says what is expected.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"a value must have at most {_MAX_LENGTH:,} characters, got {len(text):,}")
    relation, rest = _relation(plain(text))
    without = re.sub(r"[\s,(]+truncated\)?$", "", rest)
    marked, rest = without != rest, without
    if shape and len(labels := _LABELLED.findall(rest)) > 1:
        return _read_labelled(relation, rest, labels)
    if relation == "=" and "=" in rest:
        rest = rest.rpartition("=")[2].strip()  # the calculation, then its result: 5*5*6 + 6 = 156
    if _TARGET.fullmatch(rest):
        return ClaimedValue(relation, (), other=rest)
    if shape or _BRACKETS.fullmatch(rest):
        return _read_shape(relation, rest)
    if relation == "=":
        span = _BETWEEN.fullmatch(rest) or _RANGE.fullmatch(rest)
        if span is not None:
            return _read_range(span[1], span[2], reading)
    if relation in ("=", "≈"):
        margin = _MARGIN.fullmatch(rest)
        if margin is not None:
            return ClaimedValue("≈", (_within(read_number(margin[1], reading), read_number(margin[2], reading)),))
    rest = _RATIO_SUFFIX.sub(r"\1", rest)
    numbers = tuple(read_number(part, reading) for part in _TIMES.split(rest))
    if relation == "≈":
        numbers = tuple(_within(number, WrittenNumber(APPROXIMATE_MARGIN, Fraction(0), "%")) for number in numbers)
    return ClaimedValue(relation, numbers, marked_truncated=marked)


@lru_cache(maxsize=2**15)  # cached, because the students of a class write the same values
def without_hedge(text: str) -> str:
    """Return a value without ``about`` or ``≈`` before it; any other text is returned unchanged."""
    relation, rest = _relation(plain(text))
    return rest if relation == "≈" else text


def same_value(one: str, other: str) -> bool:
    """Return whether two texts are the same value, perhaps in different notation: ``61,706`` and ``61706``."""
    try:
        return one.strip() == other.strip() or read_claimed_value(one) == read_claimed_value(other)
    except ValueError:
        return False


def other_interpretations(text: str, *, shape: bool = False) -> Iterator[ClaimedValue]:
    """Yield the less usual interpretations of a value.

    For example, ``61.706`` with a thousands separator, ``4 MB`` of 1024² bytes each, ``4,096`` as the only size of a
    vector's shape, or ``16x10x10 = 1600`` as a shape followed by its number of elements.
    """
    seen = [read_claimed_value(text, shape=shape)]
    if seen[0].relation != "=":
        return
    if shape:
        working, _, size = text.rpartition("=")
        try:
            if (
                product(number.value for number in read_claimed_value(working, shape=True).numbers)
                == read_number(size).value
            ):
                yield read_claimed_value(working, shape=True)
        except ValueError:
            pass  # no shape before the equals sign
    for reading in (USUAL, *UNUSUAL):
        try:
            other = read_claimed_value(text, reading=reading)
        except ValueError:
            continue
        if other not in seen:
            seen.append(other)
            yield other


def _relation(text: str) -> tuple[Relation, str]:
    """Return the relation that a value begins with, and the rest."""
    lowered = text.lower()
    for words, meaning in RELATIONS.items():
        if lowered.startswith(words):
            rest = text[len(words) :]
            if not words[-1].isalpha() or not rest[:1].isalpha():
                return meaning, rest.strip()
    return "=", text


def _read_range(low: str, high: str, reading: NumberInterpretation) -> ClaimedValue:
    least, most = read_number(low, reading), read_number(high, reading)
    if not least.tolerance and most.tolerance and re.fullmatch(r"[\d.,\s]+", low):
        suffix = re.sub(r"^[\d.,\s]+", "", high)  # 100..200M: both are millions
        least = read_number(f"{low}{suffix}", reading)
    if least.value > most.value:
        raise ValueError(f"the range {low[:30]}..{high[:30]} is empty")
    return ClaimedValue("..", (least, most))


def _within(number: WrittenNumber, margin: WrittenNumber) -> WrittenNumber:
    """Return the number with the margin (relative or absolute) as its tolerance, unless its own tolerance is larger."""
    distance = abs(number.value) * margin.value if margin.unit == "%" else margin.value
    return number._replace(tolerance=max(distance, number.tolerance))


def _read_shape(relation: Relation, text: str) -> ClaimedValue:
    """Read ``55x55x96``, ``(96, 55, 55)``, ``6@28x28`` or ``112²×64``; a leading batch of unknown size is ignored."""
    brackets = _BRACKETS.fullmatch(text)
    body = _UNKNOWN_BATCH.sub("", brackets[1] if brackets else text, count=1) if text else text
    body = re.sub(r"(\d+)\s*\^2\b", r"\1x\1", body)
    maps, at, rest = body.partition("@")
    parts = [maps, *_sizes(rest)] if at else _sizes(body)
    return ClaimedValue(relation, tuple(read_number(part) for part in parts), channels_first=bool(at))


def _read_labelled(relation: Relation, text: str, labels: list[tuple[str, str]]) -> ClaimedValue:
    """Read ``C=96, H=55, W=55``, in any order; a batch is ignored."""
    sizes = {name[0].lower(): size for name, size in labels}
    if _LABELLED.sub("", text).strip(" ([") or len(sizes) < len(labels) or not set(sizes) <= {*_AXES, *"nb"}:
        raise ValueError(f"a shape must be written as 6x28x28, (6, 28, 28) or C=6, H=28, W=28, got '{text[:40]}'")
    return ClaimedValue(
        relation, tuple(read_number(sizes[axis]) for axis in _AXES if axis in sizes), channels_first=True
    )


def _sizes(body: str) -> list[str]:
    times = [part for part in _TIMES.split(body.strip()) if part]
    if len(times) > 1 or not re.search(r"[,;،]", body):
        return times or [body]
    return re.split(r"\s*[,;،]\s*", body.strip())
