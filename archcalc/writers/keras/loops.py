"""Statements that are repeated with other numbers in the names of their layers, as loops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from archcalc.writers.code.repetition import MAX_PERIOD, parts

NAMED = re.compile(r'name=f?"([^"]*)"')


Rename: TypeAlias = Callable[[str], str]
"""Returns the text of a name in a loop."""


def in_loops(lines: Sequence[str], render: Callable[[str, str, Rename], list[str]], indent: str) -> Iterator[str]:
    """Yield the lines of statements with an indentation.

    A last repetition whose result is returned is part of a loop as well.

    Args:
        lines: the statements, in one line each.
        render: returns the lines of a statement with an indentation, and with other names.
        indent: the indentation.
    """
    found = [*_in_loops(lines, render, indent)]
    if lines and lines[-1].startswith("return "):
        for variable in {line.partition(" = ")[0]: None for line in lines[-1 - MAX_PERIOD : -1]}:
            result = f"{variable} = {lines[-1].removeprefix('return ')}"
            other = [*_in_loops([*lines[:-1], result, f"return {variable}"], render, indent)]
            if len(other) < len(found) and other[-2].startswith(f"{indent}    "):
                found = other
    yield from found


def _in_loops(lines: Sequence[str], render: Callable[[str, str, Rename], list[str]], indent: str) -> Iterator[str]:
    statements = [render(line, indent, str) for line in lines]
    for part in parts(statements, _follows):
        inside = statements[part.start : part.start + part.period]
        repeated = statements[part.start : part.start + part.period * part.times]
        if part.times == 1 or sum(map(len, repeated)) < sum(map(len, inside)) + 3:
            for statement in repeated:
                yield from statement
            continue
        following = statements[part.start + part.period : part.start + 2 * part.period]
        places = [_changed(one, other) for one, other in zip(inside, following, strict=True)]
        first = min(number for _, number in places)
        numbers = f"{first}, {first + part.times}" if first else str(part.times)
        yield f"{indent}for i in range({numbers}):"
        for line, place in zip(lines[part.start :], places, strict=False):
            yield from render(line, indent + "    ", partial(_numbered, place=place, first=first))


def _pieces(statement: Sequence[str]) -> tuple[str, list[str]]:
    """Return a statement without the name of its layer, and the name in pieces, every other of which is a number."""
    text = "\n".join(statement)
    found = NAMED.search(text)
    if found is None:
        return text, []
    return NAMED.sub("name=", text), re.split(r"(\d+)", found[1])


def _follows(one: Sequence[str], other: Sequence[str], times: int) -> bool:
    """Return whether a statement is another one with a number in its name that is larger by ``times``."""
    (text, pieces), (text2, pieces2) = _pieces(one), _pieces(other)
    if text != text2 or len(pieces) != len(pieces2) or not pieces or "for i in" in text:
        return False
    changed = [(a, b) for a, b in zip(pieces, pieces2, strict=True) if a != b]
    return (
        len(changed) == 1
        and all(each.isdigit() for each in changed[0])
        and int(changed[0][1]) - int(changed[0][0]) == times
    )


def _changed(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """Return which piece of a name changes, and the number in its place."""
    pieces, pieces2 = _pieces(one)[1], _pieces(other)[1]
    return next((place, int(a)) for place, (a, b) in enumerate(zip(pieces, pieces2, strict=True)) if a != b)


def _numbered(text: str, place: tuple[int, int], first: int) -> str:
    """Return the text of a name with the variable of the loop in place of a number."""
    pieces = re.split(r"(\d+)", text.removeprefix("f").strip('"'))
    more = place[1] - first
    pieces[place[0]] = f"{{i + {more}}}" if more else "{i}"
    return f'f"{"".join(pieces)}"'
