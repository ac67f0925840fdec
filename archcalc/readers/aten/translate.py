"""A program to steps: names become numbered tensors, and stored arrays belong to the layers that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeAlias

from archcalc.graph import Origin
from archcalc.numeric import Number
from archcalc.ops.source import Constant
from archcalc.readers.aten import operators  # noqa: F401  # registers the translations
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.failures import Failures
from archcalc.readers.aten.forms import Form, forms_of_shared, own_form, steps_of_parameter
from archcalc.readers.aten.named import with_named_operators
from archcalc.readers.aten.operators.shape import order_of, permute
from archcalc.readers.aten.operators.views import with_view_replaced
from archcalc.readers.aten.program import COMPUTED, Call, Program, TensorName, Word
from archcalc.readers.aten.registry import TRANSLATIONS, Arguments, Translation, Untranslatable, base_name
from archcalc.readers.aten.storage import Storage, View, is_in_place
from archcalc.readers.aten.values import ConstantValues
from archcalc.readers.batch import Sizes
from archcalc.readers.lowering import Model
from archcalc.readers.patterns import Repeated
from archcalc.readers.steps import Calculated, SizeName, Step, Stored, with_origin
from archcalc.readers.stored import TRANSPOSED
from archcalc.readers.uncounted import UncountedCall
from archcalc.spec.errors import fail, suggest

LIKE = {"zeros_like": "zeros", "ones_like": "ones", "full_like": "full", "empty_like": "zeros"}
"""The operators that use the shape of a tensor, and those that are given it."""

FACTORIES = ("new_zeros", "new_ones", "new_full", "new_empty", *LIKE)
"""The operators that use only the shape and the format of a tensor, not its numbers."""

ZEROS = ("zeros", "new_zeros", "zeros_like")
"""The operators whose result consists of zeros."""

MOVED_IN_PLACE = ("squeeze_", "swapaxes_", "swapdims_", "t_", "transpose_", "unsqueeze_", "resize_", "set_")
"""The calls in place that change the shape of a tensor, not its numbers."""

PRODUCTS = ("matmul", "bmm", "mm", "einsum")
"""The operators that are layers also of constants, whose products PyTorch computes anew in every call."""

ONNX = "onnx"
"""The namespace of calls that only a reader of this package makes; those without a translation are never constants."""

Load: TypeAlias = Callable[[Program, Iterable[Call], Iterable[str]], Mapping[str, Any]]
"""Returns stored arrays and computed constants by their names, given the program and its calls on constants."""


def model_of(
    program: Program,
    name: str,
    batch_axes: Mapping[str, int | None],
    load: Load,
    fixed: Callable[[], dict[str, Any]],
    *,
    is_partial: bool = False,
) -> Model:
    """Return a program as steps.

    Args:
        program: the program.
        name: the name of its file in messages.
        batch_axes: the axes of inputs that are the batch; by default, the first.
        load: reads stored arrays when a run needs them.
        fixed: reads those that are no parameters, by their names in the program.
        is_partial: whether calls without a translation are steps without a cost.

    Raises:
        SpecError: it calls operators that have no translation.
    """
    named = with_named_operators(program)
    forms: dict[str, Form] = {}
    while True:
        translation = _Translation(named, name, batch_axes, ConstantValues(name, fixed), forms, is_partial=is_partial)
        translation.run()
        found = forms_of_shared(translation.steps, named)
        if found.keys() <= forms.keys():
            return translation.model(partial(load, named, translation.constant_calls))
        forms = {**found, **forms}


class _Translation:
    """The state of a translation; see `archcalc.readers.aten.registry.Reading`."""

    def __init__(
        self,
        program: Program,
        origin: str,
        batch_axes: Mapping[str, int | None],
        values: ConstantValues,
        forms: Mapping[str, Form],
        *,
        is_partial: bool,
    ) -> None:
        self.program, self.origin, self.batch, self.partial = program, origin, batch_axes, is_partial
        self.values, self.forms = values, forms
        self.numbers: dict[str, int] = {}
        self.storage = Storage(program)
        self.used: set[str] = set()
        self.constants: set[str] = set()
        self.changed: set[str] = set()
        self.of_weights: set[str] = set()
        self.zeros: set[str] = set()
        self.added: dict[str, Sizes] = {}
        self.constant_calls: list[Call] = []
        self.all_sizes: list[Sizes] = []
        self.steps: list[Step] = []
        self.failures = Failures()
        self.transposes: dict[str, Call] = {}
        self.inputs: dict[str, int] = {}
        self.outputs: dict[str, int] = {}

    def run(self) -> None:
        """Translate all calls.

        Raises:
            SpecError: operators have no translation, or an output is not computed.
        """
        self.inputs = {self.program.input_names.get(name, name): self.new(name) for name in self.program.inputs}
        self.check_batch_axes(self.inputs)
        for call in self.program.calls:
            self.translate(call)
        if not self.partial:
            self.failures.require_none(self.origin)
        try:
            self.outputs = self.named_outputs()
        except Untranslatable as error:
            fail("format", f"the output {error}", origin=self.origin)

    def model(self, arrays: Callable[[Iterable[str]], Mapping[str, Any]]) -> Model:
        """Return the steps of all calls, given what reads stored arrays."""
        return Model(
            title=self.program.title,
            origin=self.origin,
            inputs=self.inputs,
            dynamic={
                (self.program.input_names.get(name, name), axis): size
                for (name, axis), size in self.program.dynamic.items()
            },
            batch_axes={
                name: self.batch.get(name, 0 if self.all_sizes[number] else None)
                for name, number in self.inputs.items()
            },
            outputs=self.outputs,
            steps=self.with_own_parameters(),
            sizes=tuple(self.all_sizes),
            stored={
                **{each.name: self.sizes(name) for name, each in self.program.stored.items()},
                **{f"{COMPUTED}{name}": self.sizes(name) for name in self.constants if name in self.program.metas},
                **{f"{COMPUTED}{name}": sizes for name, sizes in self.added.items()},
            },
            uncounted=tuple(self.failures.listed()),
            parameters=self.parameters(),
            has_arrays=self.program.has_weights
            or all(each.kind == "constant" for each in self.program.stored.values()),
            arrays=arrays,
        )

    def named_outputs(self) -> dict[str, int]:
        """Return the outputs by the names that the model gives them; otherwise, the first is ``output``.

        Raises:
            Untranslatable: a tensor that is not computed.
        """
        outputs, names = self.program.outputs, self.program.output_names
        if names:
            return {name: self.tensor(each) for name, each in zip(names, outputs, strict=True)}
        distinct = enumerate(dict.fromkeys(outputs))
        return {"output" if number == 0 else each: self.tensor(each) for number, each in distinct}

    def parameters(self) -> dict[str, Sizes]:
        """Return the sizes of all parameters, without further names of the same numbers."""
        names: dict[object, str] = {}
        for local, each in self.program.stored.items():
            if each.kind == "parameter":
                place = each.payload if self.program.has_weights else None
                key = local if place is None else (place.member, place.offset, place.sizes, place.strides)
                names[key] = local if key not in names or local in self.used else names[key]
        return {self.program.stored[local].name: self.sizes(local) for local in names.values()}

    def check_batch_axes(self, inputs: Mapping[str, int]) -> None:
        """Require that the batch axes that are given are axes of inputs."""
        for name, axis in self.batch.items():
            if name not in inputs:
                hint = suggest(name, inputs, f"the inputs are {', '.join(inputs)}")
                fail("unknown-name", f"no input '{name[:40]}'", hint=hint, origin=f"--batch-axis {name[:40]}")
            rank = len(self.all_sizes[inputs[name]])
            if axis is not None and axis >= rank:
                message = f"the input '{name}' has {rank} axes, so there is no axis {axis} (the first is 0)"
                fail("argument", message, origin=f"--batch-axis {name[:40]}")

    def translate(self, call: Call) -> None:
        """Add the steps of a call, or note that it has none."""
        namespace, base = call.target.partition(".")[0], base_name(call.target)
        if not any(call.outputs):
            return  # an assertion
        results = [name for name in call.outputs if name is not None]
        in_place = is_in_place(call.target)
        if base in ZEROS:
            self.zeros.update(results)
        is_known = not call.reason and (namespace != ONNX or f"{namespace}.{base}" in TRANSLATIONS)
        if is_known and (base in FACTORIES or (base not in PRODUCTS and self.is_constant([*call.arguments.values()]))):
            self.constants.update(results)
            self.constant_calls.append(self.with_sizes(call) if base in LIKE else call)
            if in_place:
                self.storage.write(results[0])
            return
        if base == "zeros":
            return  # of a size that the program computes: as states of recurrent layers, which need not be read
        translation = TRANSLATIONS.get(f"{namespace}.{base.removesuffix('_') if in_place else base}")
        arguments = Arguments(call, self)
        if translation is permute and not in_place and self.is_matrix(arguments.first):
            self.transposes[results[0]] = call
            self.of_weights.update(results)
            return
        try:
            if translation is None or call.reason or base in MOVED_IN_PLACE:
                raise Untranslatable(call.reason)
            self.add_steps(translation, arguments)
            if in_place:
                self.write(results[0])
        except Untranslatable as error:
            name = call.target if namespace == "torch" else f"{namespace}.{base}"
            self.failures.add(name + (f": {error}" if str(error) else ""), call.origin)
            self.steps += self.uncounted(name, call)
            if in_place and results[0] in self.numbers:
                self.note_write(results[0], {self.storage.first(results[0]): self.numbers[results[0]]})
        if all(map(self.is_of_weights, tensors_in([*call.arguments.values()]))):
            self.of_weights.update(results)
        for name in results:
            self.storage.compute(name)

    def with_sizes(self, call: Call) -> Call:
        """Return a call that uses the shape of a tensor as one that is given the sizes in the file."""
        (name,) = call.outputs
        meta = self.program.metas.get(name or "")
        if meta is None:
            return call
        given = {key: value for key, value in call.arguments.items() if key != "self"}
        arguments = {**given, "size": list(meta.sizes), "dtype": Word("dtype", meta.dtype)}
        return replace(call, target=f"aten.{LIKE[base_name(call.target)]}.default", arguments=arguments)

    def add_steps(self, translation: Translation, arguments: Arguments) -> None:
        """Add the steps of a call."""
        self.steps += [with_origin(step, arguments.origin) for step in self.steps_of(translation, arguments)]

    def write(self, result: str) -> None:
        """Follow a write in place, whose result has been computed: what the tensor is a view of changes, too."""
        name = self.storage.first(result)
        number = self.numbers[result]
        made = {name: number}
        for each, view in self.storage.views(name):
            arguments = Arguments(view.call, self)
            steps, number = with_view_replaced(arguments, each, self.tensor(view.of), number)
            self.steps += [with_origin(step, arguments.origin) for step in steps]
            made[view.of] = number
        self.note_write(name, made)

    def note_write(self, name: str, made: Mapping[str, int]) -> None:
        """Note a write in place, and the numbers of tensors after it."""
        self.storage.write(name)
        self.changed.add(self.storage.root(name))
        self.numbers.update(made)

    def compute_again(self, view: View) -> None:
        """Compute views whose memory has been written since they were computed."""
        translation = TRANSLATIONS.get(f"aten.{base_name(view.call.target)}")
        if translation is None:
            raise Untranslatable(f"aten.{base_name(view.call.target)} of memory that is written")
        for name in view.call.outputs:
            self.numbers.pop(name or "", None)
            self.transposes.pop(name or "", None)
        self.add_steps(translation, Arguments(view.call, self))
        for name in view.call.outputs:
            if name is not None:
                self.storage.compute(name)

    def steps_of(self, translation: Translation, arguments: Arguments) -> list[Step]:
        """Return the steps of a call.

        Raises:
            Untranslatable: its arguments have values that the translation does not understand.
        """
        try:
            return translation(arguments)
        except (IndexError, ValueError, ArithmeticError):  # sizes and axes that do not fit together
            raise Untranslatable("arguments that do not fit together") from None

    def uncounted(self, what: str, call: Call) -> list[Step]:
        """Return the steps of a call without a translation, which gives its results the sizes that are recorded."""
        program = self.program
        read = [name for name in tensors_in([*call.arguments.values()]) if name in program.metas]
        made = [name for name in call.outputs if name is not None and name in program.metas]
        for name in read:
            if name in self.transposes:
                self.compute_transpose(name)
        trained = [name for name in read if name in program.stored and program.stored[name].kind == "parameter"]
        computed = [name for name in read if name in self.numbers and name not in trained]
        sizes = {name: program.sizes[name] for name in call.outputs if name is not None and name in program.sizes}
        self.used.update(trained)
        step = UncountedCall(
            call=what,
            read=tuple(map(self.sizes, computed)),
            made=tuple(map(self.sizes, made)),
            trained={program.stored[name].name: self.sizes(name) for name in trained},
            inputs=tuple([self.numbers[name] for name in computed]),
            outputs=tuple(map(self.new, made)),
            origin=call.origin,
        )
        known = [
            Calculated(name=name, function=int, arguments=(size,), inputs=(), outputs=())
            for name, size in sizes.items()
        ]
        return [step, *known]

    def with_own_parameters(self) -> tuple[Step, ...]:
        """Return the steps; those that cannot be counted own only the parameters that no other step uses."""
        stored = [names for step in self.steps for names in step.stored.values()]
        counted = {name for names in stored for name in ((names,) if isinstance(names, str) else names)}
        return tuple([step.without(counted) if isinstance(step, UncountedCall) else step for step in self.steps])

    def tensor(self, name: str) -> int:
        name = self.storage.first(name)
        if self.is_constant(TensorName(name)):
            return self.source(self.as_it_is(name))
        for _, view in self.storage.outdated(name):
            self.compute_again(view)
        if name in self.transposes:
            self.compute_transpose(name)
        return self.numbers[name] if name in self.numbers else self.source(name)

    def compute_transpose(self, name: str) -> None:
        """Compute the transpose of a stored matrix, which is not read as the weight of a layer only."""
        call = self.transposes.pop(name)
        self.add_steps(permute, Arguments(call, self))
        self.storage.compute(name)

    def as_it_is(self, name: str) -> str:
        """Return a name for the numbers that a constant has now, if they change in the program."""
        if self.storage.root(name) not in self.storage.written:
            return name
        kept = f"{name}@{self.storage.writes(name)}"
        if kept not in self.added:
            copied = Call("aten.clone.default", {"self": TensorName(name)}, (kept,), Origin("", "", "clone", ""))
            self.constant(kept, self.sizes(name), copied)
        return kept

    def source(self, name: str) -> int:
        """Return the number of a stored tensor or constant."""
        if name not in self.numbers:
            stored = self.program.stored.get(name)
            if stored is None and name not in self.constants:
                raise Untranslatable(f"'{name}' is not computed")
            sizes = self.sizes(name)
            axes = self.axes_of_examples(name, sizes) if stored is None else ()
            if axes:
                return self.source_for_examples(name, sizes, axes)
            self.used.add(name)
            if stored is not None and stored.kind == "parameter":
                sizes_of_stored = {each.name: self.sizes(local) for local, each in self.program.stored.items()}
                form = self.forms.get(stored.name, own_form(stored.name))
                self.steps += steps_of_parameter(stored.name, form, sizes_of_stored, self.intermediate)
                self.give(name, self.steps[-1].outputs[0])
            else:
                path = name.partition("@")[0] if stored is None else stored.name
                value = {"value": f"{COMPUTED}{name}" if stored is None else stored.name}
                op, origin = Constant(shape=sizes or (1,)), Origin(path, "", Constant.name, "")
                self.steps.append(Stored(op=op, inputs=(), outputs=(self.new(name),), origin=origin, stored=value))
        return self.numbers[name]

    def axes_of_examples(self, name: str, sizes: Sizes) -> tuple[int, ...]:
        """Return the axes along which a constant may have the same for each of several examples."""
        batch = self.examples
        return self.values.repeated_axes(self.constant_calls, name, sizes, batch) if batch > 1 else ()

    def source_for_examples(self, name: str, sizes: Sizes, axes: tuple[int, ...]) -> int:
        """Return the number of a constant that may be the same for all examples: its first part, repeated."""
        part, shape = name, sizes
        for axis in axes:
            arguments = {"self": TensorName(part), "dim": axis, "start": 0, "end": 1}
            part, shape = f"{part}@example", (*shape[:axis], 1, *shape[axis + 1 :])
            self.constant(part, shape, Call("aten.slice.Tensor", arguments, (part,), Origin("", "", "slice", "")))
        counts = tuple([size if at in axes else 1 for at, size in enumerate(sizes)])
        self.steps.append(Repeated(counts=counts, inputs=(self.source(part),), outputs=(self.new(name),)))
        return self.numbers[name]

    @cached_property
    def examples(self) -> int:
        """The number of examples in the first input that has a batch axis."""
        for local, meta in self.program.inputs.items():
            axis = self.batch.get(self.program.input_names.get(local, local), 0)
            if axis is not None and axis < len(meta.sizes):
                size = meta.sizes[axis]
                return size if type(size) is int else 1
        return 1

    def is_constant(self, value: Any) -> bool:
        """Return whether an argument is the same for all inputs and weights."""
        if isinstance(value, TensorName):
            stored = self.program.stored.get(value.name)
            is_fixed = value.name in self.constants or (stored is not None and stored.kind != "parameter")
            return is_fixed and self.storage.root(value.name) not in self.changed
        return all(map(self.is_constant, value)) if isinstance(value, list) else not isinstance(value, SizeName)

    def stored(self, name: str, array: str, *, trained: bool = True) -> str | None:
        found = self.as_array([name], array, trained=trained)
        return None if found is None else found[0]

    def stored_together(self, names: Sequence[str], array: str) -> tuple[str, ...] | None:
        return self.as_array(names, array)

    def as_array(
        self, names: Sequence[str], array: str, *, prefix: str = "", trained: bool = True
    ) -> tuple[str, ...] | None:
        """Return the names of stored tensors in the file, if they are one array of an operator in this form."""
        first = [*map(self.storage.first, names)]
        found = [self.program.stored.get(name) for name in first]
        stored = [each for each in found if each is not None and (not trained or each.kind == "parameter")]
        form = tuple([f"{prefix}{each.name}" for each in stored])
        others = any(self.forms.get(each.name, (array, form)) != (array, form) for each in stored)
        if len(stored) < len(found) or others or any(map(self.storage.is_changed, first)):
            return None
        self.used.update(first)
        return form

    def is_zero(self, name: str) -> bool:
        return name in self.zeros and self.storage.root(name) not in self.storage.written

    def stored_matrix(self, name: str, *, transposed: bool = False) -> str | None:
        name = self.storage.first(name)
        while name in self.transposes:
            arguments = Arguments(self.transposes[name], self)
            name, transposed = arguments.first, transposed is not (order_of(arguments) == (1, 0))
        prefix = TRANSPOSED if transposed else ""
        found = self.as_array([name], "weight", prefix=prefix) if self.is_matrix(name) else None
        return None if found is None else found[0]

    def is_matrix(self, name: str) -> bool:
        """Return whether a tensor is a parameter that is a matrix, or the transpose of one."""
        name = self.storage.first(name)
        stored = self.program.stored.get(name)
        is_parameter = stored is not None and stored.kind == "parameter" and len(self.sizes(name)) == 2
        return name in self.transposes or (is_parameter and not self.storage.is_changed(name))

    def dtype(self, name: str) -> str:
        return self.program.metas[name].dtype if name in self.program.metas else "float32"

    def constant(self, name: str, sizes: Sizes, call: Call) -> str:
        self.constants.add(name)
        self.added[name] = sizes
        self.constant_calls.append(call)
        return name

    def is_of_weights(self, name: str) -> bool:
        return name in self.program.stored or name in self.constants or name in self.of_weights

    def counts_up(self, name: str, step: int = 1) -> bool:
        is_constant = self.is_constant(TensorName(name))
        value = self.values.value(self.constant_calls, name) if is_constant else None
        return value is not None and value.tolist() == [*range(0, value.size * step, step)]

    def sizes(self, name: str) -> Sizes:
        if name in self.added:
            return self.added[name]
        meta = self.program.metas.get(name)
        if meta is None:
            raise Untranslatable(f"nothing is recorded about the tensor '{name}'")
        return tuple([_plain(size) for size in meta.sizes])

    def new(self, name: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = self.intermediate(self.sizes(name))
        return self.numbers[name]

    def numbered(self, number: int) -> Sizes:
        return self.all_sizes[number]

    def intermediate(self, sizes: Sizes) -> int:
        self.all_sizes.append(sizes)
        return len(self.all_sizes) - 1

    def same(self, name: str, as_name: str) -> None:
        self.give(name, self.tensor(as_name))

    def give(self, name: str, number: int) -> None:
        self.numbers[name] = number


def _plain(size: Number) -> int:
    if type(size) is not int:
        raise Untranslatable("a size that is not a plain integer")
    return size
