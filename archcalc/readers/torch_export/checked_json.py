"""Parts of a description in JSON, whose types are checked when they are read."""

from __future__ import annotations

from typing import Any

MAX_SIZE = 2**63 - 1
"""The largest integer of PyTorch, which are of 64 bits."""


class InvalidPart(Exception):
    """A part of the file does not follow the schema."""


def part(value: Any, key: str) -> Any:
    """Return an entry of a mapping, or ``None``."""
    return value.get(key) if isinstance(value, dict) else None


def mapping_at(value: Any, key: str) -> dict[str, Any]:
    """Return an entry that must be a mapping."""
    found = part(value, key)
    if not isinstance(found, dict):
        raise InvalidPart(f"'{key}' must be a mapping")
    return found


def list_at(value: Any, key: str) -> list[Any]:
    """Return an entry that must be a list."""
    found = part(value, key)
    if not isinstance(found, list):
        raise InvalidPart(f"'{key}' must be a list")
    return found


def mappings_at(value: Any, key: str) -> list[dict[str, Any]]:
    """Return an entry that must be a list of mappings."""
    found = list_at(value, key)
    if not all(isinstance(each, dict) for each in found):
        raise InvalidPart(f"'{key}' must be a list of mappings")
    return found


def text_at(value: Any, key: str) -> str:
    """Return an entry that must be a text."""
    found = part(value, key)
    if not isinstance(found, str):
        raise InvalidPart(f"'{key}' must be text")
    return found


def integer(value: Any, what: str) -> int:
    """Return a value that must be an integer."""
    if type(value) is not int:
        raise InvalidPart(f"{what} must be an integer")
    return value


def union(value: Any, what: str) -> tuple[str, Any]:
    """Return the key and the value of a tagged union, a mapping with one entry."""
    if not isinstance(value, dict) or len(value) != 1:
        raise InvalidPart(f"{what} must have exactly one kind")
    ((kind, content),) = value.items()
    return kind, content


def expect(kind: type, value: Any, what: str) -> Any:
    """Return a value that must be of a type; an integer must have at most 64 bits."""
    if type(value) is not kind:
        raise InvalidPart(f"{what} must be of type {kind.__name__}")
    if isinstance(value, int) and abs(value) > MAX_SIZE:
        raise InvalidPart(f"{what} must be a 64-bit integer")
    return value
