"""HDF5 files with the weights of a network, as Keras and Caffe write them: every data set is a tensor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.readers.checkpoints.checkpoint import MAX_AXES, Checkpoint, CheckpointTensor
from archcalc.readers.checkpoints.formats import BITS
from archcalc.readers.hdf5 import is_inside, numbers_of, open_hdf5, require_numbers
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

HDF5 = "HDF5"
"""The name of the format."""
MAX_OBJECTS = 1_000_000
MAX_DEPTH = 100
"""The largest number of groups within one another."""


def read_hdf5(path: Path, name: str) -> Checkpoint:
    """Return the data sets of a file, without their numbers. Links to other files are not followed.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: h5py is not installed, or the file is damaged, or links to other files.
    """
    with open_hdf5(path, name) as file:
        tensors = {each: _tensor(each, data, name) for each, data in _datasets(file, name)}
    if not tensors:
        fail("format", "the file has no tensors", origin=name)

    def load(tensor: CheckpointTensor) -> Array:
        with open_hdf5(path, name) as file:
            numbers: Array = numbers_of(file[tensor.name], tensor.name, name)
            return numbers

    return Checkpoint(name, HDF5, tensors, load, separator="/", is_ordered=False)


def _datasets(file: Any, name: str) -> list[tuple[str, Any]]:
    """Return the data sets of a file by their paths, in the order of creation where it is known, else by name."""
    import h5py

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
            if not is_inside(each, key, path, name):  # another name of an object that is listed where it is
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


def _tensor(path: str, data: Any, name: str) -> CheckpointTensor:
    """Return a data set as a tensor.

    Raises:
        SpecError: its numbers are in another file, or are not there.
    """
    require_numbers(data, path, name)
    dtype = data.dtype.name
    if dtype not in BITS or len(data.shape) > MAX_AXES:
        fail("format", f"'{path[:100]}' must have a known number format and at most {MAX_AXES} axes", origin=name)
    return CheckpointTensor(path, tuple(map(int, data.shape)), dtype)
