"""The entries of a spec, and how they are written as YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from textwrap import wrap
from typing import NamedTuple

WIDTH = 100
"""The approximate length of a line."""
PLAIN = re.compile(r"[A-Za-z0-9(](?:[ -~]*[!-~])?")
"""Text that needs no quotes in YAML unless `MARKS` occur in it."""
MARKS = re.compile(r": | #|:$")
"""Characters with a meaning in YAML inside plain text."""


class StageEntry(NamedTuple):
    """A line of ``layers:``, ``heads:`` or ``training_heads:``."""

    name: str | None
    chain: str | list[StageEntry]
    """A chain, or named entries in its place."""


class Sections(NamedTuple):
    """The entries of the sections of a spec."""

    layers: list[StageEntry]
    heads: list[StageEntry]
    training: list[StageEntry]
    blocks: list[StageEntry]
    variables: Mapping[str, str]


def line(start: str, entry: StageEntry) -> str:
    """Return an entry, on several lines if it is long."""
    if isinstance(entry.chain, list):
        inner = f"{' ' * (len(start) + 2)}- "
        return "\n".join([f"{start}{entry.name}:", *(line(inner, each) for each in entry.chain)])
    indent = " " * (len(start) + 4)
    text = scalar(entry.chain)
    first = f"{start}{text}" if entry.name is None else f"{start}{entry.name}: {text}"
    return "\n".join(wrap(first, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def scalar(text: str) -> str:
    """Return a text as a YAML scalar, in quotes if it needs them."""
    return text if PLAIN.fullmatch(text) and not MARKS.search(text) else json.dumps(text, ensure_ascii=False)
