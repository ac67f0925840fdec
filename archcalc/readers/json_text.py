"""JSON that is not trusted: how much memory it would take is estimated before it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from archcalc.spec.errors import fail

MAX_BYTES = 24 * 1024 * 1024
"""The largest text that is read, unless a format allows a larger one."""
MAX_MEMORY = 150_000_000
"""The largest number of bytes that a text may take in memory, as `memory_of` estimates it."""


def memory_of(text: bytes) -> int:
    """Return about how many bytes a JSON text takes in memory once it has been read.

    The lists, mappings and values are counted by their punctuation, which also occurs in texts: the estimate is high.
    """
    characters = len(text) * (1 if text.isascii() else 4)
    return characters + 64 * text.count(b"[") + 200 * text.count(b"{") + 80 * text.count(b",")


def read_json(
    text: bytes,
    what: str,
    origin: str,
    *,
    largest: int = MAX_BYTES,
    taken: int = 0,
    mapping: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
) -> Any:
    """Return the content of a JSON text.

    Args:
        text: the text; of one that is too large, ``largest`` + 1 bytes suffice.
        what: its name in messages: ``the header``.
        origin: the name of the file in messages.
        largest: the largest number of bytes that it may have.
        taken: the memory that other texts of the file take.
        mapping: makes a mapping of pairs.

    Raises:
        SpecError: it is too large, or not JSON.
    """
    if len(text) > largest:
        fail("limit", f"{what} has more than {largest:,} bytes", origin=origin)
    if taken + memory_of(text) > MAX_MEMORY:
        fail("limit", f"{what} would take more than {MAX_MEMORY:,} bytes of memory", origin=origin)
    try:
        return json.loads(text, object_pairs_hook=mapping)
    except (ValueError, RecursionError) as error:
        fail("format", f"{what} is not valid JSON: {error}", origin=origin)
