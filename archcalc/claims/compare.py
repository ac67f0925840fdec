"""Does a statement hold of what is true, in one of the ways in which it may be meant?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from archcalc.claims.claim import Verdict
from archcalc.claims.expressions import evaluated
from archcalc.claims.written import Quantity, Statement, other_readings, read_statement
from archcalc.graph import ordered
from archcalc.numeric import product
from archcalc.query.targets import Actual, Values

_SQUARED = re.compile(r"\b(\d+)\s*(?:²|(?:\^|\*\*)\{?2\}?)(?!\d)")
"""``11²`` positions are seen by a unit whose field is ``11x11``."""

ORDER = (Verdict.EXACT, Verdict.ROUNDS, Verdict.TRUNCATED)


def meanings(text: str, actual: Actual) -> list[Statement]:
    """What a text may mean that is said of such a target; the usual reading first.

    Raises:
        ValueError: it is not a statement.
    """
    if actual.kind == "field":
        text = _SQUARED.sub(r"\1x\1", text)
    return list(_meanings(text, actual.kind == "shape"))


@lru_cache(maxsize=2**15)  # a class of students writes the same right values
def _meanings(text: str, shape: bool) -> tuple[Statement, ...]:
    try:
        return (read_statement(text, shape=shape), *other_readings(text, shape=shape))
    except ValueError:
        value = None if shape else evaluated(text)
        if value is None:
            raise
        return (Statement("=", (Quantity(value, Fraction(0)),)),)


def compare(statements: list[Statement], actual: Actual) -> Verdict:
    """The best of exact, rounds, truncated and wrong that one of the readings is."""
    found = {_compare(statement, values) for each in statements for statement, values in _matched(each, actual)}
    return next((verdict for verdict in ORDER if verdict in found), Verdict.WRONG)


def _compare(statement: Statement, actual: Values) -> Verdict:
    if statement.holds(actual):
        return Verdict.EXACT if statement.exact(actual) else Verdict.ROUNDS
    return Verdict.TRUNCATED if statement.cut_off(actual) else Verdict.WRONG


def _matched(statement: Statement, actual: Actual) -> Iterator[tuple[Statement, Values]]:
    """The statement and the true numbers, one to one."""
    numbers, values = statement.numbers, actual.values
    if statement.in_bytes:
        if actual.width:
            yield statement, tuple(actual.width * value for value in values)
        return
    if actual.kind == "shape":
        if statement.maps_first:
            numbers = ordered(numbers, actual.layout)
        yield statement._replace(numbers=_as_long(numbers, len(values))), values
    elif actual.kind == "field" and statement.relation != "..":
        # axes alike may be written one by one, and one number is meant for every axis
        if len(values) == 1:
            values *= max(1, len(numbers))
        elif len(numbers) == 1:
            numbers *= len(values)
        yield statement._replace(numbers=numbers), values
    elif len(numbers) > 1 and statement.relation != "..":
        whole = product(number.value for number in numbers)  # 64x3x3x3 weights
        rounded = [number for number in numbers if number.tolerance]
        if len(rounded) <= 1:  # 2 x 1.93G
            margin = sum((abs(whole / each.value) * each.tolerance for each in rounded if each.value), Fraction(0))
            yield statement._replace(numbers=(Quantity(whole, margin),)), values
    else:
        yield statement, values


def _as_long(numbers: tuple[Quantity, ...], rank: int) -> tuple[Quantity, ...]:
    """The numbers of a shape without a batch of 1, and vectors without (or with) axes of size 1."""
    if len(numbers) == rank + 1 and numbers[0].value == 1 and rank > 1:
        return numbers[1:]
    if rank == 1 and len(numbers) > 1:
        return tuple(number for number in numbers if number.value != 1) or numbers[:1]
    return numbers
