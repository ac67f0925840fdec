"""Names that nothing else in a file has."""

from __future__ import annotations

from collections.abc import Container
from itertools import count


def unused(name: str, taken: Container[str], separator: str = "") -> str:
    """Return a name that is not taken: this one, or this one with the smallest number from 2 on.

    Args:
        name: the name.
        taken: the names that others have.
        separator: what stands between the name and its number.
    """
    if name not in taken:
        return name
    return next(each for number in count(2) if (each := f"{name}{separator}{number}") not in taken)
