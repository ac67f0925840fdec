"""Files of ``torch.save`` before PyTorch 1.6: pickles, then the numbers of each storage with their length in front."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.readers.checkpoints.parts import choose
from archcalc.readers.checkpoints.pickles import PickleError, PickleReader
from archcalc.readers.checkpoints.torch_objects import TABLE, StoredNumbers, storage_of
from archcalc.readers.checkpoints.torch_tensors import numbers_of, refuse_pickle, torch_checkpoint
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
MAX_PICKLE = 1 << 26
LENGTH_BYTES = 8


class _Bounded:
    """A file from which only some bytes are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_PICKLE

    def _taken(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise PickleError(f"it has more than {MAX_PICKLE:,} bytes")
        return data

    def read(self, size: int) -> bytes:
        return self._taken(self._file.read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        return self._taken(self._file.readline(self._left + 1))

    def tell(self) -> int:
        return self._file.tell()


def read_torch_legacy(path: Path, name: str, part: str) -> Checkpoint:
    """Return the tensors of a file, of which only the pickles are read.

    Args:
        path: the file.
        name: its name in messages.
        part: the part that is asked for; empty for the parameters of the network.

    Raises:
        SpecError: it is damaged, or its pickle has objects other than tensors, containers, numbers and strings.
        OSError: it cannot be read.
    """
    storages: dict[str, StoredNumbers] = {}

    def refer(identifier: Any) -> Any:
        if not isinstance(identifier, tuple) or len(identifier) != 6 or identifier[0] != "storage":
            raise PickleError("it is damaged: a reference to numbers must have six items")
        _, kind, key, _, length, view = identifier
        if view is not None:
            raise PickleError("it has storages that are views of others, as PyTorch wrote them before 0.4")
        storage = storage_of(kind, key, length)
        return storages.setdefault(key, storage)

    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        pickles: Any = _Bounded(file)
        try:
            if PickleReader({}, refer).read(pickles) != MAGIC:
                fail("format", "a pickle, but not one of torch.save", origin=name)
            version = PickleReader({}, refer).read(pickles)
            if type(version) is not int or version != VERSION:
                raise PickleError(f"the version of the format must be {VERSION}")
            PickleReader(TABLE, refer).read(pickles)  # sizes of integers on the system that wrote it
            value = PickleReader(TABLE, refer).read(pickles)
            keys = PickleReader({}, refer).read(pickles)
            starts = _starts(file, keys, storages, size)
        except PickleError as error:
            refuse_pickle(error, name)

    def load(tensor: CheckpointTensor) -> Array:
        def read(key: str, start: int, length: int) -> bytes:
            with path.open("rb") as file:
                file.seek(starts[key] + start)
                data = file.read(length)
            if len(data) < length:
                fail("format", "the file became shorter while it was read", origin=name)
            return data

        return numbers_of(tensor, read, "<", name)

    return torch_checkpoint(choose(value, part, name), name, load)


def _starts(file: IO[bytes], keys: Any, storages: dict[str, StoredNumbers], size: int) -> dict[str, int]:
    """Return where the numbers of each storage begin in a file, which stands at the first length."""
    if not isinstance(keys, list) or {*filter(_is_text, keys)} != storages.keys() or len(keys) != len(storages):
        raise PickleError("it is damaged: the list of storages is not that of the tensors")
    starts, at = {}, file.tell()
    for key in keys:
        file.seek(at)
        length, expected = int.from_bytes(file.read(LENGTH_BYTES), "little"), storages[key]
        starts[key] = at + LENGTH_BYTES
        at = starts[key] + expected.bytes
        if length != expected.length or at > size:
            raise PickleError(
                f"the numbers '{key[:40]}' are said to have {expected.bytes:,} bytes, which are not there"
            )
    return starts


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
