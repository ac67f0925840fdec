"""Steps to a graph: the batch axis is removed, and layers are named after the modules that they come from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

from archcalc.arrays.texts import shape_text
from archcalc.graph import Ref
from archcalc.numeric import Impossible, Number, require
from archcalc.ops.base import Operator, Shape, Shapes, converted_operator
from archcalc.readers.batch import BatchAxis, Place, Sizes, Undecided, without
from archcalc.readers.building import GraphBuilder, LoweredModel, in_file
from archcalc.readers.dynamic_sizes import Axis, DynamicSize, follow_dynamic_sizes, ranges
from archcalc.readers.literals import find_fixed_step
from archcalc.readers.one_example import LocatedSteps, locate_batch_axes
from archcalc.readers.steps import SizeName, Step, StoredArrays, same_shape
from archcalc.readers.stored_arrays import plain, sizes_of
from archcalc.spec.errors import fail

BATCH_AXIS = "say where the batch is with --batch-axis NAME=AXIS, or NAME=none if an input has no batch"
"""The hint of errors about the batch."""

MAX_NAMED = 12
"""The number of modules with unused parameters that a note names."""


@dataclass(frozen=True)
class StepModel:
    """A model file as steps on numbered tensors."""

    title: str
    origin: str
    """The name of the file in messages."""
    inputs: Mapping[str, int]
    """The tensors that the user passes, by name."""
    dynamic: Mapping[tuple[str, int], DynamicSize]
    """The sizes of inputs that the file leaves open, by the name of the input and the axis in the file."""
    batch_axes: Mapping[str, int | None]
    """The axis of each input that is the batch."""
    outputs: Mapping[str, int]
    steps: tuple[Step, ...]
    sizes: tuple[Sizes, ...]
    """The sizes of all tensors, as the file has them."""
    formats: Mapping[int, str]
    """The number formats of tensors that are narrower than float32."""
    rounds_steps: bool
    """Whether layers also have the results of their steps in these formats; otherwise, they compute in float32."""
    stored: Mapping[str, tuple[Any, ...]]
    """The sizes of all stored arrays by their names in the file; those that follow the inputs have names."""
    uncounted: tuple[str, ...]
    """The operators that cannot be counted, a line for each."""
    parameters: Mapping[str, Sizes]
    """The sizes of its parameters, used or not. Those that are one tensor have one name."""
    has_arrays: bool
    """Whether the file has the numbers of its stored arrays."""
    arrays: Callable[[Iterable[str]], Mapping[str, Any]]
    """Returns stored arrays by their names in the file, read from it."""
    notes: tuple[str, ...] = ()
    """What else there is to know about it."""
    layout: str = "chw"
    """The layout in which shapes are printed."""
    record: object = None
    """The file as it was decoded, for what steps do not keep; its type depends on the format."""

    @cached_property
    def batch(self) -> int:
        """The number of examples.

        Raises:
            SpecError: the inputs have batches of different sizes.
        """
        axes = {tensor: self.batch_axes[name] for name, tensor in self.inputs.items()}
        found = {self.sizes[tensor][axis] for tensor, axis in axes.items() if axis is not None}
        if len(found) > 1:
            sizes = ", ".join(map(str, sorted(found)))
            message = f"the inputs have batches of different sizes: {sizes}"
            fail("batch-axis", message, origin=self.origin, hint=BATCH_AXIS)
        if 0 in found:
            fail("batch-axis", "the batch has no examples", origin=self.origin, hint=BATCH_AXIS)
        return found.pop() if found else 1

    @cached_property
    def located(self) -> LocatedSteps:
        """The steps with the batch axis of every tensor.

        Raises:
            SpecError: it cannot be found.
        """
        given: dict[int, Place] = {}
        for name, tensor in self.inputs.items():
            axis = self.batch_axes[name]
            given[tensor] = None if axis is None else BatchAxis(axis)
        try:
            return locate_batch_axes(self.steps, self.sizes, given, self.batch)
        except Undecided as error:
            message = f"the batch axis cannot be followed through {_where(self.steps[error.step])}"
            fail("batch-axis", message, origin=self.origin, hint=BATCH_AXIS)

    @cached_property
    def dynamic_axes(self) -> dict[Axis, DynamicSize]:
        """The sizes of inputs that the file leaves open, without the batch."""
        found = {}
        for (name, axis), size in self.dynamic.items():
            place = self.located.places[self.inputs[name]]
            if place is None or place.axis != axis:
                found[name, axis if place is None else place.index_without(axis)] = size
        return found


def lower(
    model: StepModel,
    shapes: Mapping[str, Shape] | None = None,
    given: Collection[Axis] = (),
    attributes: Mapping[int, Mapping[str, Number]] | None = None,
    observe: Callable[[int], None] | None = None,
) -> LoweredModel:
    """Return the graph of a model.

    Args:
        model: the model.
        shapes: other shapes of inputs, without the batch, by name.
        given: the axes whose sizes dynamic sizes follow.
        attributes: numbers that replace attributes of layers, by index of the layer and name of the attribute.
        observe: called with the index of every layer before its formulas are evaluated.

    Raises:
        SpecError: the batch axis of a tensor cannot be found, or a layer cannot exist.
    """
    return _Lowering(model, shapes or {}, given, attributes or {}, observe).run()


def _where(step: Step) -> str:
    """Return the place of a step in messages."""
    return "an operation" if step.origin is None else str(step.origin)


class _Lowering(GraphBuilder):
    """Adds the layers of all steps; see `archcalc.readers.steps.Layers`."""

    def __init__(
        self,
        model: StepModel,
        shapes: Mapping[str, Shape],
        given: Collection[Axis],
        attributes: Mapping[int, Mapping[str, Number]],
        observe: Callable[[int], None] | None,
    ) -> None:
        super().__init__(attributes, observe)
        self.model, self.batch, self.shapes = model, model.batch, shapes
        self.steps, self.sizes, self.places, self.mixing = model.located
        self.lifted: Collection[str] = {
            name
            for step in self.steps
            for name in step.lifted_weights(
                tuple([self.places[each] for each in step.inputs]), [self.sizes[each] for each in step.inputs]
            )
        }
        self.given = given
        self.tensors: dict[int, Ref] = {}
        self.computed: dict[SizeName, Number] = {}
        self.step: Step | None = None

    def run(self) -> LoweredModel:
        for name, shape in self._inputs().items():
            tensor = self.model.inputs[name]
            self.tensors[tensor] = self.add_input(name, shape)
            self._note_format(tensor)
        for step in self.steps:
            self.step, first = step, len(self.nodes)
            read = [self.tensors[index] for index in step.inputs]
            try:
                made = step.layers(
                    self,
                    read,
                    tuple([self.places[index] for index in step.inputs]),
                    tuple([self.places[index] for index in step.outputs]),
                )
                for index, ref in zip(step.outputs, made, strict=True):
                    self.tensors[index] = ref
                    self._compare(index, ref)
                    if ref.node >= first:
                        self._note_format(index)
            except Impossible as error:
                hint = self._literal(step) if self.shapes else ""
                fail("shape", f"{error}, in {_where(step)}", origin=self.model.origin, hint=hint)
            except (LookupError, ValueError, ArithmeticError):  # sizes, axes and attributes of different lengths
                fail("shape", f"arguments that do not fit together, in {_where(step)}", origin=self.model.origin)
        outputs = {name: self.tensors[index] for name, index in self.model.outputs.items()}
        return self.built(self.model.title, outputs, self._notes(), self.model.layout)

    def _note_format(self, tensor: int) -> None:
        """Give the layer that has just been added for a tensor the number format of that, if it is a narrower one.

        Stored arrays, and numbers that a layer only moves, are already in the format.
        """
        form, ref = self.model.formats.get(tensor), self.tensors[tensor]
        node = self.nodes[ref.node]
        if form is None or (node.op.keeps_numbers and all(self._format_of(read) == form for read in node.inputs)):
            return
        formats = [form if output == ref.output else each for output, each in enumerate(self._formats_of(ref.node))]
        precision = form if self.model.rounds_steps else ""
        self.nodes[ref.node] = replace(node, formats=tuple(formats), precision=precision)

    def _formats_of(self, index: int) -> tuple[str, ...]:
        """Return the narrower number formats of the outputs of a layer."""
        node = self.nodes[index]
        return node.formats or ("",) * len(node.outputs)

    def _format_of(self, ref: Ref) -> str:
        """Return the narrower number format of a tensor of the graph, even if its layer only moves numbers."""
        node = self.nodes[ref.node]
        while not node.formats and node.op.keeps_numbers and node.inputs:
            ref = node.inputs[0]
            node = self.nodes[ref.node]
        return self._formats_of(ref.node)[ref.output]

    def _inputs(self) -> dict[str, Shape]:
        """Return the shapes of the inputs."""
        recorded = {name: self._recorded(tensor) or (1,) for name, tensor in self.model.inputs.items()}
        shapes = {name: self.shapes.get(name, shape) for name, shape in recorded.items()}
        if self.observe is not None:
            self.observe(0)
        try:
            return follow_dynamic_sizes(shapes, self.model.dynamic_axes, self.given)
        except Impossible as error:
            fail("shape", f"{error}", origin=self.model.origin)

    def _recorded(self, tensor: int) -> Shape:
        """Return the shape that a tensor has in the file, without the batch."""
        return without(self.sizes[tensor], self.places[tensor], self.batch) or (1,)

    def _literal(self, failed: Step) -> str:
        """Name the operation whose numbers fit the sizes in the file only, if a join fails because of it."""

        def is_changed(tensor: int) -> bool:
            return not same_shape(self.shape(self.tensors[tensor]), self._recorded(tensor))

        found = find_fixed_step(failed, self.steps[: self.steps.index(failed)], is_changed)
        if found is None:
            return ""
        step, tensor = found
        return f"in this file, {_where(step)} makes {shape_text(self._recorded(tensor))} for every size of the input"

    def _notes(self) -> tuple[str, ...]:
        """Name the operators that are not counted, and the parameters of the file that no layer uses, by module."""
        notes = [*self.model.notes]
        if self.model.dynamic_axes:
            shapes = {node.name: node.output for node in self.nodes if node.is_input}
            notes.append(f"dynamic sizes: {'; '.join(ranges(shapes, self.model.dynamic_axes))}")
        if self.model.uncounted:
            listed = "; ".join(self.model.uncounted)
            notes.append(f"≥: a lower bound, without the operators that cannot be counted: {listed}")
        if self.mixing:
            first, *others = map(_where, self.mixing)
            more = f" and {len(others):,} more" if others else ""
            notes.append(f"for one example only, since examples of a batch are mixed by {first}{more}")
        used = {plain(name) for _, _, names in self.stored for name in names}
        unused = {name: prod(sizes) for name, sizes in self.model.parameters.items() if name not in used}
        if not unused:
            return tuple(notes)
        modules = list(dict.fromkeys(name.split(".")[0] for name in unused))
        named = ", ".join(modules[:MAX_NAMED]) + (", …" if len(modules) > MAX_NAMED else "")
        notes.append(f"not used, and not counted: {sum(unused.values()):,} parameters of the file, in {named}")
        return tuple(notes)

    def _compare(self, index: int, ref: Ref) -> None:
        """Require that a tensor has the shape that the file records, if the inputs have their shapes of the file."""
        if self.shapes:
            return
        recorded = self._recorded(index)
        computed = self.shape(ref)
        if not same_shape(recorded, computed):
            assert self.step is not None
            fail(
                "shape",
                f"{_where(self.step)} makes {shape_text(computed)}, but the file records {shape_text(recorded)}",
                origin=self.model.origin,
                hint="please report this file: one of the two is wrong",
            )

    def add(self, op: Operator, inputs: Sequence[Ref], stored: StoredArrays | None = None) -> Ref:
        assert self.step is not None
        shapes = tuple([self.shape(ref) for ref in inputs])
        number = len(self.nodes)
        origin = self.step.origin
        path = tuple(origin.module.split(".")) if origin is not None and origin.module else ()
        if self.computed:
            op = self._with_computed(op)
        ref = self.add_layer(op, inputs, path, origin, stored)
        self._compare_stored(self.nodes[number].op, shapes, in_file(stored))
        return ref

    def _with_computed(self, op: Operator) -> Operator:
        """Return an operator with the values of the sizes that the model computes in place of their names."""
        named = {name: value for name, value in op.__dict__.items() if isinstance(value, tuple) and _has_names(value)}
        values = {name: tuple(map(self.size, value)) for name, value in named.items()}
        return converted_operator(type(op), op, **values) if values else op

    def _compare_stored(self, op: Operator, shapes: Shapes, stored: Mapping[str, tuple[str, ...]]) -> None:
        """Require that the stored arrays of a layer have the sizes that the file records."""
        for weight in op.weights(shapes):
            if weight.name in stored:
                first, *others = (
                    tuple(map(self.size, sizes_of(name, self.model.stored))) for name in stored[weight.name]
                )
                recorded = (first[0] + sum(each[0] for each in others), *first[1:]) if others else first
                for needed, size in zip(weight.shape, recorded or (1,), strict=True):
                    require(
                        needed == size,
                        "'{array}' would be {needed}, but the file has {recorded}",
                        array=", ".join(stored[weight.name]),
                        needed=shape_text(weight.shape),
                        recorded=shape_text(recorded),
                    )

    def size(self, value: Any) -> Number:
        return self.computed[value] if isinstance(value, SizeName) else value

    def compute(self, name: str, value: Number) -> None:
        self.computed[SizeName(name)] = value


def _has_names(values: tuple[Any, ...]) -> bool:
    return any(isinstance(each, SizeName) for each in values)
