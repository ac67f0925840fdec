"""A model file as a SPEC: decoded once, lowered to a graph for every query."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import cached_property
from math import prod
from typing import Any

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.ops.source import Constant
from archcalc.readers.building import LoweredModel
from archcalc.readers.lowering import StepModel, lower
from archcalc.readers.steps import same_shape
from archcalc.spec.errors import SpecError, fail
from archcalc.spec.models import ModelOptions

MAX_CONSTANT = 2**26
"""The maximum number of elements of a stored tensor that is read to find out what it is."""


class LoweredFile:
    """A model file; see `archcalc.spec.models.ModelFile`."""

    def __init__(self, model: StepModel) -> None:
        self.model = model

    @cached_property
    def recorded(self) -> LoweredModel:
        """The graph on the shapes of the file."""
        return lower(self.model)

    @property
    def inputs(self) -> Mapping[str, Shape]:
        return self.recorded.graph.inputs

    @property
    def layout(self) -> str:
        return self.model.layout

    @property
    def axis_names(self) -> Mapping[str, tuple[str, int]]:
        return {}

    def graph(
        self,
        shapes: Mapping[str, Shape],
        given: Collection[tuple[str, int]],
        attributes: Mapping[int, Mapping[str, Number]],
        observe: Callable[[int], None] | None,
    ) -> Graph:
        """Return the graph for given shapes; see `archcalc.spec.models.ModelFile.graph`."""
        as_recorded = all(same_shape(shape, self.inputs[name]) for name, shape in shapes.items())
        if as_recorded and not attributes and observe is None:
            return self.recorded.graph
        return lower(self.model, shapes, given, attributes, observe).graph

    def arrays(self) -> Mapping[str, Any] | None:
        """Return the stored arrays by ``layer.array``; ``None`` if the file was written without them."""
        if not self.model.has_arrays:
            return None
        return self.recorded.arrays(self.model.arrays)

    def constants(self) -> Mapping[str, Any]:
        """Return the numbers of stored tensors that are not trained; see `archcalc.spec.models.ModelFile`."""
        names = {
            f"{node.name}.{node.op.array_name}"
            for node in self.recorded.graph.nodes
            if isinstance(node.op, Constant)  # all other arrays are trained, or statistics
            and prod(node.output) <= MAX_CONSTANT
        }
        try:
            return self.recorded.arrays(self.model.arrays, names)
        except SpecError:
            found: dict[str, Any] = {}
            for name in names:
                with suppress(SpecError):  # it needs numbers that the file does not have
                    found |= self.recorded.arrays(self.model.arrays, [name])
            return found

    def require_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Accept all inputs."""


def without_arguments(options: ModelOptions) -> None:
    """Require that no arguments are given, which only modules of the user's code have."""
    for argument in options.arguments:
        hint = "--arg is for modules of the user's code: package.module:object"
        fail("argument", "a file has no arguments", hint=hint, origin=f"--arg {argument[:40]}")


def without_layers(options: ModelOptions) -> None:
    """Require that no layers are declared, which only Keras models have."""
    for declared in options.layers:
        fail("argument", "only layers of a Keras model can be declared", origin=f"--layer {declared[:40]}")


def batch_axes(options: ModelOptions) -> dict[str, int | None]:
    """Return the batch axes of inputs that are given, by name; ``None``: the input has none.

    Raises:
        SpecError: a text that is neither an axis nor ``none``.
    """
    found: dict[str, int | None] = {}
    for name, written in options.batch_axes.items():
        if written != "none" and not (written.isascii() and written.isdecimal() and len(written) < 4):
            reason = f"must be an axis, counted from 0, or 'none', got '{written[:40]}'"
            fail("argument", reason, origin=f"--batch-axis {name[:40]}")
        found[name] = None if written == "none" else int(written)
    return found
