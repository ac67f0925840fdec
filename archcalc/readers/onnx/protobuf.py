"""The bytes of a model file: parsed without the numbers of large tensors, which are read when they are needed.

The wire format of protocol buffers is simple enough to skip over these numbers, so that a file of any size is read in
the time and the memory that its graph takes.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from archcalc.spec.errors import fail, fail_to_read
from archcalc.spec.locate import BINARY

NUMBERS = frozenset((4, 5, 6, 7, 9, 10, 11))
"""The fields of a tensor that hold its numbers, in ``onnx.proto``: one for each format, and ``raw_data``."""

DOCUMENTATION = 12
"""The field of a tensor for a text, where a shortened one says where it is in the file."""

PLACE = re.compile(r"\0(\d+)-(\d+)")
"""Such a text."""

PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}
"""The messages in which tensors are, by the numbers of the fields that hold them in ``onnx.proto``."""

MAX_KEPT = 1024
"""The number of bytes of a tensor that is read with the graph."""

MAX_DEPTH = 100
"""How deep messages are nested in each other; the limit of protocol buffers."""

MAX_FIELDS = 10_000_000
"""The number of fields that are looked at."""

MAX_GRAPH = 150_000_000
"""The number of bytes of the graph, without the numbers of large tensors."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The types of fields on the wire."""


class Field(NamedTuple):
    """A field of a message: its number, and where it starts, has its content, and ends."""

    number: int
    kind: int
    start: int
    content: int
    end: int


class InvalidMessage(Exception):
    """The bytes are no message; the argument says why."""


def read_model(path: Path, name: str) -> Any:
    """Return the model in a file as a ``ModelProto``, without the numbers of its large tensors.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: the file cannot be read, is no model, or the package ``onnx`` is missing.
    """
    try:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from onnx import ModelProto
    except ImportError:
        hint = "install it: pip install onnx"
        fail("not-found", "reading ONNX files needs the package 'onnx'", hint=hint, origin=name)
    try:
        with open(path, "rb") as file:
            if not file.read(1):
                _refuse(name, "the file is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                graph = b"".join(_Shortening(data).parts("model", 0, len(data), 0))
    except OSError as error:
        fail_to_read(error, name)
    except InvalidMessage as error:
        if other := _other_kind(path):
            fail("format", f"not an ONNX model, but {other}", origin=name)
        _refuse(name, f"{error}")
    try:
        model = ModelProto.FromString(graph)
    except (DecodeError, MemoryError) as error:
        _refuse(name, f"{error}")
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        _refuse(name, "it has no graph")
    return model


def _other_kind(path: Path) -> str:
    """Return what a file is that is not a model; empty if that is not known."""
    with open(path, "rb") as file:
        data = file.read(4096)
    known = next((kind for start, kind in BINARY.items() if data.startswith(start)), "")
    is_text = all(byte >= 32 or byte in b"\t\r\n" for byte in data)  # the first field of a model is a number
    return known or ("text" if is_text else "")


def _refuse(name: str, reason: str) -> NoReturn:
    fail("format", f"not a complete ONNX model: {reason[:200]}", origin=name)


def whole(tensor: Any, path: Path) -> Any:
    """Return a tensor with its numbers, as far as they are in its file.

    Raises:
        OSError: the file cannot be read.
        google.protobuf.message.DecodeError: it has changed since.
    """
    place = PLACE.fullmatch(tensor.doc_string)
    if place is None:
        return tensor
    start, end = map(int, place.groups())
    with open(path, "rb") as file:
        file.seek(start)
        return type(tensor).FromString(file.read(end - start))


def is_whole(tensor: Any) -> bool:
    """Return whether a tensor has its numbers, as far as they are in its file."""
    return not PLACE.fullmatch(tensor.doc_string)


class _Shortening:
    """Leaves out the numbers of large tensors."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.kept = self.seen = 0
        """The number of bytes that are kept, and that of fields."""

    def parts(self, kind: str, start: int, end: int, depth: int) -> list[bytes]:
        """Return a message in parts, without the numbers of its large tensors.

        Raises:
            InvalidMessage: the bytes are no message, or the graph is too large.
        """
        if depth > MAX_DEPTH:
            raise InvalidMessage(f"messages that are nested more than {MAX_DEPTH} deep")
        made: list[bytes] = []
        for field in _fields(self.data, start, end):
            self.seen += 1
            if self.seen > MAX_FIELDS:
                raise InvalidMessage(f"more than {MAX_FIELDS:,} fields")
            inner = PARTS[kind].get(field.number) if field.kind == BYTES else None
            if inner is None or field.end - field.content <= MAX_KEPT:
                made.append(self.keep(field))
                continue
            if inner == "tensor":
                content = self.tensor(field)
            else:
                content = self.parts(inner, field.content, field.end, depth + 1)
            made += [_varint(field.number << 3 | BYTES), _varint(sum(map(len, content))), *content]
        return made

    def keep(self, field: Field) -> bytes:
        """Return the bytes of a field."""
        self.kept += field.end - field.start
        if self.kept > MAX_GRAPH:
            raise InvalidMessage(
                f"a graph of more than {MAX_GRAPH // 1_000_000} MB, without the numbers of its tensors"
            )
        return self.data[field.start : field.end]

    def tensor(self, tensor: Field) -> list[bytes]:
        """Return a tensor in parts, with its place in the file instead of its numbers."""
        made = []
        for field in _fields(self.data, tensor.content, tensor.end):
            self.seen += 1
            if self.seen > MAX_FIELDS:
                raise InvalidMessage(f"more than {MAX_FIELDS:,} fields")
            if field.number not in NUMBERS and field.number != DOCUMENTATION:
                made.append(self.keep(field))
        place = f"\0{tensor.content}-{tensor.end}".encode()
        return [*made, _varint(DOCUMENTATION << 3 | BYTES), _varint(len(place)), place]


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[Field]:
    """Return the fields of a message.

    Raises:
        InvalidMessage: the bytes are none.
    """
    at = start
    while at < end:
        tag, content = _read_varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            _, after = _read_varint(data, content, end)
        elif kind == BYTES:
            length, content = _read_varint(data, content, end)
            after = content + length
        elif kind in (FIXED32, FIXED64):
            after = content + (4 if kind == FIXED32 else 8)
        else:
            raise InvalidMessage(f"the field at byte {at} has an unknown type")
        if not number or after > end:
            raise InvalidMessage(f"the field at byte {at} does not fit")
        yield Field(number, kind, at, content, after)
        at = after


def _read_varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
    raise InvalidMessage(f"a number has no end before byte {at}")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
