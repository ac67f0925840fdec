"""Files of ``torch.save`` since PyTorch 1.6: a zip archive with a pickle, and a member for each storage of numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.readers.archive import Archive
from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.readers.checkpoints.parts import choose
from archcalc.readers.checkpoints.pickles import PickleError, PickleReader
from archcalc.readers.checkpoints.torch_objects import TABLE, storage_of
from archcalc.readers.checkpoints.torch_tensors import numbers_of, refuse_pickle, torch_checkpoint

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

PICKLE = "data.pkl"
MAX_PICKLE = 1 << 26
OTHER_ARCHIVES = {
    "constants.pkl": ("a TorchScript program", "save the state dictionary: torch.save(program.state_dict(), FILE)"),
    "models/model.json": ("a program of torch.export", "archcalc reads it as a network if its name ends in .pt2"),
    "config.json": ("a Keras model", "archcalc reads it as a network if its name ends in .keras"),
}
"""What archives with these members are, and what to do with them."""


def read_torch_zip(path: Path, name: str, part: str) -> Checkpoint:
    """Return the tensors of a file, of which only the pickle is read.

    Args:
        path: the file.
        name: its name in messages.
        part: the part that is asked for; empty for the parameters of the network.

    Raises:
        SpecError: it cannot be read, is damaged, or its pickle has objects other than tensors, containers, numbers and
            strings.
    """
    with Archive(path, name) as archive:
        for member, (what, hint) in OTHER_ARCHIVES.items():
            if member in archive:
                archive.refuse(f"not a checkpoint, but {what}", hint)
        if PICKLE not in archive:
            archive.refuse("not a checkpoint of PyTorch: the archive has no data.pkl")

        def refer(identifier: Any) -> Any:
            if not isinstance(identifier, tuple) or len(identifier) != 5 or identifier[0] != "storage":
                raise PickleError("it is damaged: a reference to numbers must have five items")
            _, kind, key, _, length = identifier
            storage = storage_of(kind, key, length)
            if archive.size(_member(key)) < storage.bytes:
                had = f"the archive has {archive.size(_member(key)):,}"
                raise PickleError(f"the numbers '{key[:40]}' are said to have {storage.bytes:,} bytes, and {had}")
            return storage

        try:
            value = PickleReader(TABLE, refer).read(archive.read(PICKLE, MAX_PICKLE))
        except PickleError as error:
            refuse_pickle(error, name)
        written = archive.read("byteorder", 16).strip() if "byteorder" in archive else sys.byteorder.encode()
        order = ">" if written == b"big" else "<"

    def load(tensor: CheckpointTensor) -> Array:
        with Archive(path, name) as archive:
            return numbers_of(tensor, lambda key, *place: archive.part(_member(key), *place), order, name)

    return torch_checkpoint(choose(value, part, name), name, load)


def _member(key: str) -> str:
    return f"data/{key}"
