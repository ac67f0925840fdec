"""Checkpoints of all formats, recognised by their content."""

from __future__ import annotations

from pathlib import Path

from archcalc.readers.checkpoints.checkpoint import Checkpoint
from archcalc.readers.hdf5 import SIGNATURE
from archcalc.spec.errors import fail, fail_to_read
from archcalc.spec.locate import what_else
from archcalc.spec.models import INDEX_SUFFIX, KERAS_INDEX, split_part

START = 4096
"""The number of bytes by which a format is recognised."""
SAFETENSORS = ".safetensors"
ZIP, PICKLE = b"PK\x03\x04", b"\x80"


def read_checkpoint(spec: str) -> Checkpoint:
    """Return the tensors of a checkpoint, without reading their numbers.

    Args:
        spec: the file, and perhaps the name of a part after a colon: ``checkpoint.pth:optimizer``.

    Raises:
        SpecError: it cannot be read, is damaged, or could run code.
    """
    file, part = split_part(spec)
    try:
        if file.lower().endswith((INDEX_SUFFIX, KERAS_INDEX)):
            from archcalc.readers.checkpoints.sharded import read_sharded

            found = read_sharded(Path(file), file, lambda path, name: _read_file(path, name, ""))
        else:
            found = _read_file(Path(file), file, part)
    except (OSError, ValueError) as error:
        fail_to_read(error, file)
    if part and found.part != part:
        fail("unknown-name", f"no part '{part[:60]}': the file has only one", origin=file)
    return found


def _read_file(path: Path, name: str, part: str) -> Checkpoint:
    with path.open("rb") as file:
        start = file.read(START)
    if path.suffix.lower() == SAFETENSORS:
        from archcalc.readers.checkpoints.safetensors import read_safetensors

        return read_safetensors(path, name)
    if start.startswith(ZIP):
        from archcalc.readers.checkpoints.torch_zip import read_torch_zip

        return read_torch_zip(path, name, part)
    if start.startswith(SIGNATURE):
        from archcalc.readers.checkpoints.hdf5 import read_hdf5

        return read_hdf5(path, name)
    if start.startswith(PICKLE):
        from archcalc.readers.checkpoints.torch_legacy import read_torch_legacy

        return read_torch_legacy(path, name, part)
    what = what_else(start) or "another kind of file"
    fail("format", f"not a checkpoint, but {what if start else 'an empty file'}", origin=name)
