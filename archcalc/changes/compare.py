"""The comparison of two networks: totals, inputs and outputs, and the rows of what changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from archcalc.analysis.fields import Fields
from archcalc.analysis.propagate import Analysis
from archcalc.changes.align import Alignment
from archcalc.changes.layers import LayerChange, LayerChanges
from archcalc.changes.rows import ChangeRow, rows_of
from archcalc.changes.signature import outputs_of
from archcalc.graph import ordered
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.query.targets import Evaluator

TOTALS = ("params", "trainable", "macs", "flops", "activations", "memory", "peak", "layers")
"""The totals that are compared; ``memory`` and ``peak`` are in bytes."""


class Figure(NamedTuple):
    """A total before and after."""

    quantity: str
    before: Number
    after: Number
    is_bound: bool = False
    """Whether one of them is a lower bound, so that their difference says nothing certain."""

    @property
    def differs(self) -> bool:
        """Whether the total has changed."""
        return bool(self.before != self.after)


class NetworkTensor(NamedTuple):
    """An input or output of a network: its shape in the layout of the network, and its receptive fields."""

    shape: Shape
    fields: Fields


class TensorChange(NamedTuple):
    """An input or output of two networks; ``None`` on the side that does not have it."""

    name: str
    before: NetworkTensor | None
    after: NetworkTensor | None

    @property
    def differs(self) -> bool:
        """Whether the shape has changed."""
        return (self.before and self.before.shape) != (self.after and self.after.shape)


@dataclass(frozen=True, eq=False)
class NetworkDiff:
    """What changed from one network to another."""

    old: Analysis
    new: Analysis
    dtype: str = "float32"
    """The number format of memory."""

    @cached_property
    def alignment(self) -> Alignment:
        """The pairs of layers."""
        return Alignment(self.old, self.new)

    @cached_property
    def changes(self) -> tuple[LayerChange, ...]:
        """Every layer that differs."""
        return tuple(LayerChanges(self.alignment).all())

    @cached_property
    def rows(self) -> tuple[ChangeRow, ...]:
        """The changes, with repeated ones combined."""
        return tuple(rows_of(self.alignment, self.changes))

    @cached_property
    def totals(self) -> tuple[Figure, ...]:
        """The totals before and after."""
        evaluators = [Evaluator.of(analysis, self.dtype) for analysis in (self.old, self.new)]
        bounds = [analysis.totals for analysis in (self.old, self.new)]
        found: list[Figure] = []
        for name in TOTALS:
            before, after = (evaluator.values(evaluator.target(name))[0] for evaluator in evaluators)
            found.append(Figure(name, before, after, any(each.is_lower_bound(name) for each in bounds)))
        return tuple(found)

    @cached_property
    def inputs(self) -> tuple[TensorChange, ...]:
        """The inputs: by name if they have the same ones, else in their order."""
        before, after = (
            {name: NetworkTensor(ordered(shape, each.graph.layout), {}) for name, shape in each.graph.inputs.items()}
            for each in (self.old, self.new)
        )
        return _tensors(before, after)

    @cached_property
    def outputs(self) -> tuple[TensorChange, ...]:
        """The outputs: by name if they have the same ones, else in their order."""
        before, after = (
            {
                name: NetworkTensor(
                    ordered(each.graph.shape(ref), each.graph.layout),
                    each.by_node[ref.node].fields if ref.node in each.by_node else {},
                )
                for name, ref in outputs_of(each.graph).items()
            }
            for each in (self.old, self.new)
        )
        return _tensors(before, after)

    @cached_property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """The layers that have other names, before and after."""
        old, new = self.alignment.old.layers, self.alignment.new.layers
        pairs = sorted(self.alignment.pairs.items(), key=lambda pair: pair[1])
        return tuple([(old[i].name, new[j].name) for i, j in pairs if old[i].name != new[j].name])

    @property
    def is_equal(self) -> bool:
        """Whether both networks have the same layers with the same attributes and compute the same, on equal inputs.

        Names may differ, and layers that make no difference.
        """
        return self.alignment.is_equal and not any(tensor.differs for tensor in (*self.inputs, *self.outputs))

    @property
    def has_changes(self) -> bool:
        """Whether anything differs, apart from names."""
        tensors = any(each.differs for each in (*self.inputs, *self.outputs))
        return bool(self.changes) or tensors or any(figure.differs for figure in self.totals)


def compare(old: Analysis, new: Analysis, *, dtype: str = "float32") -> NetworkDiff:
    """Compare two networks.

    Args:
        old: the analysis of the network before the change.
        new: the analysis after it.
        dtype: the number format of memory, one of `archcalc.analysis.formats.BITS`.
    """
    return NetworkDiff(old, new, dtype)


def _tensors(before: dict[str, NetworkTensor], after: dict[str, NetworkTensor]) -> tuple[TensorChange, ...]:
    if before.keys() != after.keys() and len(before) == len(after):
        before = dict(zip(after, before.values(), strict=True))
    return tuple(TensorChange(name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after]))
