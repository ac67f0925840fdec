"""An operator of the file as its conversion sees it: options, tensors, and nodes of ONNX to be added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.tflite.names import ACTIVATION, SUM, chosen, paths_in
from archcalc.readers.tflite.schema import TfliteOperator, TfliteTensor

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array
    from archcalc.readers.tflite.graph import OnnxGraph

Order: TypeAlias = tuple[int, ...]
"""The axes of the file in the order in which a tensor has them."""

FUSED = ("", "Relu", "ReluN1To1", "Relu6", "Tanh", "Sign")
"""The activations of ``ActivationFunctionType`` by their numbers."""
CLIPS = {"ReluN1To1": (-1.0, 1.0), "Relu6": (0.0, 6.0)}
"""The activations that are limits."""


def in_file(rank: int) -> Order:
    """Return the order of the axes in the file."""
    return tuple(range(rank))


def channels_first(rank: int) -> Order:
    """Return the order of the axes of maps whose channels, the last axis, follow the batch."""
    return (0, rank - 1, *range(1, rank - 1)) if rank > 2 else in_file(rank)


class SpaceToBatch(NamedTuple):
    """How positions are dealt out to the batch."""

    source: int
    """The tensor whose positions they are."""
    steps: tuple[int, ...]
    """The distance of the positions that stay together along each axis."""
    margins: list[list[int]]
    """The positions that are added before and after each axis."""


class OperationView:
    """One operator."""

    def __init__(self, graph: OnnxGraph, operator: TfliteOperator) -> None:
        self.graph, self.operator = graph, operator

    @property
    def name(self) -> str:
        return self.operator.name

    # what the file says

    def option(self, name: str, default: Any = 0) -> Any:
        """Return an option; the schema has defaults for those that are missing."""
        return self.operator.options.get(name, default)

    def has(self, index: int) -> bool:
        """Return whether an input is given."""
        return index < len(self.operator.inputs) and self.operator.inputs[index] >= 0

    def index(self, index: int) -> int:
        """Return the tensor that is an input."""
        if not self.has(index):
            raise Untranslatable(f"input {index} is missing")
        return self.operator.inputs[index]

    def tensor(self, index: int) -> TfliteTensor:
        """Return what the file says about an input."""
        return self.graph.subgraph.tensors[self.index(index)]

    def result_tensor(self, output: int = 0) -> TfliteTensor:
        """Return what the file says about an output."""
        return self.graph.subgraph.tensors[self.operator.outputs[output]]

    def sizes(self, index: int) -> tuple[int, ...]:
        """Return the sizes of an input in the file; −1: open."""
        return self.tensor(index).sizes

    def rank(self, index: int) -> int:
        """Return the number of axes of an input."""
        if not self.tensor(index).has_shape:
            raise Untranslatable("the number of axes of a tensor is not known")
        return len(self.sizes(index))

    def known_size(self, index: int, axis: int) -> int:
        """Return a size of an input that must be known."""
        size = self.sizes(index)[axis]
        if size < 0:
            raise Untranslatable("the size of an axis is not known")
        return size

    def is_stored(self, index: int) -> bool:
        """Return whether the file stores an input."""
        return self.tensor(index).data is not None

    def value(self, index: int) -> Array:
        """Return the numbers of an input that must be stored."""
        return self.graph.value(self.index(index))

    def integers(self, index: int) -> list[int]:
        """Return the integers of an input that must be stored."""
        return [int(each) for each in self.value(index).flat]

    # axes

    def axis(self, axis: int, rank: int) -> int:
        """Return an axis, counted from 0."""
        if not -rank <= axis < rank:
            raise Untranslatable(f"the axis {axis} does not exist")
        return axis % rank

    def order(self, *indices: int) -> Order:
        """Return the order of axes in which inputs are known: channels first if one of them is."""
        given = [self.index(each) for each in indices or range(len(self.operator.inputs)) if self.has(each)]
        computed = [each for each in given if not self.graph.is_fixed(each)] or given
        rank = max(self.graph.rank(each) for each in computed)
        first = channels_first(rank)
        return first if any(first in self.graph.orders(each) for each in computed) else in_file(rank)

    # nodes

    def read(self, index: int, order: Order | None = None) -> str:
        """Return an input with its axes in an order, by default that of the file."""
        return self.graph.named(self.index(index), order)

    def maps(self, index: int) -> str:
        """Return an input with the channels behind the batch."""
        return self.read(index, channels_first(self.rank(index)))

    def aligned(self, index: int, order: Order) -> str:
        """Return an input as an operand of tensors with their axes in an order."""
        own, rank = self.rank(index), len(order)
        sizes = self.sizes(index)
        if own == rank and any(size != 1 for size in sizes):
            return self.read(index, order)
        name = self.read(index)
        if order == in_file(rank) or all(size == 1 for size in sizes):
            return name
        if own == 1 and order == channels_first(rank):  # a number for each channel
            return self.add("Reshape", name, self.constant([-1, *[1] * (rank - 2)]))
        whole = self.add("Unsqueeze", name, self.constant(range(rank - own)))
        return self.add("Transpose", whole, perm=list(order))

    def constant(self, values: Any, dtype: str = "int64") -> str:
        """Return numbers that the file does not have as a tensor."""
        import numpy as np

        return self.graph.constant(np.array(list(values) if isinstance(values, range) else values, dtype))

    def add(self, operator: str, *inputs: str, path: str | None = None, **attributes: Any) -> str:
        """Add a node with one output, and return the name of that."""
        return self.several(operator, inputs, 1, path, **attributes)[0]

    def several(
        self, operator: str, inputs: Sequence[str], count: int, path: str | None = None, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs, and return their names."""
        return self.graph.add(operator, inputs, count, self.path() if path is None else path, self.name, **attributes)

    def path(self, *, activation: bool = False) -> str:
        """Return the path of the operation in TensorFlow."""
        made = self.result_tensor().name if self.operator.outputs else ""
        kind = ACTIVATION if activation else SUM
        stored = [
            self.graph.subgraph.tensors[each].name
            for each in self.operator.inputs
            if each >= 0 and self.graph.subgraph.tensors[each].data is not None and self.graph.rank(each) > 1
        ]
        return (
            chosen(paths_in(made), kind) or chosen([path for name in stored for path in paths_in(name)], kind) or made
        )

    # results

    def result(self, name: str, order: Order | None = None, output: int = 0) -> None:
        """Register a tensor as an output, with its axes in an order, by default that of the file."""
        self.graph.register(self.operator.outputs[output], name, order)

    def computed(self, name: str, order: Order | None = None, *, selects: bool = False) -> None:
        """Register a tensor as the output, after what `completed` adds."""
        self.result(self.completed(name, selects=selects), order)

    def completed(self, name: str, *, selects: bool = False) -> str:
        """Return a tensor after the activation that is fused into the operator, rounded to what the output encodes.

        Args:
            name: the tensor.
            selects: whether its numbers are some of those of the first input, so that they have codes already.
        """
        activation = self.option("FusedActivationFunction")
        if activation not in range(len(FUSED)) or FUSED[activation] == "Sign":
            raise Untranslatable("an unknown fused activation")
        name = self._activated(name, FUSED[activation])
        made = self.result_tensor()
        if selects and self.tensor(0).quantization == made.quantization:
            return name
        return self.graph.rounded(name, made, self.path(), self.name)

    def _activated(self, name: str, activation: str) -> str:
        path = self.path(activation=True)
        if activation in CLIPS:
            return self.add("Clip", name, *(self.constant(each, "float32") for each in CLIPS[activation]), path=path)
        return self.add(activation, name, path=path) if activation else name
