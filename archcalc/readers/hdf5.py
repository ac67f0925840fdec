"""HDF5 files that are not trusted: links to other files are not followed, and sizes are checked before reading."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from archcalc.spec.errors import fail, fail_to_read

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""The first bytes of a file."""
MAX_ARRAY_BYTES = 16 * 1024**3
"""The largest array that is read."""
MAX_COMPRESSION = 1100
"""How many times the bytes in the file an array may have, from `SMALL` bytes on: more than deflate reaches."""
SMALL = 1 << 26
DAMAGED = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError)
"""What h5py raises for damaged files, and for what it cannot read."""
MAX_SECONDS = 600
"""The time for which the process is waited for that tries a file, which ends by itself on most systems."""
NUMBERS = "fiub"
"""The kinds of data types that are read."""


@contextmanager
def open_hdf5(file: Path | BinaryIO, name: str) -> Iterator[Any]:
    """Open a file for reading; what h5py raises within the context is the error that it is damaged.

    Args:
        file: its path, or an open file.
        name: its name in messages.

    Raises:
        SpecError: h5py is not installed, or the file is damaged.
    """
    require_h5py(name)
    _require_sound(file, name)
    import h5py

    try:
        with h5py.File(file, "r", locking=False) as found:
            yield found
    except DAMAGED as error:
        fail("format", f"the HDF5 file is damaged: {error}", origin=name)


def require_h5py(name: str) -> None:
    """Require that h5py is installed, for the file of a name."""
    if find_spec("h5py") is None:
        hint = "install it: pip install h5py"
        fail("missing-package", "the package h5py is needed to read HDF5 files", hint=hint, origin=name)


def _require_sound(file: Path | BinaryIO, name: str) -> None:
    """Require that the HDF5 library gets through a file: a process of its own tries it, once for every content.

    Raises:
        SpecError: the library crashes, or does not come to an end.
    """
    try:
        if isinstance(file, Path):
            status = file.stat()
            is_sound = _is_sound_file(str(file), status.st_size, status.st_mtime_ns)
        else:
            is_sound = _is_sound([], file.read())
            file.seek(0)
    except OSError as error:
        fail_to_read(error, name)
    if not is_sound:
        fail("format", "the HDF5 file is damaged: the HDF5 library crashes or does not come to an end", origin=name)


@lru_cache
def _is_sound_file(path: str, size: int, modified: int) -> bool:
    """Return whether the library gets through a file, which has not changed if its size and time are the same."""
    return _is_sound([path], None)


def _is_sound(arguments: list[str], data: bytes | None) -> bool:
    import subprocess

    command = [sys.executable, "-P", str(Path(__file__).with_name("hdf5_walk.py")), *arguments]
    source, unseen = (subprocess.DEVNULL if data is None else subprocess.PIPE), subprocess.DEVNULL
    with subprocess.Popen(command, stdin=source, stdout=unseen, stderr=unseen) as process:
        import h5py  # noqa: F401  # which takes some time, at the same time as in the process

        try:
            process.communicate(data, timeout=MAX_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return False
    return process.returncode in (0, 1)  # 1: it could not start


def is_inside(group: Any, key: str, path: str, name: str) -> bool:
    """Return whether a group has an object itself. If not, there is none, or a path to one, which may lead anywhere.

    Args:
        group: the group.
        key: the name of the object in it.
        path: the path of the object in messages.
        name: the name of the file in messages.

    Raises:
        SpecError: it is a link to another file.
    """
    import h5py

    link = group.get(key, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        fail("format", f"'{path[:100]}' is a link to another file, which is not followed", origin=name)
    return isinstance(link, h5py.HardLink)


def require_numbers(data: Any, path: str, name: str) -> None:
    """Require that an object of a file is an array of numbers in this file.

    Args:
        data: the object.
        path: its path in messages.
        name: the name of the file in messages.

    Raises:
        SpecError: it is not, or its numbers are incomplete.
    """
    import h5py

    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in NUMBERS or data.shape is None:
        fail("format", f"'{path[:100]}' must be an array of numbers", origin=name)
    if data.external or data.is_virtual:
        fail("format", f"the numbers of '{path[:100]}' are in another file, which is not read", origin=name)
    if data.chunks is None and data.id.get_storage_size() not in (0, _bytes_of(data)):
        fail("format", f"'{path[:100]}' has fewer numbers than its shape {data.shape} needs", origin=name)


def numbers_of(data: Any, path: str, name: str) -> Any:
    """Return an array of a file in the byte order of the machine; see `require_numbers`.

    Raises:
        SpecError: it is damaged, or takes more memory than an array may, or than its bytes in the file can be.
    """
    require_numbers(data, path, name)
    import numpy as np

    size, stored = _bytes_of(data), data.id.get_storage_size()
    if size > MAX_ARRAY_BYTES:
        fail("limit", f"'{path[:100]}' has {size:,} bytes, more than {MAX_ARRAY_BYTES:,}", origin=name)
    if size and not stored:
        fail("format", f"the file has no numbers for '{path[:100]}'", origin=name)
    if size > max(SMALL, MAX_COMPRESSION * stored):
        fail("limit", f"the {size:,} bytes of '{path[:100]}' are more than its compression can hold", origin=name)
    try:
        return np.asarray(data[()], data.dtype.name)
    except DAMAGED as error:
        fail("format", f"'{path[:100]}' is damaged: {error}", origin=name)


def _bytes_of(data: Any) -> int:
    """Return the bytes that the numbers of an array take."""
    return prod([*data.shape, data.dtype.itemsize])
