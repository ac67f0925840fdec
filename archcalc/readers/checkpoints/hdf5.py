"""HDF5 files with the weights of a network, as Keras and Caffe write them: every data set is a tensor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.readers.checkpoints.checkpoint import MAX_AXES, Checkpoint, Tensor
from archcalc.readers.checkpoints.formats import BITS, bytes_of
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

HDF5 = "HDF5"
"""The name of the format."""
MAX_OBJECTS = 1_000_000
MAX_DEPTH = 100
"""The largest number of groups within one another."""
DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, NotImplementedError, OverflowError)
"""What h5py raises for damaged files, and for what it cannot read."""
MAX_COMPRESSION = 1100
"""How many times the bytes in the file a tensor may have, from `SMALL` bytes on: more than deflate reaches."""
SMALL = 1 << 26
NUMBERS = "fiub"
"""The kinds of data types that are read."""


def read_hdf5(path: Path, name: str) -> Checkpoint:
    """Return the data sets of a file, without their numbers. Links to other files are not followed.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: h5py is not installed, or the file is damaged, or links to other files.
    """
    h5py = _h5py(name)
    try:
        with h5py.File(path, "r", locking=False) as file:
            tensors = {each: _tensor(each, data, name) for each, data in _datasets(h5py, file, name)}
    except DAMAGED as error:
        fail("format", f"the HDF5 file is damaged: {error}", origin=name)
    if not tensors:
        fail("format", "the file has no tensors", origin=name)

    def load(tensor: Tensor) -> Array:
        import numpy as np

        try:
            with h5py.File(path, "r", locking=False) as file:
                data = file[tensor.name]
                if tensor.bytes > max(SMALL, MAX_COMPRESSION * data.id.get_storage_size()):
                    what = f"the {tensor.bytes:,} bytes of '{tensor.name[:80]}' are more than its compression can hold"
                    fail("limit", what, origin=name)
                return np.asarray(data[()], tensor.dtype)
        except DAMAGED as error:
            fail("format", f"'{tensor.name[:80]}' is damaged: {error}", origin=name)

    return Checkpoint(name, HDF5, tensors, load, separator="/", is_ordered=False)


def _h5py(name: str) -> Any:
    """Return the package h5py.

    Raises:
        SpecError: it is not installed.
    """
    try:
        import h5py
    except ImportError:
        hint = "install it: pip install h5py"
        fail("missing-package", "the package h5py is needed to read HDF5 files", hint=hint, origin=name)
    return h5py


def _datasets(h5py: Any, file: Any, name: str) -> list[tuple[str, Any]]:
    """Return the data sets of a file by their paths, in the order of creation where it is known, else by name."""
    found: list[tuple[str, Any]] = []
    seen = {h5py.h5o.get_info(file.id).addr}  # a group may be within itself
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting:
        prefix, each = waiting.pop()
        if not isinstance(each, h5py.Group):
            found += [(prefix, each)] if isinstance(each, h5py.Dataset) else []
            continue
        inner = []
        for key in each:
            path = f"{prefix}/{key}" if prefix else str(key)
            link = each.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                fail("format", f"'{path[:80]}' is in another file, and links are not followed", origin=name)
            if isinstance(link, h5py.SoftLink):  # another name of an object that is listed where it is
                continue
            item = each[key]
            address = h5py.h5o.get_info(item.id).addr
            if address not in seen:
                seen.add(address)
                inner.append((path, item))
        if len(seen) > MAX_OBJECTS or prefix.count("/") > MAX_DEPTH:
            fail(
                "limit", f"the file has more than {MAX_OBJECTS:,} objects, or {MAX_DEPTH} groups in groups", origin=name
            )
        waiting += inner[::-1]
    return found


def _tensor(path: str, data: Any, name: str) -> Tensor:
    """Return a data set as a tensor.

    Raises:
        SpecError: its numbers are in another file, or are not there.
    """
    if data.external or data.is_virtual:
        fail("format", f"the numbers of '{path[:80]}' are in another file, which is not read", origin=name)
    dtype = data.dtype.name
    if data.dtype.kind not in NUMBERS or dtype not in BITS or data.shape is None or len(data.shape) > MAX_AXES:
        fail("format", f"'{path[:80]}' must hold numbers, got {str(data.dtype)[:40]}", origin=name)
    tensor = Tensor(path, tuple(map(int, data.shape)), dtype)
    if data.chunks is None and data.id.get_storage_size() not in (0, bytes_of(tensor.shape, dtype)):
        fail("format", f"'{path[:80]}' has fewer numbers than its shape {tensor.shape} needs", origin=name)
    return tensor
