"""A Keras model as a SPEC: its description is decoded once, and converted for every query."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from archcalc.graph import Graph, axis_symbols, channels_first, ordered
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.readers.dynamic_sizes import EXAMPLE
from archcalc.readers.file import batch_axes, without_arguments
from archcalc.readers.keras.config import InvalidDescription, ModelDescription, decode
from archcalc.readers.keras.contents import Contents, contents
from archcalc.readers.keras.declared_layers import DeclaredLayers
from archcalc.readers.keras.flat_model import FlatModel, flatten_model
from archcalc.readers.keras.graph import ConversionPlan, ConvertedModel, KerasGraph
from archcalc.readers.keras.layout import layout_of
from archcalc.readers.keras.masks import Marks, marks_of, note_of, require_unmarked
from archcalc.readers.steps import same_shape
from archcalc.spec.errors import Problems, fail
from archcalc.spec.models import ModelOptions


class KerasFile:
    """A Keras model; see `archcalc.spec.models.ModelFile`."""

    def __init__(
        self,
        plan: ConversionPlan,
        model: ModelDescription,
        found: Contents,
        open_axes: Mapping[str, tuple[int, ...]],
        marks: tuple[Marks, ...],
    ) -> None:
        """Keep a model.

        Args:
            plan: the model.
            model: the model as the file nests it.
            found: the file.
            open_axes: the axes of the inputs whose sizes the file leaves open, as the graph has them.
            marks: the layers that mark positions, which others leave out.
        """
        self.plan, self._model, self._contents, self._open = plan, model, found, open_axes
        self._marks = marks

    @cached_property
    def recorded(self) -> ConvertedModel:
        """The graph on the shapes of the file."""
        return KerasGraph(self.plan, {}, {}, None).build()

    @property
    def inputs(self) -> Mapping[str, Shape]:
        return self.plan.inputs

    @property
    def layout(self) -> str:
        return self.plan.layout

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
        """Return the graph for given shapes, which must give all sizes that the file leaves open."""
        self._require(given)
        as_recorded = all(same_shape(shape, self.inputs[name]) for name, shape in shapes.items())
        if as_recorded and not attributes and observe is None:
            return self.recorded.lowered.graph
        return KerasGraph(self.plan, {} if as_recorded else shapes, attributes, observe).build().lowered.graph

    def arrays(self) -> Mapping[str, Any] | None:
        """Return the stored arrays by ``layer.array``; ``None`` if the file has a description only."""
        built = self.recorded
        if not self._contents.has_weights and any(
            name not in built.written for names in built.lowered.stored.values() for name in names
        ):
            return None
        return self.arrays_of(self._contents.path, self.plan.name)

    def constants(self) -> Mapping[str, Any]:
        """Return the arrays that the description contains, as arguments of functions."""
        built = self.recorded
        return built.lowered.arrays(lambda names: written_arrays(built, names), only=self.written)

    @cached_property
    def written(self) -> frozenset[str]:
        """The arrays of the graph that the description contains; they are not weights."""
        built = self.recorded
        return frozenset(array for array, names in built.lowered.stored.items() if {*names} <= {*built.written})

    def arrays_of(self, path: Path, name: str) -> Mapping[str, Any]:
        """Return the stored arrays by ``layer.array`` from a file of this model or of its weights.

        Args:
            path: the file.
            name: its name in messages.

        Raises:
            SpecError: the file cannot be read; arrays are missing, damaged, or have another shape; or it has further
                layers. All of these are listed.
        """
        from archcalc.readers.keras.weights import read_arrays, require_shapes

        built, problems = self.recorded, Problems()
        wanted = dict.fromkeys(each for names in built.lowered.stored.values() for each in names)
        found = written_arrays(built, [each for each in wanted if each in built.written])
        weights = [each for each in wanted if each not in built.written]
        if weights or path != self._contents.path:
            found |= read_arrays(path, name, self._model, built, weights, problems)
        complete = {array for array, names in built.lowered.stored.items() if {*names} <= {*found}}
        arrays = built.lowered.arrays(lambda names: found, only=complete)
        require_shapes(built.lowered.graph, arrays, name, problems)
        problems.raise_any()
        return arrays

    def require_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Require that no position of given inputs is masked, as masks are not applied."""
        features = 1 if self.layout == "hwc" else -1
        require_unmarked(self._marks, inputs, [*self.inputs], features, self.plan.name)

    def _require(self, given: Collection[tuple[str, int]]) -> None:
        """Require that all sizes are given that the file leaves open."""
        missing = [(name, axis) for name, axes in self._open.items() for axis in axes if (name, axis) not in given]
        if not missing:
            return
        texts = {name: list(map(str, shape)) for name, shape in self.inputs.items()}
        for name, axes in self._open.items():
            for axis in axes:
                texts[name][axis] = axis_symbols(len(self.inputs[name]))[axis]
        names = ", ".join(f"{texts[name][axis]} of '{name}'" for name, axis in missing)
        options = " ".join(f"--shape {name}={self._written(texts[name])}" for name in dict(missing))
        hint = f"give them as numbers: {options}"
        fail("open-size", f"the file leaves sizes open: {names}", origin=self.plan.name, hint=hint)

    def _written(self, texts: list[str]) -> str:
        return "x".join(map(str, ordered(tuple(texts), self.layout)))


