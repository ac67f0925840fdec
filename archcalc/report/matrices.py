"""Small arrays as people read them: one matrix for each channel, with aligned columns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

from archcalc.arrays.texts import DIGITS, float_text, shape_text
from archcalc.executor.loops.exact import ExactNumber
from archcalc.terminal import display_width

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAX_NUMBERS = 400
MAX_COLUMNS = 20
"""The maximum number of elements of a small array, and of its rows."""
GAP = "  "
MAX_DECIMALS = 12
"""The maximum number of digits after the point of a fraction that is written as a decimal number."""

_ROOT = re.compile(r"sqrt\((\d+)\)")


def is_small(array: Array) -> bool:
    """Return whether an array is written in full."""
    return array.size <= MAX_NUMBERS and (array.ndim == 0 or array.shape[-1] <= MAX_COLUMNS)


def number_text(number: Any, digits: int = DIGITS) -> str:
    """Return a number for people: an exact one in full, a float with this number of significant digits."""
    if isinstance(number, ExactNumber):
        return _ROOT.sub(r"√\1", str(number.value)).replace("sqrt", "√").replace("**", "^").replace("*", "·")
    if isinstance(number, Fraction):
        return fraction_text(number)
    return float_text(number, digits)


def fraction_text(number: Fraction) -> str:
    """Return a fraction as a decimal number if that is short, else as a quotient."""
    decimal = f"{float(number):.{MAX_DECIMALS}f}".rstrip("0").rstrip(".")
    return decimal if Fraction(decimal) == number else str(number)


def array_lines(name: str, array: Array, *, batch: bool = True, digits: int = DIGITS) -> Iterator[str]:
    """Yield the lines of an array: its name and shape, then its matrices.

    Args:
        name: the name of the tensor.
        array: the numbers.
        batch: whether the first axis is the batch; a batch of one is not shown.
        digits: the significant digits of floats.
    """
    if batch and len(array) == 1:
        array, batch = array[0], False
    yield f"{name}: {shape_text(array.shape)}"
    texts = [number_text(number, digits) for number in array.flat]
    width = max(map(display_width, texts), default=0)
    columns = array.shape[-1] if array.ndim else 1
    rows = [texts[start : start + columns] for start in range(0, len(texts), columns)]
    height = array.shape[-2] if array.ndim > 1 else 1  # vectors of a batch are the rows of a matrix
    outer = array.shape[:-2]
    for number, place in enumerate(product(*map(range, outer))):
        if math.prod(outer) > 1:
            yield f"{_place(place, batch=batch)}:"
        yield from matrix_lines(rows[number * height : (number + 1) * height], width)


def _place(place: Sequence[int], *, batch: bool) -> str:
    """Return which matrix of an array stands below."""
    parts = [f"example {place[0]}"] if batch else []
    if inner := place[batch:]:
        parts.append(f"channel {inner[0]}")
    if others := inner[1:]:
        parts.append(f"position {', '.join(map(str, others))}")
    return ", ".join(parts)


def decimals(array: Array) -> Array | None:
    """Return the floats nearest to exact numbers; ``None`` if none of them is irrational."""
    if not any(isinstance(number, ExactNumber) and not isinstance(number.value, Fraction) for number in array.flat):
        return None
    return array.astype(float)


def nested(array: Array) -> Any:
    """Return an array as nested lists for JSON: floats, and exact numbers as texts; what is not finite is ``None``."""
    if array.ndim:
        return [nested(each) for each in array]
    number = array.item() if array.dtype != object else array[()]
    if isinstance(number, float):
        return number if math.isfinite(number) else None
    return number_text(number)


def matrix_lines(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield the rows of a matrix whose columns have one width, aligned at the right."""
    for row in rows:
        yield GAP.join(" " * (width - display_width(text)) + text for text in row).rstrip()
