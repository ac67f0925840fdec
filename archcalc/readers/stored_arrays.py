"""The stored arrays of a file as the operators of a graph have them: as they are, transposed, or with one axis more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRANSPOSED = "^"
"""Precedes the name of a stored matrix, where its transpose is meant."""

LIFTED = "+"
"""Precedes the name of stored weights of windows, where those of windows of one position along one axis more are."""


def plain(name: str) -> str:
    """Return the name that a stored array has in the file."""
    return name.lstrip(TRANSPOSED + LIFTED)


def sizes_of(name: str, stored: Mapping[str, tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the sizes of a stored array as it is meant."""
    sizes = stored[plain(name)]
    if name.startswith(TRANSPOSED):
        return sizes[::-1]
    return (*sizes[:2], 1, *sizes[2:]) if name.startswith(LIFTED) else sizes


def array_of(name: str, arrays: Mapping[str, Any]) -> Any:
    """Return a stored array as it is meant."""
    array = arrays[plain(name)]
    if name.startswith(TRANSPOSED):
        return array.T
    return array[:, :, None] if name.startswith(LIFTED) else array