def written_arrays(built: ConvertedModel, names: Iterable[str]) -> dict[str, Any]:
    """Return arrays that the description contains, by name."""
    import numpy as np

    kept = {name: built.written[name] for name in names}
    return {name: each.transform(np.array(each.values, "f4")) for name, each in kept.items()}


def read_keras(path: Path, name: str, options: ModelOptions) -> KerasFile:
    """Return a Keras model.

    Args:
        path: a ``.keras`` file, a description in JSON, or an HDF5 file with a description.
        name: its name in messages.
        options: how to read it; its shapes only matter where the file does not say how many axes an input has.

    Raises:
        SpecError: it cannot be read, or has layers that have no conversion.
    """
    without_arguments(options)
    for argument in batch_axes(options):
        fail("argument", "the batch is the first axis of every input of Keras", origin=f"--batch-axis {argument[:40]}")
    for argument in options.values:
        reason = "only inputs of PyTorch, ONNX and TensorFlow Lite models can be fixed to numbers"
        fail("argument", reason, origin=f"--input {argument[:40]}")
    found = contents(path, name)
    try:
        model = decode(found.description)
        flat = flatten_model(model)
    except InvalidDescription as error:
        fail("format", f"{error}", origin=name)
    except RecursionError:
        fail("limit", "nested too deeply to be read", origin=name)
    layout = layout_of(flat)
    inputs, open_axes = _inputs(flat, name, layout, options)
    declared = DeclaredLayers(options.layers)
    declared.require_used(flat.calls)
    marks = tuple([each for each in marks_of(flat) if declared.of(each.marking) is None])
    plan = ConversionPlan(flat, name, inputs, layout, declared, note_of(marks), options.partial, found.is_legacy)
    return KerasFile(plan, model, found, open_axes, marks)


def _inputs(
    flat: FlatModel, name: str, layout: str, options: ModelOptions
) -> tuple[dict[str, Shape], dict[str, tuple[int, ...]]]:
    """Return the shapes of the inputs in the graph, those that are open with an example, and the axes that are open."""
    inputs: dict[str, Shape] = {}
    open_axes: dict[str, tuple[int, ...]] = {}
    for number, (each, sizes) in enumerate(flat.inputs.items()):
        if sizes is None:
            given = options.shapes.get(each, options.shapes.get("") if number == 0 else None)
            if given is None:
                hint = f"give it: --shape {each}=SHAPE, with the channels last where they are last in the file"
                fail("shape", f"the file does not give the shape of the input '{each}'", hint=hint, origin=name)
            inputs[each] = channels_first(given, layout)
            continue
        own = channels_first(tuple([EXAMPLE if size is None else size for size in sizes]), layout) or (1,)
        marks = channels_first(tuple([size is None for size in sizes]), layout)
        inputs[each] = own
        open_axes[each] = tuple([axis for axis, is_open in enumerate(marks) if is_open])
    return inputs, open_axes
