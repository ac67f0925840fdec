"""PyTorch modules as SPECs: exported, then read as the file that the export writes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archcalc.readers.file import LoweredFile, batch_axes, without_layers
from archcalc.readers.torch_export.read import read_model
from archcalc.readers.torch_module.request import export_in_process
from archcalc.spec.models import ModelFile, ModelOptions


def read_module(spec: str, options: ModelOptions) -> LoweredFile:
    """Return a module of the user's code, exported in a process of its own.

    Args:
        spec: the object, ``package.module:object`` or ``file.py:object``.
        options: its arguments, and the shapes and batch axes of its inputs.

    Raises:
        SpecError: PyTorch is missing, there is no such object, or it cannot be exported.
    """
    without_layers(options)
    axes = batch_axes(options)
    return export_in_process(
        spec,
        options.arguments,
        options.shapes,
        axes,
        lambda path: LoweredFile(read_model(path, spec, axes, options.values, partial=options.partial)),
    )


class ExportedModule:
    """A module in memory, exported in this process with its weights; see `archcalc.spec.models.ModelSource`."""

    def __init__(self, module: Any, example: Any, axes: Mapping[str, int | None]) -> None:
        self.name = type(module).__name__
        self._folder = tempfile.TemporaryDirectory(prefix="archcalc-")  # as long as this object: arrays are read later
        path = Path(self._folder.name) / f"{self.name}.pt2"
        export_module(module, example, path)
        self._model = LoweredFile(read_model(path, self.name, axes))

    def read(self, options: ModelOptions) -> ModelFile:
        return self._model


def export_module(module: Any, example: Any, path: Path) -> None:
    """Write a module as a program, in its evaluation mode.

    Args:
        module: a ``torch.nn.Module``.
        example: its input: a tensor, a tuple of tensors, or tensors by name.
        path: the file.
    """
    import torch

    positional, named = ((), example) if isinstance(example, Mapping) else (_tuple(example), {})
    was_training = module.training
    module.eval()
    try:
        torch.export.save(torch.export.export(module, positional, dict(named), strict=False), path)
    finally:
        module.train(was_training)


def _tuple(example: Any) -> tuple[Any, ...]:
    return tuple(example) if isinstance(example, (tuple, list)) else (example,)
