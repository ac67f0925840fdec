"""Edits of a text that preserve everything else in it: comments, layout, quotes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar

INDENT = re.compile(" *")


class Edit(NamedTuple):
    """Replace the characters ``start`` to ``end`` (exclusive) of a text by another text."""

    start: int
    end: int
    text: str = ""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return the text after all edits; of two that overlap, the second is only applied if it removes something."""
    pieces, at = [], 0
    for edit in sorted(edits):
        if edit.start >= at:
            pieces += [text[at : edit.start], edit.text]
        elif edit.text:
            continue
        at = max(at, edit.end)
    return "".join([*pieces, text[at:]])


def extent(content: Content) -> tuple[int, int]:
    """Return the indices at which a piece of a document begins and ends."""
    start = content.span.text.start
    if isinstance(content, YamlScalar):
        return start, content.text.end or start
    if content.closed is not None:
        return start, content.closed
    inner = content.items if isinstance(content, YamlList) else [value for _, value in content.pairs]
    return start, max([start, *(extent(each)[1] for each in inner)])


def removals(text: str, content: YamlList | YamlMapping, dropped: Collection[int]) -> Iterator[Edit]:
    """Yield the edits that remove some entries (not all) of a list or mapping, given by their indices.

    The comments directly above an entry go with it: they would seem to describe the next one.
    """
    places, dropped = list(_entries(content)), frozenset(dropped)
    if content.closed is None:
        for index in dropped:
            yield from _lines(text, *places[index])
        return
    kept = [index for index in range(len(places)) if index not in dropped]
    for index in dropped:
        if index < kept[-1]:  # remove up to the next entry, so including the comma
            yield _up_to(text, places[index][0], places[index + 1][0])
    if kept[-1] + 1 < len(places):
        yield Edit(places[kept[-1]][1], places[-1][1])


def _entries(content: YamlList | YamlMapping) -> Iterator[tuple[int, int]]:
    if isinstance(content, YamlList):
        yield from map(extent, content.items)
    else:
        yield from ((extent(key)[0], extent(value)[1]) for key, value in content.pairs)


def _lines(text: str, start: int, end: int) -> Iterator[Edit]:
    """Yield an edit that removes the lines of an entry, with its comments, if nothing else is on them."""
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip() not in ("", "-"):
        return
    if text[end - 1] != "\n":  # a block scalar ends with its line
        following = text.find("\n", end)
        end = len(text) if following < 0 else following + 1
    yield Edit(_first_line(text, line), end)


def _up_to(text: str, start: int, following: int) -> Edit:
    """Return the edit that removes an entry in braces or brackets up to the next one, whose own comments stay."""
    line, next_line = text.rfind("\n", 0, start) + 1, text.rfind("\n", 0, following) + 1
    if text[next_line:following].strip():  # the next one is not the first of its line
        return Edit(start, following)
    first = _first_line(text, next_line)
    if not text[line:start].strip():
        return Edit(_first_line(text, line), first)
    return Edit(start, following) if first == next_line else Edit(start, first - 1)


def _first_line(text: str, line: int) -> int:
    """Return the index of the first comment directly above the line that begins at an index, or this index.

    Comments with another indent describe something else, and so does the comment with which a file begins.
    """
    found = INDENT.match(text, line)
    assert found is not None
    first, mark = line, f"{found[0]}#"
    while first:
        above = text.rfind("\n", 0, first - 1) + 1
        if not text.startswith(mark, above):
            return first
        first = above
    return line
