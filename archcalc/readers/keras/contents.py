"""What a file of a Keras model holds: its description, and where its arrays are. No code of the file is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from archcalc.readers.archive import Archive
from archcalc.readers.hdf5 import SIGNATURE, open_hdf5
from archcalc.readers.json_text import MAX_BYTES, read_json
from archcalc.readers.keras.hdf5 import attribute_text
from archcalc.spec.errors import SpecError, fail, fail_to_read

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

CLASS_NAME = re.compile(rb'\A\s*\{.*?"class_name"\s*:\s*"', re.DOTALL)
MAX_START = 65_536
"""The number of bytes of a file by which a description is recognised."""


@dataclass(frozen=True)
class Contents:
    """A file of a Keras model."""

    path: Path
    name: str
    """Its name in messages."""
    kind: Literal["archive", "json", "hdf5"]
    description: Any
    version: str
    """The version of Keras that wrote it; empty if it does not say."""
    has_weights: bool

    @property
    def is_legacy(self) -> bool:
        """Whether a version before 3 wrote it."""
        return self.version.startswith(("1.", "2."))


def is_description(path: Path) -> bool:
    """Return whether a file is a description of a Keras object in JSON."""
    try:
        with path.open("rb") as file:
            return CLASS_NAME.search(file.read(MAX_START)) is not None
    except OSError:
        return False


def is_model_in_hdf5(path: Path) -> bool:
    """Return whether an HDF5 file has the description of a model. Without h5py, no file is known to have one."""
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                return False
        with open_hdf5(path, path.name) as content:
            return "model_config" in content.attrs
    except (OSError, SpecError):
        return False


def contents(path: Path, name: str) -> Contents:
    """Return what a file holds.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: it cannot be read, or has no description.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        fail_to_read(error, name)
    if start == SIGNATURE:
        return _of_hdf5(path, name)
    if start.lstrip().startswith(b"{"):
        return _of_json(path, name)
    return _of_archive(path, name)


def _of_archive(path: Path, name: str) -> Contents:
    with Archive(path, name) as archive:
        if CONFIG not in archive:
            archive.refuse(f"not a Keras model: the archive has no '{CONFIG}'")
        description = archive.json(CONFIG)
        metadata = archive.json(METADATA) if METADATA in archive else {}
        version = metadata.get("keras_version") if isinstance(metadata, dict) else ""
        return Contents(path, name, "archive", description, str(version or ""), WEIGHTS in archive)


def _of_json(path: Path, name: str) -> Contents:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        fail_to_read(error, name)
    description = read_json(text, "the description", name)
    version = description.get("keras_version") if isinstance(description, dict) else ""
    return Contents(path, name, "json", description, str(version or ""), False)


def _of_hdf5(path: Path, name: str) -> Contents:
    with open_hdf5(path, name) as file:
        text = attribute_text(file, "model_config", MAX_BYTES)
        if text is None:
            hint = "an HDF5 file of weights has parameters only; save the entire model"
            fail("format", "the file has no description of a model", hint=hint, origin=name)
        version = attribute_text(file, "keras_version", 100) or ""
        description = read_json(text.encode(errors="replace"), "the description", name)
        return Contents(path, name, "hdf5", description, version, "model_weights" in file)
