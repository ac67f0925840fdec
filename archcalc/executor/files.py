"""Arrays in files: ``.npy`` and ``.npz``, read without trusting them.

What a file declares is compared with what is expected before any of it is read, so neither a false header nor a
compressed bomb takes memory; nothing in a file is ever executed (pickles are refused).
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike

from archcalc.executor.errors import ArrayError
from archcalc.executor.inputs import misshapen
from archcalc.executor.kernel import Array, Sizes
from archcalc.executor.weights import check, stored, unlike
from archcalc.graph import Graph

UNREADABLE = {
    EOFError: "it ends too early",
    zlib.error: "its compressed data is damaged",
    zipfile.BadZipFile: "it is not a complete archive",
    NotImplementedError: "it is packed in a way that is not supported",
    RuntimeError: "it is encrypted",
    ValueError: "it does not hold an array as NumPy writes it",
}
"""What NumPy and zipfile raise for damaged, encrypted or strangely packed files, and what that means."""


class _RefusedError(ValueError):
    """An array that NumPy would read and archcalc does not; the message says why."""


MOST_HEADER = 10_000
"""Bytes of the header of one array."""


def read_array(path: str, expected: Sizes) -> Array:
    """The array of an ``.npy`` file.

    Args:
        path: the file.
        expected: the shape of one example; the array may have a batch in front.

    Raises:
        ArrayError: it cannot be read, holds objects, has another shape, or ends before the numbers it declares.
    """
    try:
        with open(path, "rb") as file:
            if file.read(2) == b"PK":
                raise ArrayError([f"{path} is an archive (.npz): an input is a single array (.npy)"])
            file.seek(0)
            shape, dtype = _header(file)
            if dtype.kind not in "fiu":
                raise ArrayError([f"{path} holds {dtype.name}, not real numbers"])
            if problem := misshapen(shape, expected):
                raise ArrayError([f"{path} {problem}"])
            if _bytes(shape, dtype) > os.path.getsize(path):
                raise ArrayError([f"{path} ends before the {_bytes(shape, dtype):,} bytes that it declares"])
            file.seek(0)
            return _native(npy.read_array(file, allow_pickle=False, max_header_size=MOST_HEADER))
    except ArrayError:
        raise
    except (OSError, *UNREADABLE) as error:
        raise ArrayError([_unreadable(path, error)]) from None


def read_weights(path: str, graph: Graph, *, dtype: DTypeLike = np.float32, training: bool = False) -> dict[str, Array]:
    """The stored arrays of a network from an ``.npz`` file, by ``layer.array``.

    Floating-point numbers of any width are taken, and converted to ``dtype``. Those of training heads may be missing
    unless ``training``.

    Raises:
        ArrayError: the file cannot be read, or arrays are missing, unknown, of another shape, not of floating-point
            numbers, or not finite; every one is listed.
    """
    known = stored(graph, training=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            declared: dict[str, tuple[Sizes, np.dtype[Any]]] = {}
            for name, member in members.items():
                if name in known or len(declared) <= len(known):  # of surplus ones a few are named
                    with archive.open(member) as file:
                        declared[name] = _header(file)
            problems = [f"{path}: {problem}" for problem in unlike(graph, declared, training=training)]
            if problems:
                raise ArrayError(problems)
            arrays = {}
            for name in declared:
                with archive.open(members[name]) as file:
                    read = _native(npy.read_array(file, allow_pickle=False, max_header_size=MOST_HEADER))
                with np.errstate(over="ignore"):  # what is too large for the format shows as infinite
                    arrays[name] = np.ascontiguousarray(read, np.dtype(dtype))
    except ArrayError:
        raise
    except (OSError, *UNREADABLE) as error:
        raise ArrayError([_unreadable(path, error)]) from None
    check(graph, arrays, training=training)
    return arrays


def write_array(file: IO[bytes], array: Array) -> None:
    """Write an ``.npy`` file."""
    np.save(file, array, allow_pickle=False)


def write_arrays(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write an ``.npz`` file, uncompressed; names may hold any character."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, np.asanyarray(array), allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[Sizes, np.dtype[Any]]:
    """The shape and number format that an array declares; nothing else is read."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise _RefusedError("not an array of numbers")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file, max_header_size=MOST_HEADER)
    if dtype.hasobject:
        raise _RefusedError("it holds Python objects, which are not read")
    if any(type(size) is not int for size in shape):
        raise _RefusedError("its shape does not consist of whole numbers")
    return shape, dtype


def _bytes(shape: Sizes, dtype: np.dtype[Any]) -> int:
    elements = 1
    for size in shape:
        elements *= size
    return elements * dtype.itemsize


def _native(array: Any) -> Array:
    """The array in this machine's order of bytes."""
    result: Array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return result


def _unreadable(path: str, error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{path}: {os.strerror(error.errno) if error.errno else error.strerror}"
    if isinstance(error, _RefusedError):
        return f"{path} cannot be read as arrays: {error}"
    reason = next(reason for kind, reason in UNREADABLE.items() if isinstance(error, kind))
    return f"{path} cannot be read as arrays: {reason}"
