"""Reading and writing arrays in ``.npy`` and ``.npz`` files, which are not trusted.

The shape and number format that a file declares are compared with the expected ones before any data is read, so neither
a false header nor a decompression bomb takes memory. Nothing in a file is executed (pickles are rejected).
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
from archcalc.executor.inputs import shape_problem
from archcalc.executor.kernel import Array, Sizes
from archcalc.executor.weights import array_problems, check_arrays, stored_array_shapes
from archcalc.graph import Graph

UNREADABLE = {
    EOFError: "it ends too early",
    zlib.error: "its compressed data is damaged",
    zipfile.BadZipFile: "it is not a complete archive",
    NotImplementedError: "it is packed in a way that is not supported",
    RuntimeError: "it is encrypted",
    ValueError: "it does not hold an array as NumPy writes it",
}
"""The exceptions of NumPy and zipfile for files that are damaged, encrypted or of an unsupported kind, explained."""


class _RefusedError(ValueError):
    """An array that NumPy could read is rejected; the message gives the reason."""


MAX_HEADER = 10_000
"""The maximum number of bytes of the header of one array."""


def read_array(path: str, expected: Sizes) -> Array:
    """Return the array in an ``.npy`` file.

    Args:
        path: the file.
        expected: the shape of one example; the array may have a batch in front, or lack leading axes of size 1.

    Raises:
        ArrayError: the file cannot be read, is shorter than it declares, or holds objects or another shape.
    """
    try:
        with open(path, "rb") as file:
            if file.read(2) == b"PK":
                raise ArrayError([f"{path} must be a single array (.npy), got an archive (.npz)"])
            file.seek(0)
            shape, dtype = _header(file)
            if dtype.kind not in "fiu":
                raise ArrayError([f"{path} must hold real numbers, got {dtype.name}"])
            lacking = (1,) * (len(expected) - len(shape)) + tuple(shape) == expected
            if not lacking and (problem := shape_problem(shape, expected)):
                raise ArrayError([f"{path} {problem}"])
            if _bytes(shape, dtype) > os.path.getsize(path):
                raise ArrayError([f"{path} ends before the {_bytes(shape, dtype):,} bytes that it declares"])
            file.seek(0)
            array = _native(npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER))
            return array.reshape(expected) if lacking else array
    except ArrayError:
        raise
    except (OSError, *UNREADABLE) as error:
        raise ArrayError([_unreadable(path, error)]) from None


def read_weights(path: str, graph: Graph, *, dtype: DTypeLike = np.float32, training: bool = False) -> dict[str, Array]:
    """Return the stored arrays of a network from an ``.npz`` file, by ``layer.array``.

    Floating-point numbers of any width are converted to ``dtype``. The arrays of training heads may be missing unless
    ``training`` is set.

    Raises:
        ArrayError: the file cannot be read, or arrays are missing, unknown, of another shape, not of floating-point
            numbers, or not finite; all of them are listed.
    """
    known = stored_array_shapes(graph, training=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            declared: dict[str, tuple[Sizes, np.dtype[Any]]] = {}
            for name, member in members.items():
                if name in known or len(declared) <= len(known):  # list a few of the unknown arrays only
                    with archive.open(member) as file:
                        declared[name] = _header(file)
            problems = [f"{path}: {problem}" for problem in array_problems(graph, declared, training=training)]
            if problems:
                raise ArrayError(problems)
            arrays = {}
            for name in declared:
                with archive.open(members[name]) as file:
                    read = _native(npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER))
                with np.errstate(
                    over="ignore"
                ):  # numbers too large for the format become infinite, and are reported below
                    arrays[name] = np.ascontiguousarray(read, np.dtype(dtype))
    except ArrayError:
        raise
    except (OSError, *UNREADABLE) as error:
        raise ArrayError([_unreadable(path, error)]) from None
    check_arrays(graph, arrays, training=training)
    return arrays


def write_array(file: IO[bytes], array: Array) -> None:
    """Write an ``.npy`` file."""
    np.save(file, array, allow_pickle=False)


def write_arrays(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write an uncompressed ``.npz`` file; names may contain any character."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, np.asanyarray(array), allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[Sizes, np.dtype[Any]]:
    """Return the shape and number format that an array declares, without reading its data."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise _RefusedError("not an array of numbers")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file, max_header_size=MAX_HEADER)
    if dtype.hasobject:
        raise _RefusedError("it holds Python objects, which are not read")
    if any(type(size) is not int for size in shape):
        raise _RefusedError("its shape does not consist of integers")
    return shape, dtype


def _bytes(shape: Sizes, dtype: np.dtype[Any]) -> int:
    elements = 1
    for size in shape:
        elements *= size
    return elements * dtype.itemsize


def _native(array: Any) -> Array:
    """Return the array in the native byte order."""
    result: Array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return result


def _unreadable(path: str, error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{path}: {os.strerror(error.errno) if error.errno else error.strerror}"
    if isinstance(error, _RefusedError):
        return f"{path} cannot be read as arrays: {error}"
    reason = next(reason for kind, reason in UNREADABLE.items() if isinstance(error, kind))
    return f"{path} cannot be read as arrays: {reason}"
