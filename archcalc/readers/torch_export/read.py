"""A ``.pt2`` file as a SPEC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from archcalc.readers.aten.program import Call, Program
from archcalc.readers.aten.translate import model_of
from archcalc.readers.file import LoweredFile, batch_axes, without_arguments, without_layers
from archcalc.readers.lowering import StepModel
from archcalc.readers.torch_export.decode import read_program
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
    without_layers(options)
    return LoweredFile(read_model(path, name, batch_axes(options), options.values, partial=options.partial))


def read_model(
    path: Path,
    name: str,
    batch_axes: Mapping[str, int | None] | None = None,
    values: Mapping[str, str] = MappingProxyType({}),
    *,
    partial: bool = False,
) -> StepModel:
    """Return a ``.pt2`` file as steps.

    Args:
        path: the file.
        name: its name in messages.
        batch_axes: the axes of inputs that are the batch; by default, the first.
        values: the numbers that inputs have, by name, as written.
        partial: whether calls without a translation are steps without a cost.

    Raises:
        SpecError: the file cannot be read, or calls operators that have no translation.
    """
    program = read_program(path, name, values)

    def load(program: Program, constant_calls: Iterable[Call], names: Iterable[str]) -> Mapping[str, Any]:
        from archcalc.readers.torch_export.weights import arrays_of

        return arrays_of(path, name, program, constant_calls, names)

    def fixed() -> dict[str, Any]:
        from archcalc.readers.torch_export.weights import load_fixed

        return load_fixed(path, name, program)

    return replace(model_of(program, name, batch_axes or {}, load, fixed, is_partial=partial), record=program)
