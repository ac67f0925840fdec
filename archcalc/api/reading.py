"""Reading networks and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.api.network import Network, require_layout
from archcalc.spec import GivenSettings, Limits, Source, load_spec, read_spec
from archcalc.spec.limits import DEFAULT

if TYPE_CHECKING:
    from archcalc.readers.checkpoints.checkpoint import Checkpoint


def load(
    spec: str,
    *,
    set: Mapping[str, object] | None = None,
    shapes: Mapping[str, object] | str | None = None,
    layout: str | None = None,
    arguments: Mapping[str, str] | None = None,
    batch_axes: Mapping[str, int | None] | None = None,
    values: Mapping[str, float | Sequence[float]] | None = None,
    layers: Mapping[str, str] | None = None,
    training: bool = False,
    partial: bool = False,
    limits: Limits = DEFAULT,
) -> Network:
    """Read a network.

    Args:
        spec: a bundled name, a file (a spec, or a model of another format), an inline expression, ``-`` for standard
            input, or a PyTorch module as ``package.module:object`` or ``./file.py:object``. Only the last runs
            code, that of the module.
        set: values of the spec's variables: numbers, or texts as after ``--set`` (``"6/7"``).
        shapes: other input shapes: one text such as ``"3x320x320"``, or one per input name.
        layout: the axis order of these shapes, ``chw`` or ``hwc``; by default that of the spec.
        arguments: the arguments of the class or function that makes a module, as Python literals or texts.
        batch_axes: the axes of a model's inputs that are the batch, by name; ``None``: the input has none. By default,
            the first axis.
        values: the numbers that inputs of a model have, by name, where branches, loops or sizes depend on them; for an
            input of several numbers, a sequence.
        layers: chains of operators that declare custom layers of a Keras model, by name or class.
        training: whether the training heads are needed; otherwise those that are impossible on the input are left out.
        partial: whether a model may have operators that cannot be counted. Counts of operations are then lower bounds,
            and their `archcalc.analysis.counts.Counts.is_complete` is false.
        limits: bounds on the work.

    Raises:
        archcalc.SpecError: the spec has errors; all are listed with their places.
        ValueError: the layout is unknown.
    """
    require_layout(layout)
    by_input = {"": shapes} if isinstance(shapes, str) else dict(shapes or {})
    given = GivenSettings(
        {name: written(value) for name, value in (set or {}).items()},
        {name: written(shape) for name, shape in by_input.items()},
        layout,
        arguments=dict(arguments or {}),
        batch_axes={name: "none" if axis is None else str(axis) for name, axis in (batch_axes or {}).items()},
        values={name: _listed(value) for name, value in (values or {}).items()},
        layers=dict(layers or {}),
        partial=partial,
        training_heads="all" if training else "possible",
    )
    return Network(load_spec(spec, given, limits))


def from_torch(module: Any, example: Any, *, batch_axes: Mapping[str, int | None] | None = None) -> Network:
    """Return a PyTorch module as a network; ``run`` uses its weights.

    Args:
        module: a ``torch.nn.Module``. It is exported in evaluation mode, and stays in the mode that it has.
        example: an input with a batch: a tensor, a tuple of tensors, or tensors by name.
        batch_axes: the axes of inputs that are the batch, by name; ``None``: the input has none. By default, the first
            axis.

    Raises:
        archcalc.SpecError: an operator of the module cannot be counted.
        Exception: whatever PyTorch raises for a module that cannot be exported.
    """
    from archcalc.readers.torch_module.read import ExportedModule

    model = ExportedModule(module, example, batch_axes or {})
    return Network(read_spec(Source(model.name, "", model=model)))


def load_checkpoint(checkpoint: str) -> Checkpoint:
    """Read which tensors a checkpoint has, without their numbers; see `archcalc.readers.checkpoints.checkpoint`.

    Args:
        checkpoint: the file, and perhaps a part of it: ``training.pth:optimizer``.

    Raises:
        archcalc.SpecError: the file cannot be read, or has objects that could run code.
    """
    from archcalc.readers.checkpoints.read import read_checkpoint

    return read_checkpoint(checkpoint)


def written(value: object) -> str:
    """Return a value or a shape as it is written after ``--set`` or ``--shape``."""
    return "x".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _listed(numbers: object) -> str:
    """Return the numbers of an input as they are written after ``--input``."""
    return ",".join(str(each).lower() for each in (numbers if isinstance(numbers, tuple | list) else [numbers]))
