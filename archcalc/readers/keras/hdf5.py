"""Attributes and arrays of HDF5 files as Keras writes them."""

from __future__ import annotations

from typing import Any

from archcalc.readers.hdf5 import DAMAGED, is_inside, numbers_of
from archcalc.spec.errors import fail


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


def members(group: Any) -> dict[str, Any]:
    """Return the objects in a group by their names, without links, which may lead to other files."""
    import h5py

    return {str(key): group[key] for key in group if isinstance(group.get(key, getlink=True), h5py.HardLink)}


def is_group(item: Any) -> bool:
    """Return whether an object of a file is a group."""
    import h5py

    return isinstance(item, h5py.Group)


def object_at(group: Any, path: str, name: str) -> Any:
    """Return an object within a group.

    Args:
        group: the group.
        path: its path in the group.
        name: the name of the file in messages.

    Raises:
        SpecError: there is none, or only a link to it.
    """
    found = group
    try:
        for part in path.split("/"):
            found = found[part] if is_inside(found, part, path, name) else None
    except DAMAGED:
        found = None
    if found is None:
        fail("format", f"the file has no array '{path[:100]}'", origin=name)
    return found


def array_at(group: Any, path: str, name: str) -> Any:
    """Return an array within a group; see `object_at`.

    Raises:
        SpecError: there is none, it is in another file, or damaged.
    """
    return numbers_of(object_at(group, path, name), path, name)
