"""Filters of the bundled networks: by words, by their task, and by conditions on their totals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from archcalc.spec.catalogue import FIGURES, CatalogueEntry
from archcalc.spec.errors import fail, suggest
from archcalc.spec.syntax import Name
from archcalc.spec.zoo import plain_name, suggest_bundled

Filter = Callable[[CatalogueEntry], bool]

CONDITION = re.compile(r"[<>=≤≥≠]")
"""The signs that distinguish a condition from a word."""


def filters(words: Iterable[str], task: str | None, entries: tuple[CatalogueEntry, ...]) -> list[Filter]:
    """Return the filters that words (each a word or a condition) and a task stand for.

    Raises:
        SpecError: a word or task that no network has, or an invalid condition.
    """
    found: list[Filter] = [] if task is None else [_of_task(task, entries)]
    return found + [_meeting(word) if CONDITION.search(word) else _with_word(word, entries) for word in words]


def _of_task(task: str, entries: tuple[CatalogueEntry, ...]) -> Filter:
    known = sorted({entry.task for entry in entries})
    if task not in known:
        hint = suggest(task, known, f"the tasks are {', '.join(known)}")
        fail("unknown-name", f"no task '{task[:40]}'", hint=hint, origin="--task")
    return lambda entry: entry.task == task


def _with_word(word: str, entries: tuple[CatalogueEntry, ...]) -> Filter:
    """Return the filter for a word in the names, family, task or title of a network, however it is punctuated."""
    plain = plain_name(word)
    if not plain or not any(_has(entry, plain) for entry in entries):
        hint = suggest_bundled(word) or "`archcalc zoo` lists all; a condition has a relation: 'params < 5M'"
        what = f"no bundled network has '{word[:40]}' in its name, family, task or title"
        fail("not-found", what, hint=hint, origin="zoo")
    return lambda entry: _has(entry, plain)


def _has(entry: CatalogueEntry, plain: str) -> bool:
    texts = (entry.name, *entry.aliases, entry.family, entry.task, entry.title)
    return any(plain in part or rest.startswith(plain) for text in texts for part, rest in _parts(text))


@cache
def _parts(text: str) -> tuple[tuple[str, str], ...]:
    """Return the words of a text, each with all of the text from there on, without punctuation."""
    words = list(map(plain_name, re.split(r"[\s:]+", text)))
    return tuple([(word, "".join(words[index:])) for index, word in enumerate(words)])


def _meeting(written: str) -> Filter:
    from archcalc.query.conditions import holds, read_condition  # the grammar is loaded for conditions only

    condition = read_condition("zoo", written)

    def meets(entry: CatalogueEntry) -> bool:
        def figure(name: Name) -> Any:
            if name.name not in FIGURES:
                hint = suggest(name.name, FIGURES, f"the totals are {', '.join(FIGURES)}")
                fail("unknown-name", f"no total '{name.name[:40]}'", name.span, hint)
            return getattr(entry, name.name)

        return bool(holds(condition, figure))

    return meets
