"""The tensors that a pickle of PyTorch describes, as those of a checkpoint, and their numbers."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, NoReturn

from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor, Load, OmittedPart
from archcalc.readers.checkpoints.formats import BITS, bytes_of
from archcalc.readers.checkpoints.parts import ChosenPart
from archcalc.readers.checkpoints.pickles import PickleError, RefusedNamesError
from archcalc.readers.checkpoints.torch_objects import StoredTensor
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAX_SPREAD = 16
"""How many times the size of a tensor its numbers may be spread over a file, or repeated, from `SMALL` bytes on."""
SMALL = 1 << 26


def refuse_pickle(error: PickleError, name: str) -> NoReturn:
    """Raise the error of a pickle that is not read.

    Args:
        error: why it is not.
        name: the name of the file in messages.
    """
    if isinstance(error, RefusedNamesError):
        hint = (
            "only tensors, containers, numbers and strings are read: save the state dictionary alone, "
            "torch.save(model.state_dict(), FILE)"
        )
        fail("format", f"the file has objects that could run code: {error}", hint=hint, origin=name)
    fail("format", f"not a pickle of tensors: {error}", origin=name)


def torch_checkpoint(chosen: ChosenPart, name: str, load: Load) -> Checkpoint:
    """Return the tensors of a file of PyTorch.

    Args:
        chosen: its tensors.
        name: the name of the file in messages.
        load: returns the numbers of a tensor, whose place is a `StoredTensor`.
    """
    owners: dict[StoredTensor, str] = {}
    shared = {}
    for each, stored in chosen.tensors.items():
        if stored.storage.key and stored.extent and owners.setdefault(stored, each) != each:
            shared[each] = owners[stored]
    return Checkpoint(
        name,
        "PyTorch",
        {each: CheckpointTensor(each, stored.shape, stored.dtype, stored) for each, stored in chosen.tensors.items()},
        load,
        part=chosen.part,
        others=tuple(
            OmittedPart(each, len(tensors), sum(bytes_of(stored.shape, stored.dtype) for stored in tensors.values()))
            for each, tensors in chosen.others.items()
        ),
        shared=shared,
    )


def numbers_of(tensor: CheckpointTensor, read: Callable[[str, int, int], bytes], order: str, name: str) -> Array:
    """Return the numbers of a tensor.

    Args:
        tensor: the tensor, whose place is a `StoredTensor`.
        read: returns bytes of a storage, by its key, the index of the first of them, and how many they are.
        order: the order of the bytes of a number, ``<`` or ``>``.
        name: the name of the file in messages.
    """
    import numpy as np

    from archcalc.readers.decoding import decoded, raw_dtype

    stored: StoredTensor = tensor.place
    if not stored.storage.key:
        fail("format", f"the file has no numbers for '{tensor.name[:80]}'", origin=name)
    width = BITS[stored.dtype] // 8
    sizes = sorted((stored.extent * width, tensor.bytes))
    if sizes[1] > max(SMALL, MAX_SPREAD * sizes[0]):
        what = f"the {tensor.bytes:,} bytes of '{tensor.name[:80]}' are taken from {stored.extent * width:,}"
        fail("limit", what, origin=name)
    data = read(stored.storage.key, stored.offset * width, stored.extent * width)
    numbers = np.frombuffer(data, raw_dtype(stored.dtype, order))
    if not prod(stored.shape):
        return decoded(numbers.reshape(stored.shape), stored.dtype)
    strides = tuple([stride * width for stride in stored.strides])
    return decoded(np.lib.stride_tricks.as_strided(numbers, stored.shape, strides, writeable=False), stored.dtype)
