"""The index of parameters that are in several files: JSON that names the file of every tensor, or group of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archcalc.arrays.texts import count_text
from archcalc.readers.json_text import MAX_BYTES, read_json
from archcalc.spec.errors import fail

MAX_FILES = 10_000


def shards(path: Path, name: str) -> dict[str, dict[str, None]]:
    """Return the names of the tensors, or of the groups that hold them, by the name of their file.

    Args:
        path: the index.
        name: its name in messages.

    Raises:
        SpecError: the index is damaged, or files are missing (all of them are named).
        OSError: it cannot be read.
    """
    files: dict[str, dict[str, None]] = {}
    for tensor, held in _places(path, name).items():
        for each in held if isinstance(held, list) else [held]:
            files.setdefault(each, {})[tensor.strip("/")] = None
    for each in files:
        if each != Path(each).name or "\\" in each or "\0" in each or each in ("", ".."):
            message = f"a file of the checkpoint must be in the folder of the index, got '{each[:80]}'"
            fail("format", message, origin=name)
    if len(files) > MAX_FILES:
        fail("limit", f"the checkpoint has {len(files):,} files, more than {MAX_FILES:,}", origin=name)
    missing = [each for each in files if not (path.parent / each).is_file()]
    if missing:
        what = f"{len(missing):,} of {count_text(len(files), 'file')} of the checkpoint"
        fail("not-found", f"missing {what}: {', '.join(missing)}", origin=name)
    return files


def _places(path: Path, name: str) -> Mapping[str, Any]:
    """Return the files by tensor: one each; or several each, as Keras writes them for groups of arrays."""
    with path.open("rb") as file:
        document = read_json(file.read(MAX_BYTES + 1), "the index", name)
    places = document.get("weight_map") if isinstance(document, dict) else None
    values = places.values() if isinstance(places, dict) else ()
    named = [each for held in values for each in (held if isinstance(held, list) else [held])]
    if not isinstance(places, dict) or not named or not all(isinstance(each, str) for each in named):
        fail("format", "the index must have a 'weight_map' from tensors to files", origin=name)
    return places
