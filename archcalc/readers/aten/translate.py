"""A program to steps: its calls become steps on numbered tensors, or are listed as calls without a translation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from archcalc.readers.aten import operators  # noqa: F401  # registers the translations
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.failures import Failures
from archcalc.readers.aten.named_formulas import with_named_operators
from archcalc.readers.aten.operators.random import RANDOM
from archcalc.readers.aten.operators.shape import permute
from archcalc.readers.aten.parameter_forms import Form, forms_of_shared
from archcalc.readers.aten.program import COMPUTED, Call, Program, Word
from archcalc.readers.aten.registry import TRANSLATIONS, Arguments, Untranslatable, base_name
from archcalc.readers.aten.storage import is_in_place
from archcalc.readers.aten.tensors import Tensors
from archcalc.readers.aten.values import ConstantValues
from archcalc.readers.batch import Sizes, require_axis
from archcalc.readers.lowering import StepModel
from archcalc.readers.steps import CalculationStep, Step
from archcalc.readers.uncounted_calls import UncountedCall
from archcalc.spec.errors import fail, listing, suggest

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

PARTS = (
    *("chunk", "expand", "index", "index_select", "narrow", "repeat", "slice", "split", "split_with_sizes"),
    *("tensor_split", "tile", "topk"),
)
"""The operators whose results may have no elements although their arguments have."""

OF_READERS = ("onnx", "tflite")
"""The namespaces of calls that only readers of this package make; those without a translation are never constants."""

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
) -> StepModel:
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
        found = forms_of_shared(translation.tensors.steps, named)
        if found.keys() <= forms.keys():
            return translation.model(partial(load, named, translation.tensors.constant_calls))
        forms = {**found, **forms}


class _Translation:
    """The state of a translation."""

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
        self.tensors = Tensors(program, batch_axes, values, forms)
        self.failures = Failures()
        self.inputs: dict[str, int] = {}
        self.outputs: dict[str, int] = {}

    def run(self) -> None:
        """Translate all calls.

        Raises:
            SpecError: operators have no translation, or an output is not computed.
        """
        names, new = self.program.input_names, self.tensors.new
        self.inputs = {names.get(name, name): new(name) for name in self.program.inputs}
        self.tensors.add_empty(self.program.inputs, self.program.inputs)
        self.check_batch_axes(self.inputs)
        for call in self.program.calls:
            self.translate(call)
        if not self.partial:
            self.failures.require_none(self.origin)
        try:
            self.outputs = self.named_outputs()
        except Untranslatable as error:
            fail("format", f"the output {error}", origin=self.origin)

    def model(self, arrays: Callable[[Iterable[str]], Mapping[str, Any]]) -> StepModel:
        """Return the steps of all calls, given what reads stored arrays."""
        tensors = self.tensors
        return StepModel(
            title=self.program.title,
            origin=self.origin,
            inputs=self.inputs,
            dynamic={
                (self.program.input_names.get(name, name), axis): size
                for (name, axis), size in self.program.dynamic.items()
            },
            batch_axes={
                name: self.batch.get(name, 0 if tensors.all_sizes[number] else None)
                for name, number in self.inputs.items()
            },
            outputs=self.outputs,
            steps=self.with_own_parameters(),
            sizes=tuple(tensors.all_sizes),
            formats=tensors.formats,
            rounds_steps=self.program.rounds_steps,
            stored={
                **{
                    each.name: self.program.open_shapes.get(name) or tensors.sizes(name)
                    for name, each in self.program.stored.items()
                },
                **{
                    f"{COMPUTED}{name}": tensors.sizes(name) for name in tensors.constants if name in self.program.metas
                },
                **{f"{COMPUTED}{name}": sizes for name, sizes in tensors.added.items()},
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
        outputs, names, tensor = self.program.outputs, self.program.output_names, self.tensors.tensor
        if names:
            return {name: tensor(each) for name, each in zip(names, outputs, strict=True)}
        distinct = enumerate(dict.fromkeys(outputs))
        return {"output" if number == 0 else each: tensor(each) for number, each in distinct}

    def parameters(self) -> dict[str, Sizes]:
        """Return the sizes of all parameters, without further names of the same numbers."""
        names: dict[object, str] = {}
        for local, each in self.program.stored.items():
            if each.kind == "parameter":
                place = each.payload if self.program.has_weights else None
                key = local if place is None else (place.member, place.offset, place.sizes, place.strides)
                names[key] = local if key not in names or local in self.tensors.used else names[key]
        return {self.program.stored[local].name: self.tensors.sizes(local) for local in names.values()}

    def check_batch_axes(self, inputs: Mapping[str, int]) -> None:
        """Require that the batch axes that are given are axes of inputs."""
        for name, axis in self.batch.items():
            if name not in inputs:
                hint = suggest(name, inputs, listing("input", inputs))
                fail("unknown-name", f"no input '{name[:40]}'", hint=hint, origin=f"--batch-axis {name[:40]}")
            rank = len(self.tensors.numbered(inputs[name]))
            if axis is not None:
                require_axis(name, axis, rank)

    def translate(self, call: Call) -> None:
        """Add the steps of a call, or note that it has none."""
        namespace, base = call.target.partition(".")[0], base_name(call.target)
        if not any(call.outputs):
            return  # an assertion
        tensors, in_place = self.tensors, is_in_place(call.target)
        plain = base.removesuffix("_") if in_place else base
        results = [name for name in call.outputs if name is not None]
        if base in ZEROS:
            tensors.zeros.update(results)
        read = [*tensors_in(given := [*call.arguments.values()])]
        reads_empty = any(map(tensors.is_empty, read))
        if (reads_empty or base in PARTS) and tensors.add_empty(results, read):
            return
        is_known = not call.reason and (namespace not in OF_READERS or f"{namespace}.{base}" in TRANSLATIONS)
        is_layer = plain in RANDOM or (plain in PRODUCTS and not reads_empty)
        if is_known and (base in FACTORIES or (not is_layer and tensors.is_constant(given))):
            tensors.add_constants(results, self.with_sizes(call, results[0]) if base in LIKE else call)
            if in_place:
                tensors.storage.write(results[0])
            if not reads_empty or tensors.has_value(results[0]):
                return
            tensors.constants.difference_update(results)
            call = replace(call, reason="of a tensor without elements")
        if base == "zeros":
            return  # of a size that the program computes: as states of recurrent layers, which need not be read
        translation = TRANSLATIONS.get(f"{namespace}.{plain}")
        arguments = Arguments(call, tensors)
        if translation is permute and not in_place and tensors.is_matrix(arguments.first):
            tensors.add_transpose(results[0], call)
            return
        try:
            if translation is None or call.reason or base in MOVED_IN_PLACE:
                raise Untranslatable(call.reason)
            tensors.add_steps(translation, arguments)
            if in_place:
                tensors.write(results[0])
        except Untranslatable as error:
            name = call.target if namespace == "torch" else f"{namespace}.{base}"
            self.failures.add(name + (f": {error}" if str(error) else ""), call.origin)
            tensors.steps += self.uncounted(name, call)
            if in_place and results[0] in tensors.numbers:
                tensors.note_write(results[0], {tensors.storage.first(results[0]): tensors.numbers[results[0]]})
        if plain not in RANDOM and all(map(tensors.is_of_weights, tensors_in(given))):
            tensors.of_weights.update(results)
        for name in results:
            tensors.storage.compute(name)

    def with_sizes(self, call: Call, result: str) -> Call:
        """Return a call that uses the shape of a tensor as one that is given the sizes of its result in the file."""
        meta = self.program.metas.get(result)
        if meta is None:
            return call
        given = {key: value for key, value in call.arguments.items() if key != "self"}
        arguments = {**given, "size": list(meta.sizes), "dtype": Word("dtype", meta.dtype)}
        return replace(call, target=f"aten.{LIKE[base_name(call.target)]}.default", arguments=arguments)

    def uncounted(self, what: str, call: Call) -> list[Step]:
        """Return the steps of a call without a translation, which gives its results the sizes that are recorded."""
        program, tensors = self.program, self.tensors
        read = [name for name in tensors_in([*call.arguments.values()]) if name in program.metas]
        made = [name for name in call.outputs if name is not None and name in program.metas]
        for name in read:
            if name in tensors.transposes:
                tensors.compute_transpose(name)
        trained = [name for name in read if name in program.stored and program.stored[name].kind == "parameter"]
        computed = [name for name in read if name in tensors.numbers and name not in trained]
        sizes = {name: program.sizes[name] for name in call.outputs if name is not None and name in program.sizes}
        tensors.used.update(trained)
        step = UncountedCall(
            call=what,
            read=tuple(map(tensors.sizes, computed)),
            made=tuple(map(tensors.sizes, made)),
            trained={program.stored[name].name: tensors.sizes(name) for name in trained},
            inputs=tuple([tensors.numbers[name] for name in computed]),
            outputs=tuple(map(tensors.new, made)),
            origin=call.origin,
        )
        known = [
            CalculationStep(name=name, function=int, arguments=(size,), inputs=(), outputs=())
            for name, size in sizes.items()
        ]
        return [step, *known]

    def with_own_parameters(self) -> tuple[Step, ...]:
        """Return the steps; those that cannot be counted own only the parameters that no other step uses."""
        steps = self.tensors.steps
        stored = [names for step in steps for names in step.stored.values()]
        counted = {name for names in stored for name in ((names,) if isinstance(names, str) else names)}
        return tuple([step.without(counted) if isinstance(step, UncountedCall) else step for step in steps])
