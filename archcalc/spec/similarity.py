"""The known word that an unknown one probably misspells.

Words that merely look alike mean different things, so only few edits are allowed: none in words of up to two letters,
one in words of up to five, else two.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_LENGTH = 60
"""Longer words are not compared."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar known word regardless of case, of several the last; ``None`` if none is similar.

    >>> closest("kernal", ["kernel", "stride"]), closest("gleu", ["gelu"]), closest("rope", ["crop"])
    ('kernel', 'gelu', None)
    """
    folded = word.casefold()
    if len(folded) > MAX_LENGTH:
        return None
    found: list[tuple[int, str]] = []
    for name in known:
        other = name.casefold()
        allowed = _allowed(max(len(folded), len(other)))
        if abs(len(folded) - len(other)) <= allowed and (edits := distance(folded, other)) <= allowed:
            found.append((edits, name))
    return min(reversed(found), key=lambda pair: pair[0])[1] if found else None


def _allowed(length: int) -> int:
    return 0 if length <= 2 else 1 if length <= 5 else 2


def distance(one: str, other: str) -> int:
    """Return the number of edits between two words: letters inserted, deleted, replaced, or neighbours exchanged."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        two_before, before, row = before, row, [i]
        for j, expected in enumerate(other, start=1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != expected))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == expected:
                edits = min(edits, two_before[j - 2] + 1)
            row.append(edits)
    return row[-1]
