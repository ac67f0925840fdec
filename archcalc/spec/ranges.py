"""What a variable is swept over, as written on a command line: ``0.25:1:0.25``, ``0.5, 6/7, 1``, ``relu,gelu``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archcalc.numeric import is_plain
from archcalc.numeric.steps import Steps, steps
from archcalc.spec.check import names_in
from archcalc.spec.errors import Source, Span, Text, fail, whole_text
from archcalc.spec.grammar import parse_value
from archcalc.spec.limits import Limits
from archcalc.spec.syntax import Size
from archcalc.spec.values import Scope, number

MOST_LISTED = 1_000_000
"""Values that a list with ranges in it may have; a range alone may have many more."""


MOST_IN_RANGE = 10**15
"""Values that a range may have."""


def read_values(origin: str, written: str, limits: Limits) -> range | Steps | tuple[int | Fraction | str, ...]:
    """The values of a setting: a range with both ends, or a list of numbers, words, sizes and ranges.

    Numbers come out exactly; what is not a plain number (a word, a size, an expression over variables) as its text.

    Args:
        origin: where it was written, such as ``--set alpha``.
        written: the values.
        limits: bounds on the numbers.

    Raises:
        SpecError: it cannot be read, or a range is empty.
    """
    source = Source(origin, written)
    items = [_item(Text(source, text, start), limits) for start, text in _split(written, ",", 0)]
    if len(items) == 1:
        return items[0] if isinstance(items[0], range | Steps) else (items[0],)
    listed: list[int | Fraction | str] = []
    for item in items:
        progression = item if isinstance(item, range | Steps) else (item,)
        if len(listed) + len(progression) > MOST_LISTED:
            fail("limit", f"more than {MOST_LISTED:,} values in a list", Span(Text(source, written), 0, len(written)))
        listed += progression
    return tuple(listed)


def _split(written: str, separator: str, offset: int) -> Iterator[tuple[int, str]]:
    """The pieces between separators outside of brackets, each with its place and without blanks around it."""
    depth, start = 0, 0
    for place, character in enumerate(written + separator):
        depth += (character in "([") - (character in ")]")
        if character == separator and (depth <= 0 or place == len(written)):
            piece = written[start:place]
            yield offset + start + len(piece) - len(piece.lstrip()), piece.strip()
            start = place + 1


def _item(text: Text, limits: Limits) -> range | Steps | int | Fraction | str:
    if not text.value:
        span = Span(Text(text.source, " ", text.start), 0, 1)
        fail("syntax", "expected a value", span, "values are listed as in 0.5,0.75,1; a range is start:stop:step")
    ends = list(_split(text.value, ":", text.start))
    if len(ends) == 1:
        value = parse_value(text, limits)
        if isinstance(value, Size) or any(True for _ in names_in(value)):
            return text.value
        plain: int | Fraction = number(value, Scope({}, None, limits))
        return plain
    if len(ends) > 3:
        fail("syntax", "a range is start:stop or start:stop:step", whole_text(text))
    numbers = [_number(Text(text.source, piece, start), limits) for start, piece in ends]
    start, stop, step = numbers if len(numbers) == 3 else (*numbers, 1)
    if step == 0:
        fail("argument", "the step of a range must not be 0", whole_text(text))
    count = (stop - start) // step + 1
    if count < 1:
        hint = "to count down, write a negative step" if start > stop and step > 0 else ""
        fail("argument", f"the range from {start} to {stop} in steps of {step} is empty", whole_text(text), hint)
    if count > MOST_IN_RANGE:
        fail("limit", f"a range of more than {MOST_IN_RANGE:,} values", whole_text(text))
    return steps(start, step, int(count))


def _number(text: Text, limits: Limits) -> int | Fraction:
    item = _item(text, limits)
    if not is_plain(item):
        fail("argument", "the ends and the step of a range are plain numbers", whole_text(text))
    assert isinstance(item, int | Fraction)
    return item
