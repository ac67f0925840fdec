"""What is known about the tensors of a model while its nodes are read, and the calls that compute them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakMethod

from archcalc.graph import Origin
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.program import COMPUTED, Call, ProgramTensor, TensorMetadata, TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.codes import Encoding
from archcalc.readers.onnx.names import Names
from archcalc.readers.onnx.number_formats import NUMPY_FORMATS, concrete
from archcalc.readers.onnx.program import DTYPES, FLOATS, DerivedArray
from archcalc.readers.onnx.protobuf import is_whole
from archcalc.readers.onnx.renaming import names_from, names_read
from archcalc.readers.onnx.sizes import Calculate, ComputedSize, file_value
from archcalc.readers.onnx.weights import Arrays, array_in_graph
from archcalc.spec.errors import SpecError, fail

JOINING = ("Add", "Concat")
"""The nodes that join tensors, as those of positions with those of tokens."""
MAX_VALUES = 4096
"""The number of values of a tensor that are evaluated."""

TRAINED = {"addmm": ("self", "mat2"), "matmul": ("other",)}
"""The arguments of operators of ATen that hold parameters, where they are not called ``weight`` and ``bias``."""

MAX_LOOKED_AT = 10_000_000
"""The number of elements of a tensor whose numbers are looked at."""

MEASUREMENT = "aten.sym_size.int"
"""The call that measures an axis of a tensor."""

MAX_AXES = 64
MAX_SIZE = 2**63 - 1


class OnnxTensors:
    """The tensors of a model by name, with what is known about each, and the calls so far."""

    def __init__(self, model: Any, path: Path, name: str) -> None:
        """Start without tensors.

        Args:
            model: the file's ``ModelProto``.
            path: its path, from which arrays are read.
            name: its name in messages.
        """
        self.model, self.name = model, name
        self.arrays = Arrays(path, name, self)
        self.metas: dict[str, TensorMetadata] = {}
        self.values: dict[str, Any] = {}
        """The values of tensors that are known while the file is read."""
        self.open_shapes: dict[str, tuple[Any, ...]] = {}
        """The shapes of stored tensors that follow the sizes of inputs."""
        self.sequences: dict[str, tuple[str, ...]] = {}
        """The tensors of which sequences consist."""
        self.absent: set[str] = set()
        """The optional tensors that are missing."""
        self.trained_values: dict[str, Any] = {}
        """Those of small tensors of real numbers, which may be parameters."""
        self.stored: dict[str, ProgramTensor] = {}
        """The arrays that are the same for all inputs."""
        self.initializers: dict[str, Any] = {}
        self.derived: dict[str, DerivedArray] = {}
        self.matrices: dict[str, str] = {}
        """The stored matrices that others are the transposed ones of, by the names of those."""
        self.scales: set[str] = set()
        """The scales of codes that are computed for each input."""
        self.decoded: dict[str, Encoding] = {}
        """The tensors of codes that are read as the real numbers which these encode."""
        self.constant_nodes: dict[str, Any] = {}
        """The nodes that compute constants from constants, by the name of an output."""
        self.constant_imports: dict[str, list[Any]] = {}
        """The versions of the operators of these nodes."""
        self.calls: list[Call] = []
        self.sizes_by_name: dict[str, int] = {}
        self._aliases: dict[str, str] = {}
        self._taken: set[str] = set()
        """The names of stored arrays in messages and in the names of layers."""
        self._numbers: dict[str, int] = {}
        """The number of the last array with a name, by what the name is without it."""
        self._measured: dict[tuple[str, int], ComputedSize] = {}
        self._calculated: dict[tuple[Any, ...], ComputedSize] = {}
        graph = model.graph
        self.names = Names(graph.node)
        self._uses = Counter(names_read(graph.node))
        self._uses.update(each.name for each in graph.output)
        varying = names_from(graph)
        joining = [node for node in graph.node if node.op_type in JOINING and not varying.isdisjoint(node.output)]
        self._joined = Counter(name for node in joining for name in node.input)
        self._call_of: dict[str, int] = {}
        self._gone: set[int] = set()
        """The calls that have become parts of others."""
        self._temporary = 0
        self.calculate = _weakly(self.calculated)
        """Adds a calculation. Sizes must not refer to this object: in arrays of NumPy, which the garbage collector does
        not look into, they would keep the tensors of every file that was read."""

    def unique(self, name: str) -> str:
        """Return a name for a stored array that no other has."""
        within = name.rpartition("~")[2] if name.startswith(COMPUTED) else name
        base = self.names.path(within) or "constant"
        found, number = base, self._numbers.get(base, 1)
        while found in self._taken:
            number += 1
            found = f"{base}_{number}"
        self._numbers[base] = number
        self._taken.add(found)
        return found

    def add_initializer(self, tensor: Any, kind: str = "") -> None:
        """Note a stored tensor; numbers are read if they are few.

        Args:
            tensor: the tensor.
            kind: ``parameter`` or ``constant``; by default, several real numbers are a parameter.
        """
        sizes = tuple(tensor.dims)
        if len(sizes) > MAX_AXES or any(not 0 <= size <= MAX_SIZE for size in sizes):
            self.refuse(f"the initializer '{tensor.name[:100]}' has impossible sizes")
        dtype = DTYPES.get(tensor.data_type)
        if dtype is None:
            self.refuse(f"the initializer '{tensor.name[:100]}' has an unknown number format")
        self.initializers[tensor.name] = tensor
        self.metas[tensor.name] = TensorMetadata(sizes, dtype)
        count = prod(sizes)
        trained = kind == "parameter" if kind else dtype in FLOATS and count > 1
        self.stored[tensor.name] = ProgramTensor(self.unique(tensor.name), "parameter" if trained else "constant", None)
        if count <= MAX_VALUES:
            self.read_values(tensor, sizes, self.trained_values if trained else self.values)

    def read_values(self, tensor: Any, sizes: Sizes, values: dict[str, Any]) -> None:
        """Read the numbers of a small tensor, if they are in the file."""
        try:
            if is_whole(tensor):
                array = array_in_graph(tensor)
            elif values is self.values:
                array = self.arrays.array(tensor.name)
            else:
                return
        except (ValueError, SpecError):
            return  # in another file, which may be missing
        if array.shape == sizes and array.dtype.kind not in "cO":  # complex numbers and texts are no sizes
            values[tensor.name] = array

    def set_value(self, name: str, value: Any, dtype: str = "") -> None:
        """Note the values of a tensor that is the same for all inputs, or depends on their sizes only."""
        self.values[name] = value
        self.metas[name] = TensorMetadata(tuple(value.shape), dtype or str(value.dtype))
        self.stored[name] = ProgramTensor(self.unique(name), "constant", None)

    def set_empty(self, name: str) -> None:
        """Note that a tensor whose sizes are known has no elements, so that its values are known, too."""
        import numpy as np

        meta = self.metas[name]
        if prod(filter(None, meta.sizes)) > MAX_SIZE:
            self.refuse(f"the tensor '{name[:100]}' has impossible sizes")
        self.set_value(name, np.zeros(meta.sizes, NUMPY_FORMATS.get(meta.dtype, np.float32)), meta.dtype)

    def is_empty(self, name: str) -> bool:
        """Return whether a tensor is known to have no elements."""
        meta = self.metas.get(self.resolved(name))
        return meta is not None and 0 in meta.sizes

    def is_taken(self, name: str) -> bool:
        """Return whether a tensor has a name."""
        return name in self.metas or name in self._aliases or name in self.sequences

    def is_sequence(self, name: str) -> bool:
        """Return whether a name is that of a sequence of tensors."""
        return self.resolved(name) in self.sequences

    def resolved(self, name: str) -> str:
        seen = 0
        while name in self._aliases and seen < len(self._aliases):
            name, seen = self._aliases[name], seen + 1
        return name

    def sizes(self, name: str) -> Sizes:
        """Return the sizes of a tensor for the file's inputs."""
        meta = self.metas.get(self.resolved(name))
        if meta is None:
            raise Untranslatable("the sizes of a tensor are not known")
        return meta.sizes

    def shape(self, name: str) -> tuple[Any, ...]:
        """Return the sizes of a stored tensor; those that follow the inputs as such numbers."""
        found = self.resolved(name)
        return self.open_shapes.get(found, self.metas[found].sizes)

    def settle(self, name: str, axis: int | None = None) -> None:
        """Make the sizes of a stored tensor that follow the inputs, or that of one axis, conditions of the graph."""
        shape = self.open_shapes.get(self.resolved(name), ())
        for size in shape if axis is None else shape[axis : axis + 1]:
            file_value(size)

    def dtype(self, name: str) -> str:
        """Return the number format of a tensor."""
        return self.metas[self.resolved(name)].dtype

    def value(self, name: str) -> Any | None:
        """Return the values of a tensor, if they are known while the file is read."""
        found = self.resolved(name)
        if found in self.open_shapes:
            self.settle(found)
        return self.values.get(found, self.trained_values.get(found))

    def is_parameter(self, name: str) -> bool:
        """Return whether a tensor is stored and trained."""
        found = self.resolved(name)
        return found in self.stored and self.stored[found].kind == "parameter"

    def may_be_parameter(self, name: str) -> bool:
        """Return whether a tensor is stored, and trained, or one number that may be."""
        found = self.resolved(name)
        if found not in self.stored:
            return False
        meta = self.metas[found]
        single = len(meta.sizes) > 0 and prod(meta.sizes) == 1 and meta.dtype in FLOATS
        return single or self.stored[found].kind == "parameter"

    def is_private(self, name: str) -> bool:
        """Return whether only one node reads a tensor."""
        return self._uses[self.resolved(name)] == 1

    def only_joined(self, name: str) -> bool:
        """Return whether all nodes that read a tensor join it with others that depend on an input."""
        return 0 < self._uses[name] == self._joined[name]

    def made_by(self, name: str) -> Call | None:
        """Return the call that makes a tensor; ``None`` if there is none."""
        found = self._call_of.get(self.resolved(name))
        return None if found is None else self.calls[found]

    def remove(self, name: str) -> None:
        """Remove the call that makes a tensor, because another call does the same and more."""
        self._gone.add(self._call_of.pop(self.resolved(name)))

    def concrete(self, name: str) -> Any:
        """Return the values of a tensor for the file's sizes, in its number format."""
        return concrete(self.values[name], self.metas[name].dtype)

    def is_stored(self, name: str) -> bool:
        """Return whether a tensor is stored, or computed from stored ones only."""
        return self.resolved(name) in self.stored

    def alias(self, name: str, of: str) -> None:
        """Make a name another name of a tensor."""
        name_of = self.resolved(of)
        if name != name_of:
            self._aliases[name] = name_of

    def emit(self, target: str, arguments: Mapping[str, Any], outputs: Sequence[str | None], origin: Origin) -> None:
        """Add a call to the program."""
        self._call_of.update((name, len(self.calls)) for name in outputs if name is not None)
        self.calls.append(Call(target, arguments, tuple(outputs), origin))
        if self.decoded:
            read = map(self.resolved, filter(self.is_decoded, tensors_in([*arguments.values()])))
            if (first := next(read, None)) is not None:
                self.decoded.update((name, self.decoded[first]) for name in outputs if name is not None)

    def is_decoded(self, name: str) -> bool:
        """Return whether a tensor holds the real numbers that the integers of the file encode."""
        found = self.resolved(name)
        return found in self.decoded and self.metas[found].dtype not in FLOATS

    def renamed(self, name: str) -> str:
        """Give a tensor another name, and return that."""
        meta = self.metas[name]
        found = self.intermediate(meta.sizes, meta.dtype)
        if name in self.decoded:
            self.decoded[found] = self.decoded.pop(name)

        def other(value: Any) -> Any:
            if isinstance(value, list):
                return [*map(other, value)]
            return TensorName(found) if isinstance(value, TensorName) and self.resolved(value.name) == name else value

        for at, call in enumerate(self.calls):
            outputs = tuple([found if each == name else each for each in call.outputs])
            arguments = {key: other(value) for key, value in call.arguments.items()}
            self.calls[at] = replace(call, outputs=outputs, arguments=arguments)
        return found

    def undo(self, before: int) -> None:
        """Remove all calls but a number of the first ones."""
        for call in self.calls[before:]:
            for name in call.outputs:
                self._call_of.pop(name or "", None)
            if call.target == MEASUREMENT:
                self._measured.pop((call.arguments["self"].name, call.arguments["dim"]), None)
            else:
                self._calculated.pop((call.target, *call.arguments.values()), None)
        del self.calls[before:]
        self._gone = {at for at in self._gone if at < before}

    def intermediate(self, sizes: Sizes, dtype: str) -> str:
        """Return the name of a new tensor."""
        self._temporary += 1
        name = f"={self._temporary}"
        self.metas[name] = TensorMetadata(tuple(sizes), dtype)
        return name

    def let_be_constant(self, name: str) -> None:
        """Mark a stored tensor as fixed numbers, which training does not change."""
        found = self.stored.get(self.resolved(name))
        if found is not None:
            self.stored[self.resolved(name)] = replace(found, kind="constant")

    def derive(
        self,
        name: str,
        sources: Sequence[str],
        how: str,
        sizes: Sizes,
        function: Any,
        *,
        trained: bool = False,
        form: str = "",
    ) -> str:
        """Add a stored array that is computed from others, and return its name.

        Args:
            name: a name for it in the graph.
            sources: the arrays that it is computed from; it is a parameter if the first one is.
            how: what its name in the file has behind that of the first one.
            sizes: its sizes.
            function: computes it, given the others.
            trained: whether it is a parameter even if the first one is not.
            form: the number format in which the file has it, if that is not the one of the first array.
        """
        sources = [self.resolved(each) for each in sources]
        first = self.stored[sources[0]]
        self.stored[name] = ProgramTensor(f"{first.name}{how}", "parameter" if trained else first.kind, None)
        known = self.metas.get(name, self.metas[sources[0]]).dtype
        self.metas[name] = TensorMetadata(tuple(sizes), "float32" if trained and first.kind != "parameter" else known)
        self.derived[name] = DerivedArray(tuple(sources), function, form)
        return name

    def size_of(self, name: str, axis: int) -> Any:
        """Return the size of an axis as a number that follows the inputs."""
        name = self.resolved(name)
        if name in self.stored:
            return self.shape(name)[axis]
        found = self._measured.get((name, axis))
        if found is None:
            label = f"={name}.{axis}"
            value = self.metas[name].sizes[axis]
            self.sizes_by_name[label] = value
            origin = Origin("", "", "Shape", "")
            self.calls.append(Call(MEASUREMENT, {"self": TensorName(name), "dim": axis}, (label,), origin))
            found = self._measured[name, axis] = ComputedSize(value, label, self.calculate, min(value, 1))
        return found

    def shared_matrix(self, name: str) -> TensorName | None:
        """Return the stored matrix that one is the transposed one of, if other nodes read it, too; or ``None``."""
        source = self.matrices.get(name)
        return None if source is None or self._uses[source] < 2 else TensorName(self.resolved(source))

    def stored_format(self, name: str) -> str:
        """Return the number format in which the file has a stored array."""
        while name in self.derived:
            derived = self.derived[name]
            if derived.format:
                return derived.format
            name = derived.sources[0]
        node = self.constant_nodes.get(name)
        read = None if node is None else next(iter(node.input), None)
        return self.metas[name].dtype if read is None else self.stored_format(self.resolved(read))

    def calculated(self, function: str, arguments: tuple[Any, ...], value: Any) -> ComputedSize:
        """Add the calculation of a number, unless it has been calculated before, and return the number."""
        found = self._calculated.get((function, *arguments))
        if found is None:
            self._temporary += 1
            label = f"={self._temporary}"
            self.sizes_by_name[label] = value
            named = {str(at): each for at, each in enumerate(arguments)}
            self.calls.append(Call(function, named, (label,), Origin("", "", "", "")))
            found = self._calculated[function, *arguments] = ComputedSize(value, label, self.calculate)
        return found

    def imports(self, name: str) -> tuple[list[Any], int]:
        return self.constant_imports[name], self.model.ir_version

    def find_weights(self) -> None:
        """Mark single stored numbers that are the weight or the bias of a layer as parameters."""
        for call in self.calls:
            for argument in TRAINED.get(call.target.split(".")[1], ("weight", "bias")):
                value = call.arguments.get(argument)
                if isinstance(value, TensorName) and self.may_be_parameter(value.name):
                    found = self.resolved(value.name)
                    self.stored[found] = replace(self.stored[found], kind="parameter")

    def numbers(self, name: str) -> Any | None:
        """Return the numbers of a stored tensor; ``None`` if they are missing, or too many to be looked at."""
        if prod(self.sizes(name)) > MAX_LOOKED_AT:
            return None
        try:
            return self.arrays.array(self.resolved(name))
        except SpecError:
            return None

    def used_arrays(self, outputs: Iterable[str]) -> dict[str, ProgramTensor]:
        """Return the stored arrays, without those that only serve to derive others, and without copies."""
        read = {name for call in self.calls for name in tensors_in([*call.arguments.values()])} | set(outputs)
        hidden = {source for each in self.derived.values() for source in each.sources}
        hidden |= {name for node in self.constant_nodes.values() for name in node.input}
        hidden |= self.values.keys()
        modules = {
            self.resolved(name): call.origin.module
            for call in reversed(self.calls)
            for name in tensors_in([*call.arguments.values()])
        }
        return {
            name: each if self.has_path(name) else replace(each, module=modules.get(name, ""))
            for name, each in self.stored.items()
            if name in read or (name in self.initializers and name not in hidden)
        }

    def has_path(self, name: str) -> bool:
        """Return whether the name of a stored array begins with the path of a module."""
        return "." in self.stored[self.source(name)].name

    def source(self, name: str) -> str:
        """Return the stored array from which one is derived, or the array itself."""
        while name in self.derived:
            name = self.derived[name].sources[0]
        return name

    def remaining_calls(self) -> list[Call]:
        """Return the calls that have not become parts of others."""
        return [call for at, call in enumerate(self.calls) if at not in self._gone]

    def refuse(self, reason: str) -> NoReturn:
        """Raise an error about the file."""
        fail("format", reason, origin=self.name)


def _weakly(method: Calculate) -> Calculate:
    """Return a method without a reference to its object, which must exist when it is called."""
    reference = WeakMethod(method)

    def called(*arguments: Any) -> Any:
        found = reference()
        assert found is not None
        return found(*arguments)

    return called
