"""The graph of a Keras model: its calls, converted one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from archcalc.arrays.texts import shape_text
from archcalc.graph import Ref, channels_first, ordered, write_shape
from archcalc.numeric import Impossible, Number, known_equal
from archcalc.ops.base import Shape
from archcalc.readers.aten.failures import PARTIAL, Failures
from archcalc.readers.building import GraphBuilder, LoweredModel
from archcalc.readers.keras.config import InvalidDescription, described
from archcalc.readers.keras.declared_layers import DeclaredLayers
from archcalc.readers.keras.flat_model import CallOutput, FlatCall, FlatModel, Key, flatten_model, mapped_tensors
from archcalc.readers.keras.groups import group_names
from archcalc.readers.keras.layers import conversion_of, reason_of
from archcalc.readers.keras.registry import Unconvertible
from archcalc.readers.keras.view import LayerView, Transform
from archcalc.readers.uncounted_calls import UncountedOperator
from archcalc.spec.errors import fail

INNER = -1_000_000
"""The tensors that calls inside a layer read have numbers from here on downwards."""


class FileVariable(NamedTuple):
    """A stored array of the file, as an operator has it."""

    layer: Key
    within: str
    """The part of the layer that has it: ``cell``; empty for the layer itself."""
    place: int
    """Its index among the variables of that part."""
    transform: Transform | None
    trained: bool


@dataclass(frozen=True)
class ConversionPlan:
    """A model that can be converted."""

    flat: FlatModel
    name: str
    """The name of the file in messages."""
    inputs: Mapping[str, Shape]
    """The shapes of the inputs in the graph; those that the file leaves open have an example."""
    layout: str
    declared: DeclaredLayers
    """The layers that the user declares."""
    notes: tuple[str, ...] = ()
    partial: bool = False
    """Whether layers that cannot be counted are layers without a cost, instead of an error."""
    legacy: bool = False
    """Whether it was written by a version before 3."""

    @cached_property
    def recorded(self) -> dict[CallOutput, tuple[int | None, ...]]:
        """The shapes of tensors that the file records, with the batch."""
        return {made: shape for call in self.flat.calls for made, shape in call.recorded.items()}


class DescriptionArray(NamedTuple):
    """An array that the description contains, as an argument of a function."""

    values: Any
    """Its numbers, as nested lists."""
    transform: Transform
    """Makes the array of the graph of it."""


class ConvertedModel(NamedTuple):
    """The graph of a model, and where its arrays are in the file."""

    lowered: LoweredModel
    variables: Mapping[str, FileVariable]
    written: Mapping[str, DescriptionArray]


class KerasGraph(GraphBuilder):
    """The graph of a model so far."""

    def __init__(
        self,
        plan: ConversionPlan,
        shapes: Mapping[str, Shape],
        attributes: Mapping[int, Mapping[str, Number]],
        observe: Callable[[int], None] | None,
    ) -> None:
        """Start with the inputs.

        Args:
            plan: the model.
            shapes: other shapes of inputs, as the graph has them, by name.
            attributes: numbers that replace attributes of layers, by index of the layer and name of the attribute.
            observe: called with the index of every layer before its formulas are evaluated.
        """
        super().__init__(attributes, observe)
        self.failures = Failures()
        self.plan, self.shapes = plan, shapes
        self.features_first = plan.layout == "hwc"
        self.variables: dict[str, FileVariable] = {}
        self.written: dict[str, DescriptionArray] = {}
        self._made: dict[CallOutput, Ref] = {}
        for number, (name, shape) in enumerate(plan.inputs.items()):
            if observe is not None:
                observe(number)
            self._made[CallOutput(-1 - number)] = self.add_input(name, shapes.get(name, shape))

    def build(self) -> ConvertedModel:
        """Convert all calls, and return the graph.

        Raises:
            SpecError: a layer cannot exist on these shapes.
        """
        plan = self.plan
        for number, call in enumerate(plan.flat.calls):
            self._compare(call)
            try:
                made = self._converted(number, call)
            except Impossible as error:
                fail("shape", f"{error}, in {_where(call)}", origin=plan.name)
            except (LookupError, ValueError, ArithmeticError, TypeError):  # entries that do not fit together
                fail("shape", f"a configuration that does not fit the input, in {_where(call)}", origin=plan.name)
            for output, ref in enumerate(made if isinstance(made, list) else [made]):
                self._made[CallOutput(number, output)] = ref
        notes = plan.notes
        if not plan.partial:
            self.failures.require_none(plan.name, (*PARTIAL, *self._declaring()))
        elif listed := self.failures.listed():
            notes = (*notes, f"≥: a lower bound, without the layers that cannot be counted: {'; '.join(listed)}")
        outputs = {name: self.tensor(each) for name, each in plan.flat.outputs.items()}
        lowered = self.built(plan.flat.name, outputs, notes, plan.layout)
        return ConvertedModel(lowered, self.variables, self.written)

    def _converted(self, number: int, call: FlatCall) -> Ref | list[Ref]:
        view = LayerView(self, call)
        declared = self.plan.declared.of(call)
        if declared is not None:
            return self.plan.declared.add(declared, view, self.plan.layout)
        conversion = conversion_of(call.layer)
        first = len(self.nodes)
        try:
            if conversion is None:
                raise Unconvertible(reason_of(call.layer))
            return conversion(view)
        except Unconvertible as error:
            self.remove_layers(first)
            self._fail(view, str(error))
            return self._uncounted(number, view)

    def convert_inner(self, view: LayerView, description: Any, tensors: Sequence[Ref], part: str) -> list[Ref]:
        """Convert a layer, or a model, that is described inside another layer; see `LayerView.inner`."""
        try:
            layer = described(description)
            made = [self._given(tensor) for tensor in tensors]
            if layer.model is None:
                return self._inner_call(FlatCall(layer, view.call.key, view.call.path, tuple(made), {}, {}), part)
            flat = flatten_model(layer.model)
        except InvalidDescription as error:
            raise Unconvertible(f"{error}") from None
        if len(flat.inputs) != len(made):
            raise Unconvertible(f"a model of {len(flat.inputs)} inputs inside a layer of {len(made)}")
        groups = dict(group_names(layer.model))
        known = {CallOutput(-1 - number): each for number, each in enumerate(made)}
        for number, call in enumerate(flat.calls):
            path = (*view.call.path, *call.path)
            args, kwargs = (mapped_tensors(each, known) for each in (list(call.args), dict(call.kwargs)))
            own = FlatCall(call.layer, view.call.key, path, tuple(args), kwargs, {})
            for output, ref in enumerate(self._inner_call(own, f"{part}/{groups[call.key]}")):
                known[CallOutput(number, output)] = self._given(ref)
        return [self.tensor(known[each]) for each in flat.outputs.values()]

    def _inner_call(self, call: FlatCall, part: str) -> list[Ref]:
        conversion = conversion_of(call.layer)
        if conversion is None:
            raise Unconvertible(f"the layer '{call.layer.class_name[:60]}' inside it")
        made = conversion(LayerView(self, call, part=part))
        return made if isinstance(made, list) else [made]

    def _given(self, tensor: Ref) -> CallOutput:
        """Return a tensor of the graph as the argument of a call."""
        made = CallOutput(INNER - len(self._made))
        self._made[made] = tensor
        return made

    def _uncounted(self, number: int, view: LayerView) -> list[Ref]:
        """Add a layer that cannot be counted, whose outputs have the shapes that the file records.

        Raises:
            SpecError: the file does not record them, so that all layers that cannot be counted are listed here.
        """
        shapes: list[Shape] = []
        while (recorded := self.plan.recorded.get(CallOutput(number, len(shapes)))) is not None:
            shapes.append(self.as_in_graph(tuple([size for size in recorded[1:] if size is not None])))
            if None in recorded[1:] or self.shapes:
                shapes = []  # it is not known for other sizes
                break
        if not shapes:
            for call in self.plan.flat.calls[number + 1 :]:
                if conversion_of(call.layer) is None and self.plan.declared.of(call) is None:
                    self._fail(LayerView(self, call), reason_of(call.layer))
            self.failures.require_none(self.plan.name, self._declaring())
        op = UncountedOperator(call=view.call.layer.class_name, shapes=tuple(shapes), stored=())
        first = view.add(op, *view.tensors)
        return [first._replace(output=output) for output in range(len(shapes))]

    def _fail(self, view: LayerView, reason: str) -> None:
        """Note that a layer cannot be counted, and why, if there is a reason."""
        self.failures.add(f"{view.call.layer.class_name}{f': {reason}' if reason else ''}", view.origin)

    def _declaring(self) -> tuple[str, ...]:
        """Return the hint that says how a layer is declared."""
        first = self.failures.first()
        return (f'`--layer "{first}=relu"` declares such a layer, with any chain of operators',) if first else ()

    def tensor(self, made: CallOutput) -> Ref:
        """Return a tensor of the graph.

        Raises:
            SpecError: the layer that makes it has fewer outputs.
        """
        found = self._made.get(made)
        if found is None:
            fail("format", f"the model reads output {made.output} of a layer that has fewer", origin=self.plan.name)
        return found

    def standard(self, rank: int) -> tuple[int, ...]:
        """Return the axes of Keras, with the batch as axis 0, in the order of the graph."""
        axes = tuple(range(1, rank + 1))
        return channels_first(axes, self.plan.layout)

    def as_in_file(self, shape: Shape) -> Shape:
        """Return a shape of the graph with the axes in the order of the file."""
        return ordered(shape, self.plan.layout)

    def as_in_graph(self, shape: Shape) -> Shape:
        """Return a shape of the file with the axes in the order of the graph; a single number is a vector of one."""
        return channels_first(shape, self.plan.layout) or (1,)

    def variable(
        self, call: FlatCall, within: str, index: int, transform: Transform | None, *, trained: bool, role: str
    ) -> str:
        """Return the name of a stored array; see `LayerView.variable`."""
        name = f"{'/'.join(call.key)}:{within}/{index}{role}"
        self.variables.setdefault(name, FileVariable(call.key, within, index, transform, trained))
        return name

    def keep(self, call: FlatCall, values: Any, transform: Transform) -> str:
        """Return the name under which an array in the description is kept."""
        name = f"{'/'.join(call.key)}:written/{len(self.written)}"
        self.written[name] = DescriptionArray(values, transform)
        return name

    def _compare(self, call: FlatCall) -> None:
        """Require that the tensors that a call reads have the shapes that the file records, if the inputs have."""
        if self.shapes:
            return
        for made, recorded in call.recorded.items():
            computed = self.as_in_file(self.shape(self.tensor(made)))
            if _differs(computed, recorded[1:]):
                read = f"{_where(call)} reads {write_shape(computed)}"
                fail(
                    "shape",
                    f"{read}, but the file records {shape_text(n or '?' for n in recorded[1:])}",
                    origin=self.plan.name,
                    hint="a chain of --layer must give the shapes that the file records"
                    if self.plan.declared
                    else "please report this file: one of the two is wrong",
                )


def _differs(shape: Shape, recorded: tuple[int | None, ...]) -> bool:
    if not recorded:
        return not known_equal(prod(shape), 1)
    if len(shape) != len(recorded):
        return True
    return any(each is not None and not known_equal(n, each) for n, each in zip(shape, recorded, strict=True))


def _where(call: FlatCall) -> str:
    """Return the place of a call in messages."""
    return f"'{'/'.join(call.key)[:100]}' ({call.layer.class_name[:60]})"
