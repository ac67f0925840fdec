"""One number per row: how NumPy combines it with the numbers of the row without a detour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

SHORT = 128
"""Rows of fewer numbers are faster through NumPy's buffers."""
BUFFER = 8192
"""NumPy's own size of these buffers, in numbers."""


@contextmanager
def in_rows_of(length: int) -> Iterator[None]:
    """Within, arrays of rows of such a length are read and written where they are.

    Where its operands do not all lie in one piece, NumPy first copies them, together as many rows as fit a buffer. That
    takes twice as long as the arithmetic, and it is left out where a single row is larger than the buffer.
    """
    if length < SHORT:
        yield
        return
    before = np.setbufsize(min(length // 16 * 16, BUFFER))  # a multiple of 16, by its definition
    try:
        yield
    finally:
        np.setbufsize(before)
