"""A node of the graph: its attributes, and what is known about its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archcalc.graph import Origin
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.number_formats import decimal
from archcalc.readers.onnx.tensors import OnnxTensors

if TYPE_CHECKING:
    import numpy as np

MISSING = object()


class NodeView:
    """A node, its attributes by name, and the tensors that it reads."""

    def __init__(self, node: Any, version: int, tensors: OnnxTensors, origin: Origin, inputs: Sequence[str]) -> None:
        self.node, self.version, self.tensors, self.origin = node, version, tensors, origin
        self.operator: str = node.op_type
        self.inputs = tuple(inputs)
        """The names of its inputs; ``""``: missing."""
        self.outputs: tuple[str, ...] = tuple(node.output)

    @cached_property
    def _attributes(self) -> dict[str, Any]:
        return {each.name: each for each in self.node.attribute}

    def attribute(self, name: str, default: Any = MISSING) -> Any:
        """Return an attribute as a Python value.

        Raises:
            Untranslatable: it is missing, and has no default.
        """
        found = self._attributes.get(name)
        if found is None:
            if default is MISSING:
                raise Untranslatable(f"the attribute '{name}' is missing")
            return default
        kind = found.type
        if kind == found.FLOAT:
            return decimal(found.f)
        if kind == found.INT:
            return found.i
        if kind == found.STRING:
            return found.s.decode("utf-8", "replace")
        if kind == found.FLOATS:
            return [decimal(each) for each in found.floats]
        if kind == found.INTS:
            return list(found.ints)
        if kind == found.STRINGS:
            return [each.decode("utf-8", "replace") for each in found.strings]
        raise Untranslatable(f"the attribute '{name}' is of another kind")

    def node_with(self, inputs: Sequence[str]) -> Any:
        """Return the node with other names of inputs."""
        if list(inputs) == list(self.node.input):
            return self.node
        copy = type(self.node)()
        copy.CopyFrom(self.node)
        del copy.input[:]
        copy.input.extend(inputs)
        return copy

    def place(self, weight: str | None = None) -> Origin:
        """Return where the node comes from; ``weight`` is the name of the weight that it owns, if it has one."""
        return self.tensors.names.origin(self.node, weight)

    def has(self, index: int) -> bool:
        """Return whether an input is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def has_attribute(self, name: str) -> bool:
        """Return whether an attribute is given."""
        return name in self._attributes

    def tensor_attribute(self, name: str) -> Any | None:
        """Return an attribute that is a tensor, as an array; ``None`` if it is missing."""
        found = self._attributes.get(name)
        if found is None:
            return None
        from archcalc.readers.onnx.weights import array_in_graph

        return array_in_graph(found.t)

    def graph_attribute(self, name: str) -> Any:
        """Return an attribute that is a graph."""
        return self._attributes[name].g

    def name(self, index: int) -> str:
        """Return the name of an input that must be given."""
        if not self.has(index):
            raise Untranslatable(f"input {index} is missing")
        return self.inputs[index]

    def tensor(self, index: int) -> TensorName:
        """Return an input as an argument."""
        return TensorName(self.name(index))

    def sizes(self, index: int) -> Sizes:
        """Return the sizes of an input."""
        return self.tensors.sizes(self.name(index))

    def dtype(self, index: int) -> str:
        """Return the number format of an input."""
        return self.tensors.dtype(self.name(index))

    def result_sizes(self, index: int = 0) -> Sizes:
        """Return the sizes of an output."""
        return self.tensors.sizes(self.outputs[index])

    def value(self, index: int) -> np.ndarray[Any, Any] | None:
        """Return the values of an input; ``None`` if it is missing, or they are not known."""
        return self.tensors.value(self.inputs[index]) if self.has(index) else None

    def needed_value(self, index: int) -> np.ndarray[Any, Any]:
        """Return the values of an input that must be known."""
        found = self.value(index)
        if found is None:
            raise Untranslatable(f"input {index} is computed, not fixed")
        return found

    def axis(self, name: str, default: int, rank: int) -> int:
        """Return an axis, counted from 0."""
        axis = self.attribute(name, default)
        if type(axis) is not int or not -rank <= axis < rank:
            raise Untranslatable(f"the axis {axis} does not exist")
        return axis % rank

    def call(self, target: str, /, **arguments: Any) -> None:
        """Add a call that computes the outputs of the node; arguments that are ``None`` are left out."""
        self.tensors.emit(target, _given(arguments), [name or None for name in self.outputs], self.origin)

    @property
    def outputs_name(self) -> str:
        """The name of the first output that is used."""
        return next(name for name in self.outputs if name)

    def first_output(self, target: str, /, **arguments: Any) -> None:
        """Add a call that computes the first output of the node only."""
        self.tensors.emit(target, _given(arguments), self.outputs[:1], self.origin)

    def compute(self, target: str, sizes: Sizes, /, **arguments: Any) -> TensorName:
        """Add a call that computes a tensor on the way to the outputs, and return it."""
        name = self.tensors.intermediate(sizes, self.tensors.dtype(self.outputs_name))
        self.tensors.emit(target, _given(arguments), [name], self.origin)
        return TensorName(name)


def _given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}
