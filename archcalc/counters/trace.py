"""Everything that a profiler can watch while a model runs: operations on tensors, and the calls of their modules.

A trace is made from an exported program (`archcalc.counters.exported_trace`), or from a graph as if its layers were
modules of PyTorch (`archcalc.counters.assumed_trace`). Shapes have the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Layer

STANDARD = "torch.nn.modules."
"""Begins the qualified names of PyTorch's own module classes."""


class TracedTensor(NamedTuple):
    """A tensor."""

    shape: tuple[int, ...]
    name: str = ""
    itemsize: int = 4
    """Its bytes per number."""
    kind: str = "computed"
    """``computed``, ``parameter`` or ``buffer``."""
    depends_on_parameters: bool = False
    strides: tuple[int, ...] | None = None
    """Distances between neighbours along each axis, in numbers; ``None``: as of a new tensor."""

    @property
    def numel(self) -> int:
        """The number of its elements."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether its elements are in memory as those of a new tensor."""
        expected = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides or ()), strict=False):
            if size != 1 and stride != expected:
                return False
            expected *= size
        return True

    @property
    def inner_stride(self) -> int:
        """The distance between neighbours along the last axis."""
        return self.strides[-1] if self.strides else 1


class GradientProducts(NamedTuple):
    """The products of the gradients of an operation."""

    macs: int = 0
    """Their multiply–accumulates: as many as those of the operation for each of its factors that needs a gradient."""
    further_groups: int = 0
    """Those of the gradients of the weights of convolutions, times one less than the groups: what is added if all
    pairs of channels are counted, although only those within a group are connected."""


@dataclass(slots=True, eq=False)
class Operation:
    """A call of an operator of ATen."""

    name: str
    """The operator, with the mark of a call in place: ``relu_``."""
    function: str
    """The function that the model called, as `archcalc.counters.functions` writes it: ``F.relu``; empty: none that can
    be replaced."""
    inputs: tuple[TracedTensor, ...]
    """The tensors that it reads, in the order of its arguments."""
    outputs: tuple[TracedTensor, ...]
    arguments: Mapping[str, Any]
    """Its arguments by name, with tensors as `TracedTensor`. Those that have their default values are missing."""
    macs: int
    """The multiply–accumulates of its definition; see `archcalc.counters.products`."""
    layer: str
    """The layer of the network that it belongs to."""
    module: ModuleCall | None = None
    other: str = ""
    """Another function that it may have been called by, because the source does not show which."""
    gradients: GradientProducts = field(default_factory=GradientProducts)

    @property
    def operations(self) -> Sequence[Operation]:
        """Itself: what a rule about an operation counts."""
        return (self,)

    @property
    def input(self) -> TracedTensor:
        """The first tensor that it reads."""
        return self.inputs[0]

    @property
    def output(self) -> TracedTensor:
        """The first tensor that it makes."""
        return self.outputs[0]

    @property
    def weighted(self) -> Operation:
        """The operation that has the weights: itself."""
        return self

    def tensor(self, name: str) -> TracedTensor | None:
        """Return the tensor that is an argument; ``None`` if it is not a tensor."""
        value = self.arguments.get(name)
        return value if isinstance(value, TracedTensor) else None


