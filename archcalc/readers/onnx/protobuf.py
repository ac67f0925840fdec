"""The bytes of a model file: parsed without the numbers of large initializers, which are read when they are needed.

The wire format of protocol buffers is simple enough to skip over these numbers, so that a file of any size is read in
the time and the memory that its graph takes.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from archcalc.spec.errors import fail

GRAPH_OF_MODEL = 7
INITIALIZER_OF_GRAPH = 5
RAW_DATA_OF_TENSOR = 9
FLOAT_DATA_OF_TENSOR = 4
"""The numbers of fields in ``onnx.proto``."""

MAX_KEPT = 1024
"""The number of bytes of an initializer that is read with the graph."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The types of fields on the wire."""


class Field(NamedTuple):
    """A field of a message: its number, and where it starts, has its content, and ends."""

    number: int
    kind: int
    start: int
    content: int
    end: int


class Damaged(Exception):
    """The bytes are no message; the argument says why."""


class Message(NamedTuple):
    """A model without the numbers of its large initializers."""

    model: Any
    """The ``ModelProto``."""
    initializers: dict[str, tuple[int, int]]
    """Where the initializers that were shortened are in the file, by name."""


def read_message(path: Path, name: str) -> Message:
    """Return the model in a file.

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
                shortened, initializers = _shortened(data)
    except OSError as error:
        fail("not-found", f"cannot read the file: {error.strerror or error}", origin=name)
    except Damaged as error:
        _refuse(name, f"{error}")
    try:
        model = ModelProto.FromString(shortened)
    except (DecodeError, MemoryError) as error:
        _refuse(name, f"{error}")
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        _refuse(name, "it has no graph")
    return Message(model, initializers)


def _refuse(name: str, reason: str) -> NoReturn:
    fail("format", f"not a complete ONNX model: {reason[:200]}", origin=name)


def part(path: Path, span: tuple[int, int]) -> bytes:
    """Return a part of a file."""
    with open(path, "rb") as file:
        file.seek(span[0])
        return file.read(span[1] - span[0])


def _shortened(data: mmap.mmap) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """Return a model without the numbers of its large initializers, and where these are."""
    made: list[bytes] = []
    found: dict[str, tuple[int, int]] = {}
    for field in _fields(data, 0, len(data)):
        if field.number == GRAPH_OF_MODEL and field.kind == BYTES:
            graph = _graph(data, field, found)
            made += [_varint(GRAPH_OF_MODEL << 3 | BYTES), _varint(len(graph)), graph]
        else:
            made.append(data[field.start : field.end])
    return b"".join(made), found


def _graph(data: mmap.mmap, graph: Field, found: dict[str, tuple[int, int]]) -> bytes:
    made: list[bytes] = []
    for field in _fields(data, graph.content, graph.end):
        large = field.end - field.content > MAX_KEPT
        if field.number == INITIALIZER_OF_GRAPH and field.kind == BYTES and large:
            tensor, name = _tensor(data, field)
            found[name] = field.content, field.end
            made += [_varint(INITIALIZER_OF_GRAPH << 3 | BYTES), _varint(len(tensor)), tensor]
        else:
            made.append(data[field.start : field.end])
    return b"".join(made)


NAME_OF_TENSOR = 8


def _tensor(data: mmap.mmap, tensor: Field) -> tuple[bytes, str]:
    """Return an initializer without its numbers, and its name."""
    made: list[bytes] = []
    name = b""
    for field in _fields(data, tensor.content, tensor.end):
        if field.number == NAME_OF_TENSOR:
            name = data[field.content : field.end]
        if field.number not in (RAW_DATA_OF_TENSOR, FLOAT_DATA_OF_TENSOR):
            made.append(data[field.start : field.end])
    return b"".join(made), name.decode("utf-8", "replace")


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[Field]:
    """Return the fields of a message.

    Raises:
        Damaged: the bytes are none.
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
            raise Damaged(f"a field of an unknown type at byte {at}")
        if not number or after > end:
            raise Damaged(f"a field that does not fit at byte {at}")
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
    raise Damaged(f"a number that does not end at byte {at}")


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
