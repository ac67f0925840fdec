"""HDF5 files that are not trusted: links to other files are not followed, and sizes are checked before reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from archcalc.spec.errors import fail

MAX_ARRAY_BYTES = 16 * 1024**3
"""The largest array that is read."""

DAMAGED = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError)
"""What h5py raises for files that are damaged."""


@contextmanager
def opened(file: Path | BinaryIO, name: str) -> Iterator[Any]:
    """Open a file for reading.

    Args:
        file: its path, or an open file.
        name: its name in messages.

    Raises:
        SpecError: h5py is not installed, or the file is damaged.
    """
    try:
        import h5py
    except ImportError:
        hint = "install it: pip install h5py"
        fail("missing-package", "the package h5py is needed to read HDF5 files", hint=hint, origin=name)
    try:
        found = h5py.File(file, "r")
    except DAMAGED as error:
        fail("format", f"not a complete HDF5 file: {error}"[:200], origin=name)
    try:
        yield found
    finally:
        found.close()


def attribute_text(group: Any, key: str, limit: int) -> str | None:
    """Return a text that is an attribute; ``None`` if there is none, or it has more characters than a limit."""
    try:
        value = group.attrs.get(key)
    except DAMAGED:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value if isinstance(value, str) and len(value) <= limit else None


def attribute_texts(group: Any, key: str) -> list[str]:
    """Return a list of texts that is an attribute, or several, numbered ones, as Keras splits long lists."""
    found: list[str] = []
    try:
        parts = [key] if key in group.attrs else []
        while not found and f"{key}{len(parts)}" in group.attrs:
            parts.append(f"{key}{len(parts)}")
        for part in parts:
            found += [
                each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in group.attrs[part]
            ]
    except DAMAGED:
        return []
    return found


def dataset(group: Any, path: str, name: str) -> Any:
    """Return an array of a group.

    Args:
        group: the group.
        path: the path of the array in it.
        name: the name of the file in messages.

    Raises:
        SpecError: there is none, it is in another file, or damaged.
    """
    import h5py

    place = group
    for part in path.split("/"):
        try:
            link = place.get(part, getlink=True) if part else None
            if isinstance(link, h5py.ExternalLink):
                fail("format", f"'{path[:100]}' is a link to another file, which is not followed", origin=name)
            place = place[part]
        except DAMAGED:
            fail("format", f"the file has no array '{path[:100]}'", origin=name)
    if not isinstance(place, h5py.Dataset) or place.dtype.kind not in "biuf":
        fail("format", f"'{path[:100]}' is not an array of numbers", origin=name)
    if place.external or place.is_virtual:
        fail("format", f"the numbers of '{path[:100]}' are in another file, which is not read", origin=name)
    count = prod(place.shape) * place.dtype.itemsize
    if count > MAX_ARRAY_BYTES:
        fail("limit", f"the array '{path[:100]}' has {count} bytes, more than {MAX_ARRAY_BYTES}", origin=name)
    try:
        stored = place.id.get_storage_size()
        if stored == 0 and count:
            fail("format", f"the file has no numbers for the array '{path[:100]}'", origin=name)
        if place.chunks is None and stored < count:
            fail("format", f"the file has too few numbers for the array '{path[:100]}'", origin=name)
        if count > 1000 * max(stored, 1):
            fail("limit", f"the array '{path[:100]}' would grow to {count} bytes", origin=name)
        return place[()]
    except DAMAGED as error:
        fail("format", f"the array '{path[:100]}' is damaged: {error}"[:200], origin=name)
