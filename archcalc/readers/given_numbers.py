"""The numbers that inputs have which decide what a model does, as the user writes them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from archcalc.arrays.texts import shape_text
from archcalc.spec.errors import fail

WORDS = {"true": 1.0, "false": 0.0}


def given_numbers(name: str, written: str, dtype: str, sizes: Sequence[int]) -> Any:
    """Return the numbers that are given for an input as an array.

    Args:
        name: the name of the input.
        written: numbers, separated by commas.
        dtype: NumPy's name of its number format.
        sizes: its sizes in the file.

    Raises:
        SpecError: they are no numbers, or do not fill the input.
    """
    import numpy as np

    try:
        numbers = [WORDS[each] if each in WORDS else float(each) for each in written.split(",")]
        return np.array(numbers).astype(dtype).reshape(tuple(sizes))
    except (ValueError, TypeError):
        count = prod(sizes)
        needed = "a number" if count == 1 else f"{count:,} numbers, separated by commas"
        shape = f", for a shape of {shape_text(sizes)}" if len(sizes) > 1 else ""
        message = f"must be {needed}{shape}, got '{written[:40]}'"
        fail("argument", message, origin=f"--input {name[:40]}")
