"""Checkpoints in several files: an index in JSON names the file of every tensor."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.readers.shards import shards
from archcalc.spec.errors import Problem, SpecError

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAX_LISTED = 20
"""The number of problems that are reported."""


def read_sharded(path: Path, name: str, read: Callable[[Path, str], Checkpoint]) -> Checkpoint:
    """Return the tensors of all files of an index, in its order.

    Args:
        path: the index.
        name: its name in messages.
        read: returns one of the files, by its path and its name in messages.

    Raises:
        SpecError: the index is damaged, files are missing (all of them are named), or do not have what it says.
        OSError: it cannot be read.
    """
    files = shards(path, name)
    checkpoints = {each: read(path.parent / each, str(Path(name).parent / each)) for each in files}
    owners: dict[str, Checkpoint] = {}
    problems = []
    for each, names in files.items():
        found = checkpoints[each]
        indexed = {tensor: _indexed(tensor, names, found.separator) for tensor in found.tensors}
        used = {*indexed.values()}
        problems += [f"{each} has no tensor '{tensor}'" for tensor in names if tensor not in used]
        problems += [f"'{tensor}' in {each} is not in the index" for tensor, held in indexed.items() if held is None]
        owners |= dict.fromkeys((*(tensor for tensor in names if tensor in indexed), *indexed), found)
    if problems:
        shown = problems[:MAX_LISTED]
        shown += [f"and {len(problems) - MAX_LISTED:,} more"] if len(problems) > MAX_LISTED else []
        raise SpecError([Problem("format", text, origin=name) for text in shown])

    def load(tensor: CheckpointTensor) -> Array:
        return owners[tensor.name].load(tensor)

    return Checkpoint(
        name,
        next(iter(checkpoints.values())).form,
        {each: checkpoint.tensors[each] for each, checkpoint in owners.items()},
        load,
        shared={each: other for found in checkpoints.values() for each, other in found.shared.items()},
        files=len(files),
        separator=next(iter(checkpoints.values())).separator,
        is_ordered=all(found.is_ordered for found in checkpoints.values()),
    )


def _indexed(tensor: str, names: Collection[str], separator: str) -> str | None:
    """Return the name in the index that a tensor has, or a group that holds it; ``None`` if there is none."""
    while tensor not in names:
        tensor, found, _ = tensor.rpartition(separator)
        if not found:
            return None
    return tensor
