"""The stored arrays of a model, read from the file or from external data when a run needs them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from archcalc.readers.aten.program import COMPUTED, Call, Program
from archcalc.readers.onnx.program import DerivedArray
from archcalc.readers.onnx.protobuf import whole
from archcalc.readers.stored_arrays import array_of, plain
from archcalc.spec.errors import fail


class StoredArrays(Protocol):
    """Where the numbers of stored arrays come from."""

    @property
    def initializers(self) -> Mapping[str, Any]:
        """The stored tensors of the file, those of many numbers without these."""
        ...

    @property
    def values(self) -> Mapping[str, Any]:
        """The arrays whose values are known."""
        ...

    @property
    def derived(self) -> Mapping[str, DerivedArray]:
        """The arrays that are other arrays, rearranged or converted."""
        ...

    @property
    def constant_nodes(self) -> Mapping[str, Any]:
        """The nodes that compute arrays from others, by the names of their outputs."""
        ...

    def concrete(self, name: str) -> Any:
        """Return the values of a tensor for the file's sizes."""
        ...

    def imports(self, name: str) -> tuple[list[Any], int]:
        """Return the operator sets and the version of the format."""
        ...


def array_in_graph(tensor: Any) -> Any:
    """Return the numbers of a tensor that are in the file.

    Raises:
        ValueError: it has too few, or is of an unknown format.
    """
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        raise ValueError("its numbers are in another file")
    try:
        return numpy_helper.to_array(tensor)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{error}") from None


class Arrays:
    """The stored arrays of a file, each read or computed once."""

    def __init__(self, path: Path, name: str, source: StoredArrays) -> None:
        self.path, self.name, self.source = path, name, source
        self._found: dict[str, Any] = {}

    def array(self, name: str) -> Any:
        """Return an array by its name in the graph.

        Raises:
            SpecError: it cannot be read or computed.
        """
        waiting = [name]
        while waiting:
            each = waiting[-1]
            needed = [other for other in self._sources(each) if other not in self._found]
            if needed:
                if len(waiting) > MAX_DEPTH:
                    self._refuse(each, "it depends on too many others")
                waiting += needed
                continue
            if each not in self._found:
                self._found[each] = self._computed(each)
            waiting.pop()
        return self._found[name]

    def _sources(self, name: str) -> list[str]:
        if name in self.source.values:
            return []
        if name in self.source.derived:
            return list(self.source.derived[name].sources)
        if name in self.source.constant_nodes:
            return [each for each in self.source.constant_nodes[name].input if each]
        return []

    def _computed(self, name: str) -> Any:
        source = self.source
        if name in source.values:
            return source.concrete(name)
        if name in source.derived:
            derived = source.derived[name]
            try:
                return derived.function(*[self._found[each] for each in derived.sources])
            except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError) as error:
                self._refuse(name, f"{error}")
        if name in source.constant_nodes:
            return self._evaluated(name)
        if name not in source.initializers:
            self._refuse(name, "the file does not contain it")
        return self.read(name)

    def read(self, name: str) -> Any:
        """Return an array of the file."""
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from onnx import TensorProto

        try:
            tensor = whole(self.source.initializers[name], self.path)
        except (OSError, DecodeError) as error:
            self._refuse(name, f"{error}")
        if tensor.data_location == TensorProto.EXTERNAL:
            return self._external(name, tensor)
        try:
            array = array_in_graph(tensor)
        except ValueError as error:
            self._refuse(name, f"{error}")
        return self._decoded(array)

    def _external(self, name: str, tensor: Any) -> Any:
        """Return an array from another file, which must be in the folder of the model."""
        from onnx import numpy_helper

        entries = {each.key: each.value for each in tensor.external_data}
        folder = self.path.resolve().parent
        place = folder / entries.get("location", "")
        if not place.resolve().is_relative_to(folder) or not entries.get("location"):
            self._refuse(name, f"its file '{entries.get('location', '')[:100]}' is not in the folder of the model")
        if not place.is_file():
            self._refuse(name, f"there is no file '{entries['location'][:100]}' in the folder of the model")
        try:
            return self._decoded(numpy_helper.to_array(tensor, str(folder)))
        except OSError as error:
            self._refuse(name, f"its file '{entries['location'][:100]}' cannot be read: {error.strerror or error}")
        except Exception as error:  # the checker of onnx has an exception of its own
            self._refuse(name, f"its numbers in '{entries['location'][:100]}' cannot be read: {error}")

    def _decoded(self, array: Any) -> Any:
        """Return an array of a format that NumPy itself has."""
        import numpy as np

        return array.astype(np.float32) if array.dtype.kind == "V" or array.dtype.name == "bfloat16" else array

    def _evaluated(self, name: str) -> Any:
        """Return an output of a node that reads stored arrays only."""
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        node = self.source.constant_nodes[name]
        imports, ir_version = self.source.imports(name)
        read = {each: self._found[each] for each in node.input if each}
        inputs = [
            helper.make_tensor_value_info(each, helper.np_dtype_to_tensor_dtype(a.dtype), None)
            for each, a in read.items()
        ]
        outputs = [helper.make_empty_tensor_value_info(name)]
        graph = helper.make_graph([node], "constant", inputs, outputs)
        model = helper.make_model(graph, opset_imports=imports, ir_version=ir_version)
        try:
            try:
                evaluator = ReferenceEvaluator(model)
            except NotImplementedError:  # not in this version of the operators, but perhaps in the newest
                model = helper.make_model(graph, ir_version=ir_version)
                evaluator = ReferenceEvaluator(model)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numbers that are not finite are visible in the results
                results: Any = evaluator.run([name], read)
            return results[0]
        except Exception as error:  # the evaluator raises what the operator's code raises
            self._refuse(name, f"its node '{node.op_type}' cannot be evaluated: {error}")

    def _refuse(self, name: str, reason: str) -> Any:
        fail("format", f"the array '{name[:100]}' cannot be read: {reason[:300]}", origin=self.name)


MAX_DEPTH = 100_000
"""The number of arrays that wait for others while one is computed."""


def arrays_of(
    arrays: Arrays,
    name: str,
    program: Program,
    constant_calls: Iterable[Call],
    names: Iterable[str],
) -> dict[str, Any]:
    """Return stored arrays and computed constants by their names.

    Args:
        arrays: the stored arrays of the file.
        name: its name in messages.
        program: the program in the file.
        constant_calls: its calls on constants, which its translation added.
        names: the names of stored arrays as operators have them, and of computed constants after `COMPUTED`.

    Raises:
        SpecError: an array cannot be read or computed.
    """
    wanted = list(names)
    local = {each.name: key for key, each in program.stored.items()}
    found = {each: arrays.array(local[each]) for each in set(map(plain, wanted)) if each in local}
    found |= {each: array_of(each, found) for each in wanted if plain(each) != each}
    computed = [each for each in wanted if each.startswith(COMPUTED)]
    if computed:
        from archcalc.readers.aten.calls import tensors_in
        from archcalc.readers.aten.constants import evaluate

        calls = list(constant_calls)
        fixed = {key for key, each in program.stored.items() if each.kind != "parameter"}
        read = {each for call in calls for each in tensors_in([*call.arguments.values()])} & fixed
        results = {each.removeprefix(COMPUTED): each for each in computed}
        values = evaluate(calls, {key: arrays.array(key) for key in read}, name, results)
        found |= {results[each]: value for each, value in values.items()}
    return found
