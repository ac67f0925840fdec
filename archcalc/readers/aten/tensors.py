"""The tensors of a program while it is translated: their numbers, and which of them are stored, constant or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any

from archcalc.graph import Origin
from archcalc.numeric import Impossible, Number
from archcalc.ops.source import Constant
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.formats import HALF
from archcalc.readers.aten.operators.shape import order_of, permute
from archcalc.readers.aten.operators.views import with_view_replaced
from archcalc.readers.aten.parameter_forms import Form, own_form, steps_of_parameter
from archcalc.readers.aten.program import COMPUTED, Call, Program, TensorName, Word
from archcalc.readers.aten.registry import TRANSLATIONS, Arguments, Translation, Untranslatable, base_name
from archcalc.readers.aten.storage import Alias, SharedStorage
from archcalc.readers.aten.values import ConstantValues
from archcalc.readers.batch import Sizes
from archcalc.readers.patterns import RepetitionStep
from archcalc.readers.steps import EmptySource, RequiredSizes, SizeName, Step, StoredStep, with_origin
from archcalc.readers.stored_arrays import TRANSPOSED

MAX_CHECKED = 10_000_000
"""The number of elements of a constant that is computed while a program is read, to see whether that is possible."""


class Tensors:
    """The tensors of a program and the steps that compute them; see `TranslationState`."""

    def __init__(
        self,
        program: Program,
        batch_axes: Mapping[str, int | None],
        values: ConstantValues,
        forms: Mapping[str, Form],
    ) -> None:
        """Prepare the tensors of a program, none of which is computed.

        Args:
            program: the program.
            batch_axes: the axes of inputs that are the batch; by default, the first.
            values: the values of its constants.
            forms: the forms of parameters that layers have in several.
        """
        self.program, self.batch, self.values, self.forms = program, batch_axes, values, forms
        self.steps: list[Step] = []
        self.all_sizes: list[Sizes] = []
        self.numbers: dict[str, int] = {}
        self.formats: dict[int, str] = {}
        """The number formats of tensors that are narrower than float32."""
        self.storage = SharedStorage(program)
        self.used: set[str] = set()
        """The stored tensors that are read."""
        self.constants: set[str] = set()
        self.constant_calls: list[Call] = []
        self.modules: dict[str, str] = {}
        """The paths of the modules that compute constants."""
        self.added: dict[str, Sizes] = {}
        """The sizes of constants that the program does not have."""
        self.zeros: set[str] = set()
        self.empty: set[str] = set()
        """The tensors without elements."""
        self.changed: set[str] = set()
        """The tensors in whose memory numbers are written that are not constant."""
        self.of_weights: set[str] = set()
        self.transposes: dict[str, Call] = {}
        """The calls of transposes of stored matrices that are not computed so far."""

    @cached_property
    def names_read(self) -> frozenset[str]:
        """The names of the tensors that calls read, and of the outputs."""
        read = (each for call in self.program.calls for each in tensors_in([*call.arguments.values()]))
        return frozenset((*read, *self.program.outputs))

    @property
    def has_batch(self) -> bool:
        names = self.program.input_names
        return any(self.batch.get(names.get(name, name), 0) is not None for name in self.program.inputs)

    def is_read(self, name: str | None) -> bool:
        return name in self.names_read

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

    def compute_again(self, view: Alias) -> None:
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
        except Impossible as error:
            raise Untranslatable(f"{error}") from None
        except (LookupError, ValueError, ArithmeticError):  # sizes and axes that do not fit together
            raise Untranslatable("arguments that do not fit together") from None

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
            if self.is_empty(name):
                return self.empty_source(name, sizes)
            axes = self.axes_of_examples(name, sizes) if stored is None else ()
            if axes:
                return self.source_for_examples(name, sizes, axes)
            self.used.add(name)
            if stored is not None and stored.kind == "parameter":
                sizes_of_stored = {each.name: self.sizes(local) for local, each in self.program.stored.items()}
                form = self.forms.get(stored.name, own_form(stored.name))
                path = _inside(stored.module, stored.name)
                self.steps += steps_of_parameter(stored.name, path, form, sizes_of_stored, self.intermediate)
                self.give(name, self.steps[-1].outputs[0])
            else:
                path = _inside(stored.module, stored.name) if stored else self.path_of_constant(name)
                value = {"value": f"{COMPUTED}{name}" if stored is None else stored.name}
                shape = self.program.open_shapes.get(name, sizes)
                op, origin = Constant(shape=shape or (1,)), Origin(path, "", Constant.name, "")
                self.steps.append(StoredStep(op=op, inputs=(), outputs=(self.new(name),), origin=origin, stored=value))
        return self.numbers[name]

    def path_of_constant(self, name: str) -> str:
        """Return the path of the layer of a constant: in the module that computes it."""
        own = name.partition("@")[0]
        module = self.modules.get(own, "")
        return _inside(module, own.rpartition("/")[2]) if module else own

    def axes_of_examples(self, name: str, sizes: Sizes) -> tuple[int, ...]:
        """Return the axes along which a constant may have the same for each of several examples."""
        batch = self.examples or 1
        return self.values.repeated_axes(self.constant_calls, name, sizes, batch) if batch > 1 else ()

    def source_for_examples(self, name: str, sizes: Sizes, axes: tuple[int, ...]) -> int:
        """Return the number of a constant that may be the same for all examples: its first part, repeated."""
        part, shape = name, sizes
        for axis in axes:
            arguments = {"self": TensorName(part), "dim": axis, "start": 0, "end": 1}
            part, shape = f"{part}@example", (*shape[:axis], 1, *shape[axis + 1 :])
            self.constant(part, shape, Call("aten.slice.Tensor", arguments, (part,), Origin("", "", "slice", "")))
        counts = tuple([size if at in axes else 1 for at, size in enumerate(sizes)])
        self.steps.append(RepetitionStep(counts=counts, inputs=(self.source(part),), outputs=(self.new(name),)))
        return self.numbers[name]

    def empty_source(self, name: str, sizes: Sizes) -> int:
        """Return the number of a tensor without elements."""
        names: dict[int | None, str] = {}
        for axis, size in enumerate(sizes):
            if size == self.examples:
                names[axis] = f"{name}@{axis}"
                self.add_zeros(names[axis], (*sizes[:axis], *sizes[axis + 1 :]), self.dtype(name))
        names[None] = f"{name}@"
        self.add_zeros(names[None], sizes, self.dtype(name))
        arrays = {axis: f"{COMPUTED}{each}" for axis, each in names.items()}
        origin = Origin(self.path_of_constant(name), "", Constant.name, "")
        self.steps.append(EmptySource(sizes=sizes, arrays=arrays, inputs=(), outputs=(self.new(name),), origin=origin))
        return self.numbers[name]

    def add_zeros(self, name: str, sizes: Sizes, dtype: str) -> None:
        """Add a constant of zeros that is not in the file."""
        arguments = {"size": list(sizes), "dtype": Word("dtype", dtype)}
        self.constant(name, sizes, Call("aten.zeros.default", arguments, (name,), Origin("", "", "zeros", "")))

    @cached_property
    def examples(self) -> int | None:
        """The number of examples in the first input that has a batch axis; ``None`` if none has one."""
        for local, meta in self.program.inputs.items():
            axis = self.batch.get(self.program.input_names.get(local, local), 0)
            if axis is not None and axis < len(meta.sizes):
                size = meta.sizes[axis]
                return size if type(size) is int else 1
        return None

    def is_constant(self, value: Any) -> bool:
        """Return whether an argument is the same for all inputs and weights."""
        if isinstance(value, TensorName):
            stored = self.program.stored.get(value.name)
            is_fixed = value.name in self.constants or (stored is not None and stored.kind != "parameter")
            return is_fixed and (value.name in self.empty or self.storage.root(value.name) not in self.changed)
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
        self.add_constants((name,), call)
        self.added[name] = sizes
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
            self.give(name, self.intermediate(self.sizes(name)))
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
        if (dtype := self.dtype(name)) in HALF and not name.startswith(COMPUTED):
            self.formats.setdefault(number, dtype)

    def add_constants(self, names: Iterable[str], call: Call) -> None:
        """Note that the results of a call are the same for all inputs and weights."""
        made = [*names]
        self.constants.update(made)
        self.modules.update(dict.fromkeys(made, call.origin.module))
        self.constant_calls.append(call)

    def add_empty(self, names: Iterable[str], read: Iterable[str]) -> bool:
        """Note those tensors that have no elements, which are the same for all inputs; return whether none has any.

        Args:
            names: the results of a call, or inputs.
            read: what their sizes depend on, which must have its sizes in the file.
        """
        made = [*names]
        empty = [name for name in made if self.is_empty(name)]
        for name in empty:
            self.empty.add(name)
            self.add_zeros(name, self.sizes(name), self.dtype(name))
        fixed = [each for each in dict.fromkeys(map(self.storage.first, read)) if empty and each in self.numbers]
        if fixed:
            inputs = tuple([self.numbers[each] for each in fixed])
            sizes = tuple([self.all_sizes[number] for number in inputs])
            self.steps.append(RequiredSizes(sizes=sizes, inputs=inputs, outputs=()))
        return bool(empty) and len(empty) == len(made)

    def has_value(self, name: str) -> bool:
        """Return whether the value of a constant can be computed, and has the sizes that are recorded."""
        if name not in self.program.metas or prod(self.sizes(name)) > MAX_CHECKED:
            return True  # a number, not a tensor, or a tensor that only a run computes
        value = self.values.value(self.constant_calls, name)
        return value is not None and value.shape == self.sizes(name)

    def is_empty(self, name: str) -> bool:
        """Return whether a tensor has no elements."""
        return name in self.program.metas and 0 in self.program.metas[name].sizes

    def add_transpose(self, name: str, call: Call) -> None:
        """Note the transpose of a stored matrix, which is computed when it is read as a tensor."""
        self.transposes[name] = call
        self.of_weights.add(name)


def _inside(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name


def _plain(size: Number) -> int:
    if type(size) is not int:
        raise Untranslatable("a size that is not a plain integer")
    return size
