"""Checkpoints in several files: an index in JSON names the file of every tensor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.readers.checkpoints.checkpoint import Checkpoint, Tensor
from archcalc.readers.json_text import MAX_BYTES, read_json
from archcalc.spec.errors import Problem, SpecError, fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

MAX_FILES = 10_000
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
    files = _files(path, name)
    missing = [each for each in files if not (path.parent / each).is_file()]
    if missing:
        what = f"{len(missing):,} of the {len(files):,} files of the checkpoint"
        fail("not-found", f"missing {what}: {', '.join(missing)}", origin=name)
    checkpoints = {each: read(path.parent / each, str(Path(name).parent / each)) for each in files}
    owners: dict[str, Checkpoint] = {}
    problems = []
    for each, names in files.items():
        found = checkpoints[each]
        problems += [f"{each} has no tensor '{tensor}'" for tensor in names if tensor not in found.tensors]
        problems += [f"'{tensor}' in {each} is not in the index" for tensor in found.tensors if tensor not in names]
        owners |= dict.fromkeys(names, found)
    if problems:
        shown = problems[:MAX_LISTED]
        shown += [f"and {len(problems) - MAX_LISTED:,} more"] if len(problems) > MAX_LISTED else []
        raise SpecError([Problem("format", text, origin=name) for text in shown])

    def load(tensor: Tensor) -> Array:
        return owners[tensor.name].load(tensor)

    return Checkpoint(
        name,
        next(iter(checkpoints.values())).form,
        {each: checkpoint.tensors[each] for each, checkpoint in owners.items()},
        load,
        shared={each: other for found in checkpoints.values() for each, other in found.shared.items()},
        files=len(files),
        is_ordered=all(found.is_ordered for found in checkpoints.values()),
    )


def _files(path: Path, name: str) -> dict[str, dict[str, None]]:
    """Return the names of the tensors by the name of their file, as an index has them."""
    with path.open("rb") as file:
        document = read_json(file.read(MAX_BYTES + 1), "the index", name)
    places = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(each, str) for each in places.values()):
        fail("format", "the index must have a 'weight_map' from tensors to files", origin=name)
    files: dict[str, dict[str, None]] = {}
    for tensor, each in places.items():
        files.setdefault(each, {})[tensor] = None
    for each in files:
        if each != Path(each).name or "\\" in each or "\0" in each or each in ("", ".."):
            fail(
                "format", f"a file of the checkpoint must be in the folder of the index, got '{each[:80]}'", origin=name
            )
    if len(files) > MAX_FILES:
        fail("limit", f"the checkpoint has {len(files):,} files, more than {MAX_FILES:,}", origin=name)
    return files