@dataclass(slots=True, eq=False)
class ModuleCall:
    """A call of a module."""

    path: str
    """Its path: ``layer1.0.conv1``; empty for the model itself."""
    class_name: str
    """The qualified name of its class; for one of PyTorch, without the package: ``Conv2d``."""
    parent: ModuleCall | None = None
    is_leaf: bool = True
    """Whether it has no modules of its own."""
    parameters: Mapping[str, TracedTensor] = field(default_factory=dict)
    """Its own parameters by name, without those of modules in it."""
    is_sequential: bool = False
    """Whether it only calls its modules one after the other, as ``Sequential`` and classes derived from it do."""
    operations: list[Operation] = field(default_factory=list)
    """All operations during the call, in their order."""
    children: list[ModuleCall] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of its class without the package."""
        return self.class_name.rpartition(".")[2]

    @property
    def layer(self) -> str:
        """The layer to which its counts are attributed."""
        return self.operations[0].layer if self.operations else self.path.replace(".", "/")

    @property
    def own(self) -> list[Operation]:
        """The operations of its own code, without those of modules in it."""
        return [each for each in self.operations if each.module is self]

    def add(self, operation: Operation) -> None:
        """Add an operation, to the calls that this one is part of as well."""
        self.operations.append(operation)
        for call in self.within():
            call.operations.append(operation)

    @property
    def inputs(self) -> tuple[TracedTensor, ...]:
        """The tensors that it reads and does not make itself, without stored ones, in the order of their use."""
        made = {tensor.name for each in self.operations for tensor in each.outputs}
        read = [t for each in self.operations for t in each.inputs if t.kind == "computed" and t.name not in made]
        return tuple({tensor.name: tensor for tensor in read}.values())

    @property
    def input(self) -> TracedTensor:
        """The first of these tensors."""
        return (self.inputs or self.operations[0].inputs)[0]

    @property
    def output(self) -> TracedTensor:
        """The tensor that its last operation makes."""
        return self.operations[-1].output

    @property
    def weighted(self) -> Operation:
        """The first operation that reads a parameter; without any, the first one."""
        reading = (each for each in self.operations if any(t.kind == "parameter" for t in each.inputs))
        return next(reading, self.operations[0])

    def within(self) -> Iterator[ModuleCall]:
        """Return the calls that it is part of, from the innermost one."""
        call = self.parent
        while call is not None:
            yield call
            call = call.parent


@dataclass(frozen=True, eq=False)
class Trace:
    """What a model does in one run."""

    operations: tuple[Operation, ...]
    calls: tuple[ModuleCall, ...]
    """The calls of modules with operations, in the order of their first ones."""
    parameters: Mapping[str, TracedTensor]
    """All parameters of the model by name, used or not."""
    buffers: Mapping[str, TracedTensor]
    used: frozenset[str]
    """The names of the parameters that the network uses."""
    inputs: tuple[TracedTensor, ...]
    batch: int
    stored: int
    """What archcalc counts as parameters: all stored numbers, running statistics among them."""
    statistics: Mapping[str, int]
    """Those of them that are not learned, by layer: running statistics."""
    preprocessing: int = 0
    """The stored numbers of layers that other tools have no layer for, because their users prepare the data instead."""
    silent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The modules that contain no operation, parameter or module, and may still be called, by the path of the module
    that contains them: for each, the path of the module with operations that is defined before it there, empty if there
    is none."""
    parameter_views: frozenset[str] = frozenset()
    """The names of tensors that are views of parameters."""
    assumptions: tuple[str, ...] = ()
    """What is assumed, because the source does not say."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The first layer with the same operations on tensors of the same shapes, by layer, if each layer is a module of
    its own; empty if it is not known which layers are alike."""
    written: Mapping[str, int] = field(default_factory=dict)
    """The stored numbers that are not weights, as the description of a model contains them as arguments, by layer."""

    @cached_property
    def distinct(self) -> Trace:
        """The trace of the first layer of each kind only."""
        if not self.kinds:
            return self
        first = {*self.kinds.values()}
        operations = tuple([each for each in self.operations if each.layer in first])
        calls = tuple([each for each in self.calls if each.layer in first])
        return replace(self, operations=operations, calls=calls, kinds={})

    @cached_property
    def products(self) -> tuple[Operation, ...]:
        """The operations with multiply–accumulates, of their own or of their gradients."""
        return tuple([each for each in self.operations if each.macs or each.gradients.macs])

    @cached_property
    def numbers_used(self) -> int:
        """The numbers of the parameters that the network uses."""
        return sum([tensor.numel for name, tensor in self.parameters.items() if name in self.used])

    @property
    def learned(self) -> int:
        """What archcalc counts as learned parameters."""
        return self.stored - sum(self.statistics.values())

    @property
    def hidden(self) -> tuple[Operation, ...]:
        """The operations for which the source does not show which of two functions was called."""
        return tuple([each for each in self.operations if each.other])


def statistics_of(layers: Iterable[Layer]) -> dict[str, int]:
    """Return the stored numbers of layers that are not learned, by layer; shared ones count at the first layer."""
    found = {}
    for layer in layers:
        shared = sum([tied.weight.count for tied in layer.tied if not tied.weight.trainable])
        found[layer.name] = int(layer.params - layer.trainable - shared)
    return {name: count for name, count in found.items() if count}
