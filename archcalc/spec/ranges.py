"""The values of a setting, as written on a command line: ``0.25:1:0.25``, ``0.5, 6/7, 1``, ``relu,gelu``."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric.progressions import Progression, progression
from archcalc.spec.errors import Source, Text, fail, whole_text
from archcalc.spec.limits import Limits
from archcalc.spec.notations import parse_settings
from archcalc.spec.syntax import Setting, Size, Value, names_in
from archcalc.spec.values import Scope, number

MAX_LISTED_VALUES = 1_000_000
"""The maximum number of values in a list that may contain ranges; a single range may have many more."""
MAX_RANGE_VALUES = 10**15
"""The maximum number of values in a range."""


def read_values(origin: str, written: str, limits: Limits) -> range | Progression | tuple[int | Fraction | str, ...]:
    """Return the values of a setting: a range including both ends, or a list of numbers, words, sizes and ranges.

    Numbers are exact; anything else (a word, a size, arithmetic with variables) is returned as its text.

    Args:
        origin: the source of the text for messages, such as ``--set alpha``.
        written: the text.
        limits: limits on the numbers.

    Raises:
        SpecError: the text is invalid, or a range is empty.
    """
    text = Text(Source(origin, written), written)
    items = [_item(each, limits) for each in parse_settings(text, limits)]
    if len(items) == 1:
        return items[0] if isinstance(items[0], range | Progression) else (items[0],)
    listed: list[int | Fraction | str] = []
    for item in items:
        progression = item if isinstance(item, range | Progression) else (item,)
        if len(listed) + len(progression) > MAX_LISTED_VALUES:
            fail("limit", f"more than {MAX_LISTED_VALUES:,} values in a list", whole_text(text))
        listed += progression
    return tuple(listed)


def _item(written: Setting, limits: Limits) -> range | Progression | int | Fraction | str:
    values, span = written
    if len(values) > 3:
        fail("syntax", "a range must be start:stop or start:stop:step", span)
    numbers = [_number(each, limits) for each in values]
    if len(numbers) == 1:
        return span.text.value[span.start : span.end] if numbers[0] is None else numbers[0]
    plain = [each for each in numbers if each is not None]
    if len(plain) < len(numbers):
        place = values[numbers.index(None)].span
        fail("argument", "the ends and the step of a range must be plain numbers", place)
    start, stop, step = plain if len(plain) == 3 else (*plain, 1)
    if step == 0:
        fail("argument", "the step of a range must not be 0", span)
    count = (stop - start) // step + 1
    if count < 1:
        hint = "to count down, write a negative step" if start > stop and step > 0 else ""
        fail("argument", f"the range from {start} to {stop} in steps of {step} is empty", span, hint)
    if count > MAX_RANGE_VALUES:
        fail("limit", f"a range of more than {MAX_RANGE_VALUES:,} values", span)
    return progression(start, step, int(count))


def _number(value: Value, limits: Limits) -> int | Fraction | None:
    """Return the value if it is a plain number; ``None`` for words, sizes and arithmetic with variables."""
    if isinstance(value, Size) or any(True for _ in names_in(value)):
        return None
    plain: int | Fraction = number(value, Scope({}, None, limits))
    return plain
