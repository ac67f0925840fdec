"""An ONNX graph that grows node by node. Tensors are known by their names, and have the batch in front."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from onnx import NodeProto, TensorProto, defs, helper, numpy_helper

from archcalc.readers.onnx.constant_nodes import KIND, PLACEHOLDER

Array: TypeAlias = NDArray[Any]
Sizes: TypeAlias = tuple[int, ...]
Weights: TypeAlias = Mapping[str, Array]
"""The stored arrays of a layer by their names in the layer."""

NEWEST = 21
"""The version of ONNX's operators in whose form layers are written."""
OLDEST = 18
"""The oldest version that models are written for: before it, axes of reductions are attributes."""


class NotInOnnx(Exception):
    """The chosen version of the operators, or ONNX, cannot express a layer; the argument says why."""


class ModelBuilder:
    """A model under construction."""

    def __init__(
        self, dtype: DTypeLike = np.float32, opset: int = NEWEST, names: Mapping[int, str] | None = None
    ) -> None:
        """Start without nodes.

        Args:
            dtype: the number format of all tensors.
            opset: the version of ONNX's operators.
            names: the names of stored arrays, by identity.
        """
        self.dtype = np.dtype(dtype)
        self.element = helper.np_dtype_to_tensor_dtype(self.dtype)
        self.opset = opset
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.layer = ""
        """The path of the layer that nodes are added for."""
        self.first_input = ""
        """An input, whose first axis is the batch."""
        self.indices: set[str] = set()
        """The inputs that only tables are read with, and that therefore consist of integers."""
        self.alike: set[str] = set()
        """The tensors that are the same for all examples, with a batch of one."""
        self._names = names or {}
        self._stored: set[str] = set()
        self._batch = ""
        self._tables: dict[Hashable, str] = {}
        self._shared_nodes: dict[Hashable, str] = {}

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output; ``""`` stands for an optional input that is left out."""
        (name,) = self.add_all(kind, 1, *inputs, **attributes)
        return name

    def add_all(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> tuple[str, ...]:
        """Append a node with several outputs.

        Raises:
            NotInOnnx: the chosen version of the operators does not have it, or not with these attributes.
        """
        self._require(kind, attributes)
        name = f"{self.layer}/{kind}_{len(self.nodes)}"
        made = tuple([name if outputs == 1 else f"{name}_{number}" for number in range(outputs)])
        self.nodes.append(helper.make_node(kind, list(inputs), made, name, **attributes))
        return made

    def constant(self, values: Any, dtype: DTypeLike | None = None) -> str:
        """Append a stored tensor, in the model's number format by default (shapes and indices are ``np.int64``).

        A stored array of the network has its name. Equal integers are stored once, but equal arrays may be weights.
        """
        if (stored := self._names.get(id(values))) is not None:
            return self._array(stored, values)
        array = np.ascontiguousarray(np.asarray(values, dtype or self.dtype)).reshape(np.shape(values))
        if array.dtype == np.int64 or not array.shape:
            return self._shared(array)
        return self._added(array)

    def table(self, values: Any) -> str:
        """Append fixed numbers, which are not trained; equal tables are stored once."""
        array = np.ascontiguousarray(values, self.dtype)
        return self.once(
            (array.shape, array.tobytes()), lambda: self._node(array, f"/table_{len(self.nodes)}", "constant")
        )

    def marked(self, array: Array, kind: str) -> str:
        """Append a stored array of the network, which has its name, with the kind that its numbers do not tell.

        Args:
            array: the array.
            kind: ``parameter`` or ``constant``.
        """
        name = self._names.get(id(array))
        if name is None or name in self._stored:
            return self.constant(array)
        if is_without_numbers(array):
            made = self.constant(array)
            self._mark(kind)
            return made
        self._stored.add(name)
        return self._node(np.ascontiguousarray(array, self.dtype).reshape(array.shape), name, kind)

    def _node(self, array: Array, name: str, kind: str) -> str:
        """Append a node that stores numbers."""
        self.nodes.append(helper.make_node("Constant", [], [name], f"/{name}", value=numpy_helper.from_array(array)))
        self._mark(kind)
        return name

    def _mark(self, kind: str) -> None:
        """Record the kind of the numbers of the last node in its metadata."""
        entry = self.nodes[-1].metadata_props.add()
        entry.key, entry.value = KIND, kind

    def once(self, key: Hashable, made: Callable[[], str]) -> str:
        """Append the nodes of a tensor that several layers use, for the first of them, and return its name."""
        if key not in self._shared_nodes:
            layer, self.layer = self.layer, ""
            self._shared_nodes[key] = made()
            self.layer = layer
        return self._shared_nodes[key]

    def _shared(self, array: Array) -> str:
        key = (array.dtype, array.shape, array.tobytes())
        if key not in self._tables:
            self._tables[key] = self._added(array)
        return self._tables[key]

    def _added(self, array: Array) -> str:
        name = f"/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def repeated(self, number: float, shape: Sizes) -> str:
        """Append a tensor of equal numbers, which a node computes from one."""
        value = numpy_helper.from_array(np.full(1, number, self.dtype))
        return self.add("ConstantOfShape", self.constant(list(shape), np.int64), value=value)

    def batch(self) -> str:
        """Return the number of examples, as a tensor of one element."""
        if not self._batch:
            layer, self.layer = self.layer, ""
            self._batch = self.add("Shape", self.first_input, start=0, end=1)
            self.layer = layer
        return self._batch

    def for_every_example(self, name: str, shape: Sizes) -> str:
        """Append copies of a tensor that is the same for all examples, one for each."""
        sizes = self.add("Concat", self.batch(), self.constant(list(shape), np.int64), axis=0)
        return self.add("Expand", name, sizes)

    def renamed(self, name: str, label: str, since: int) -> str:
        """Give a tensor that one of the last nodes makes another name, and return the name that it then has.

        Args:
            name: the tensor.
            label: its new name.
            since: the number of nodes before the last ones.
        """
        last = self.nodes[since:]
        if not any(name in node.output for node in last) or name in self._shared_nodes.values():
            return name if name in self._stored else self.copied(name, label)
        for node in last:
            for names in (node.input, node.output):
                names[:] = [label if each == name else each for each in names]
        return label

    def copied(self, name: str, label: str) -> str:
        """Append a node that gives a tensor another name, and return that."""
        self.nodes.append(helper.make_node("Identity", [name], [label], f"{self.layer}/Identity_{len(self.nodes)}"))
        return label

    def _array(self, name: str, array: Array) -> str:
        if name not in self._stored:
            self._stored.add(name)
            if is_without_numbers(array):
                self._placeholder(name, array)
            else:
                self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, self.dtype), name))
        return name

    def _placeholder(self, name: str, array: Array) -> None:
        """Append a node that makes an array of equal numbers and tells that these stand for others."""
        made = self.repeated(array.flat[0], array.shape)
        node = self.nodes[-1]
        node.name, node.output[0] = f"/{name}", name
        entry = node.metadata_props.add()
        entry.key, entry.value = PLACEHOLDER, made

    def has_format(self, kind: str, code: int) -> bool:
        """Return whether the results of an operator may have a number format, given its code."""
        name = f"tensor({helper.tensor_dtype_to_string(code).rpartition('.')[2].lower()})"
        schema = defs.get_schema(kind, self.opset, "")
        allowed = {each.type_param_str: each.allowed_type_strs for each in schema.type_constraints}
        return name in allowed[schema.outputs[0].type_str]

    def _require(self, kind: str, attributes: Mapping[str, Any]) -> None:
        """Fail if the chosen version of an operator lacks attributes."""
        newest = defs.get_schema(kind, max(self.opset, NEWEST), "")
        if self.opset >= NEWEST and newest.since_version <= NEWEST:
            return
        try:
            schema = defs.get_schema(kind, self.opset, "")
        except defs.SchemaError:
            raise NotInOnnx(f"ONNX has {kind} from opset {_first(kind)} on") from None
        missing = [name for name in attributes if name not in schema.attributes]
        if missing:
            raise NotInOnnx(f"{kind} has no attribute '{missing[0]}' in opset {self.opset}")


def is_without_numbers(array: Array) -> bool:
    """Return whether an array stands for one without numbers: it has one number in memory."""
    return array.ndim > 0 and array.base is not None and not any(array.strides)


def _first(kind: str) -> int:
    """Return the first version that has an operator."""
    return min(each.since_version for each in defs.get_all_schemas_with_history() if each.name == kind)
