"""Arrays in answers and keys, as people write them: ``[[1, 0], [2, 3]]``, ``1 0; 2 3``, LaTeX, rows on lines."""

from __future__ import annotations

import re

from archcalc.arrays.written_arrays import WrittenArray, WrittenArrayError, read_numbers
from archcalc.arrays.written_arrays import read_number as read_exact
from archcalc.diagnosis.arrays.elements import Element
from archcalc.spec.numerals import SHARE, read_number

MAX_ENTRIES = 10_000

_MARKUP = re.compile(r"\\(?:begin|end)\{[a-z]*\*?\}(?:\{[a-z|]*\})?|\\(?:left|right)|\$|\|")
_FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
_REPLACED = ((re.compile(r"\\\\|<br\s*/?>"), ";"), (re.compile("&"), ","))
_BRACKETS = str.maketrans("{}–", "[]-")


def read_elements(text: str) -> WrittenArray[Element]:
    """Return an array with the distance that each of its numbers may have from the true one.

    Raises:
        WrittenArrayError: the text is not an array; the message says why.
    """
    written = _FRACTION.sub(r"\1/\2", text)
    for pattern, instead in _REPLACED:
        written = pattern.sub(instead, written)
    written = _MARKUP.sub(" ", written).translate(_BRACKETS).strip()
    if re.fullmatch(r"\d+(?:x\d+)+", written):
        written = written.replace("x", ", ")  # a list of integers, which may also be a shape
    found = read_numbers(f"[{written}]" if _is_several_lists(written) else written, _element)
    if len(found.numbers) > MAX_ENTRIES:
        raise WrittenArrayError(f"an array must have at most {MAX_ENTRIES:,} numbers, got {len(found.numbers):,}")
    return found


def _element(word: str) -> Element:
    """Return a number, rounded as it is written.

    Raises:
        WrittenArrayError: the text is not a number.
    """
    try:
        quantity = read_number(word)
    except ValueError:
        return Element(read_exact(word))
    if quantity.unit not in ("", SHARE):
        raise WrittenArrayError(f"'{word[:40]}' is not a number")
    return Element(quantity.value, quantity.tolerance)


def _is_several_lists(text: str) -> bool:
    """Return whether a text has several lists one after another, without brackets around them."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char in "[(") - (char in "])")
        if not depth and place < len(text) - 1:
            return text[:1] in ("[", "(")
    return False
