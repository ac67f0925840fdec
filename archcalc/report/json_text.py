"""JSON as text: indented, with lists of integers on one line; long lists are written piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from json import dumps
from json.encoder import encode_basestring
from typing import Any

from archcalc.terminal import JSON_BACKSLASH, readable

INDENT = "  "
_CONSTANTS = {None: "null", False: "false", True: "true"}


string = encode_basestring
"""Return the text of a string; ASCII or not, only what JSON requires is escaped."""


def write_json(document: Any) -> str:
    """Return a document as indented JSON with its keys in the given order, and lists of integers on one line."""
    return readable(encoded(document, ""), JSON_BACKSLASH) + "\n"


def json_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of a document in pieces.

    Values that are iterators are lists: they yield the indented texts of their items, each of which is a piece.
    """
    yield "{\n"
    separator = ""
    for key, value in document.items():
        yield f"{separator}{INDENT}{string(key)}: "
        if isinstance(value, Iterator):
            yield from (readable(piece, JSON_BACKSLASH) for piece in _items(value, INDENT))
        else:
            yield readable(encoded(value, INDENT), JSON_BACKSLASH)
        separator = ",\n"
    yield "\n}\n"


def _items(texts: Iterator[str], margin: str) -> Iterator[str]:
    """Yield the text of a list, one item after the other."""
    before, after = f"[\n{margin}{INDENT}", "[]"
    for text in texts:
        yield before + text
        before, after = f",\n{margin}{INDENT}", f"\n{margin}]"
    yield after


def encoded(value: Any, margin: str) -> str:
    """Return the text of a value whose first line is indented by ``margin``."""
    kind = type(value)
    if kind is str:
        return string(value)
    if kind is int:
        return str(value)
    if value is None or kind is bool:
        return _CONSTANTS[value]
    if isinstance(value, str):
        return string(value)
    if isinstance(value, (list, tuple)):
        return _list(value, margin) if value else "[]"
    if isinstance(value, Mapping):
        return f"{{\n{members(value, margin + INDENT)}\n{margin}}}" if value else "{}"
    return dumps(value)


def _list(values: Sequence[Any], margin: str) -> str:
    kinds = {*map(type, values)}
    if kinds == {int}:
        return str([*values])
    if kinds == {str}:
        return strings(values, margin)
    inner = margin + INDENT
    separator = f",\n{inner}"
    return f"[\n{inner}{separator.join([encoded(each, inner) for each in values])}\n{margin}]"


def strings(values: Sequence[str], margin: str) -> str:
    """Return the text of a list of strings whose first line is indented by ``margin``."""
    inner = f",\n{margin}{INDENT}"
    return f"[{inner[1:]}{inner.join(map(string, values))}\n{margin}]" if values else "[]"


def members(record: Mapping[str, Any], margin: str) -> str:
    """Return the text of the members of an object, each indented by ``margin``, without the braces."""
    return _template((*record,), margin) % tuple([encoded(value, margin) for value in record.values()])


@lru_cache
def _template(keys: tuple[str, ...], margin: str) -> str:
    """Return the text of members with these keys, with ``%s`` for each value."""
    return ",\n".join([f"{margin}{string(key)}: ".replace("%", "%%") + "%s" for key in keys])
