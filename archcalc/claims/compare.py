"""Comparison of a claimed value, in each of its possible interpretations, with the correct figure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from archcalc.claims.claim import Verdict
from archcalc.claims.claimed_value import ClaimedValue, WrittenNumber, other_interpretations, read_claimed_value
from archcalc.claims.formulas import evaluated
from archcalc.graph import ordered
from archcalc.numeric import product
from archcalc.query.targets import Actual, Values
from archcalc.spec.numerals import GLOBAL

_SQUARED = re.compile(r"\b(\d+)\s*(?:²|(?:\^|\*\*)\{?2\}?)(?!\d)")
"""``11²``, which for a receptive field means ``11x11``."""
_TIMES_AS_MANY = re.compile(r"(?<=\d)\s*(?:[x×]|times)\s*\Z", re.IGNORECASE)
"""The multiplication sign after a ratio: ``15x``."""

BEST_FIRST = (Verdict.EXACT, Verdict.ROUNDS, Verdict.TRUNCATED)


def interpret(text: str, actual: Actual) -> list[ClaimedValue]:
    """Return the possible interpretations of a value that is claimed for a target, the usual one first.

    Raises:
        ValueError: the text is not a value.
    """
    if actual.kind == "field":
        text = _SQUARED.sub(r"\1x\1", text)
    if actual.kind == "ratio":
        text = _TIMES_AS_MANY.sub("", text)
    found = list(_interpret(text, actual.kind == "shape"))
    words = [word for word in found[0].field_words if word != GLOBAL]
    if words and actual.kind != "field":
        raise ValueError(f"'{words[0]}' must be the value of a receptive field")
    return found


@lru_cache(maxsize=2**15)  # cached, because the students of a class write the same correct values
def _interpret(text: str, shape: bool) -> tuple[ClaimedValue, ...]:
    try:
        return (read_claimed_value(text, shape=shape), *other_interpretations(text, shape=shape))
    except ValueError:
        value = None if shape else evaluated(text)
        if value is None:
            raise
        return (ClaimedValue("=", (WrittenNumber(value, Fraction(0)),)),)


def compare(interpretations: list[ClaimedValue], actual: Actual) -> Verdict:
    """Return the best verdict that one of the interpretations gets: exact, rounds, truncated or wrong."""
    found = {_compare(claimed, values) for each in interpretations for claimed, values in _matched(each, actual)}
    return next((verdict for verdict in BEST_FIRST if verdict in found), Verdict.WRONG)


def _compare(claimed: ClaimedValue, actual: Values) -> Verdict:
    if claimed.holds(actual):
        return Verdict.EXACT if claimed.exact(actual) else Verdict.ROUNDS
    return Verdict.TRUNCATED if claimed.is_truncation(actual) else Verdict.WRONG


def _matched(claimed: ClaimedValue, actual: Actual) -> Iterator[tuple[ClaimedValue, Values]]:
    """Yield the claimed value and the correct figures, matched one to one; nothing if they cannot be matched."""
    numbers, values = claimed.numbers, actual.values
    if claimed.in_bytes:
        if actual.width:
            yield claimed, tuple(actual.width * value for value in values)
        return
    if actual.kind == "shape":
        if claimed.channels_first:
            numbers = ordered(numbers, actual.layout)
        yield claimed._replace(numbers=_fit_rank(numbers, len(values))), values
    elif actual.kind == "field" and claimed.relation != "..":
        # equal axes may be written one by one, and a single number stands for every axis
        if len(values) == 1:
            values *= max(1, len(numbers))
        elif len(numbers) == 1:
            numbers *= len(values)
        yield claimed._replace(numbers=numbers), values
    elif len(numbers) > 1 and claimed.relation != "..":
        total = product(number.value for number in numbers)  # 64x3x3x3 weights
        rounded = [number for number in numbers if number.tolerance]
        if len(rounded) <= 1:  # 2 x 1.93G
            margin = sum((abs(total / each.value) * each.tolerance for each in rounded if each.value), Fraction(0))
            yield claimed._replace(numbers=(WrittenNumber(total, margin),)), values
    else:
        yield claimed, values


def _fit_rank(numbers: tuple[WrittenNumber, ...], rank: int) -> tuple[WrittenNumber, ...]:
    """Return the sizes of a shape without a batch axis of 1, and those of a vector without further axes of 1."""
    if len(numbers) == rank + 1 and numbers[0].value == 1 and rank > 1:
        return numbers[1:]
    if rank == 1 and len(numbers) > 1:
        return tuple(number for number in numbers if number.value != 1) or numbers[:1]
    return numbers
