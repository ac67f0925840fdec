"""A ``.pt2`` file as a SPEC."""

from __future__ import annotations

from pathlib import Path

from archcalc.readers.file import LoweredFile, batch_axes, without_arguments, without_values
from archcalc.readers.torch_export.translate import read_model
from archcalc.spec.models import ModelOptions


def read_file(path: Path, name: str, options: ModelOptions) -> LoweredFile:
    """Return a ``.pt2`` file.

    Args:
        path: the file.
        name: its name in messages.
        options: how to read it; its shapes do not matter.

    Raises:
        SpecError: it cannot be read, or the options do not fit it.
    """
    without_arguments(options)
    without_values(options)
    return LoweredFile(read_model(path, name, batch_axes(options), partial=options.partial))
