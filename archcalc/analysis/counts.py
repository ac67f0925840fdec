"""Counts of layers, of one or of several together: parameters, costs, activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from archcalc.graph import Node
from archcalc.numeric import Number, product
from archcalc.ops.base import OPERATION_KINDS, Cost, Operator, Shapes, Weight


def _stored(weights: Iterable[Weight]) -> Number:
    return sum([weight.count for weight in weights])


def _trainable(weights: Iterable[Weight]) -> Number:
    return sum([weight.count for weight in weights if weight.trainable])


def _elements(outputs: Shapes) -> Number:
    return sum([product(shape) for shape in outputs])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Counts:
    """The counts of a layer, of several layers together, or of a network."""

    params: Number
    """All stored numbers."""
    trainable: Number
    """Stored numbers that are learned."""
    cost: Cost
    activations: Number
    """Elements of all outputs."""

    @property
    def macs(self) -> Number:
        """Multiply–accumulate operations of linear-algebra layers."""
        return self.cost.macs

    @property
    def connections(self) -> Number:
        """All uses of weights and biases."""
        return self.cost.connections

    @property
    def operations(self) -> Mapping[str, Number]:
        """The number of operations by kind."""
        return self.cost.operations

    @property
    def mults(self) -> Number:
        """All scalar multiplications."""
        return self.cost.mults

    @property
    def flops(self) -> Number:
        """All floating-point operations."""
        return self.cost.flops

    def of(self, name: str) -> Number:
        """Return a count by its name: an attribute, or a kind of operation."""
        number: Number = self.operations.get(name, 0) if name in OPERATION_KINDS else getattr(self, name)
        return number


def counts_of(op: Operator, inputs: Shapes, outputs: Shapes) -> Counts:
    """Return the counts of one layer, for one example."""
    weights = op.weights(inputs)
    return Counts(
        params=_stored(weights),
        trainable=_trainable(weights),
        cost=op.cost(inputs),
        activations=_elements(outputs),
    )


class TiedWeight(NamedTuple):
    """A weight of a layer that belongs to another layer."""

    owner: int
    """The index of the layer that it belongs to."""
    weight: Weight

    @property
    def key(self) -> tuple[int, str]:
        """What it has in common with all other uses of the weight."""
        return self.owner, self.weight.name


def tied_weights(node: Node, inputs: Shapes) -> tuple[TiedWeight, ...]:
    """Return the weights of a layer that belong to other layers."""
    if not node.tied:
        return ()
    return tuple([TiedWeight(node.tied[w.name], w) for w in node.op.weights(inputs) if w.name in node.tied])


def repeated(layers: Mapping[int, Sequence[TiedWeight]]) -> dict[int, list[Weight]]:
    """Return the weights that layers use, but that count at another layer among these, by the index of the layer.

    Args:
        layers: the weights that belong to other layers, by the index of each layer.
    """
    seen: set[tuple[int, str]] = set()
    found: dict[int, list[Weight]] = {}
    for index, tied in layers.items():
        for each in tied:
            if each.owner in layers or each.key in seen:
                found.setdefault(index, []).append(each.weight)
            seen.add(each.key)
    return found


def stored_count(weights: Iterable[Weight], quantity: str) -> Number:
    """Return the number of ``params`` or of ``trainable`` ones among weights."""
    return _stored(weights) if quantity == "params" else _trainable(weights)


WEIGHT_COUNTS = ("params", "trainable")
"""The counts to which each weight contributes once, however many layers use it."""

Formula: TypeAlias = Callable[[Operator, Shapes, Shapes], Number]
"""A count of one layer for one example, as a function of its operator, its input shapes and its output shapes."""


def _operations(kind: str) -> Formula:
    return lambda op, inputs, outputs: op.cost(inputs).operations.get(kind, 0)


FORMULAS: Mapping[str, Formula] = {
    "params": lambda op, inputs, outputs: _stored(op.weights(inputs)),
    "trainable": lambda op, inputs, outputs: _trainable(op.weights(inputs)),
    "connections": lambda op, inputs, outputs: op.cost(inputs).connections,
    "macs": lambda op, inputs, outputs: op.cost(inputs).macs,
    "mults": lambda op, inputs, outputs: op.cost(inputs).mults,
    "flops": lambda op, inputs, outputs: op.cost(inputs).flops,
    "activations": lambda op, inputs, outputs: _elements(outputs),
    **{kind: _operations(kind) for kind in OPERATION_KINDS},
}
"""The formula of each count on its own: for arrays of numbers, computing only what is needed matters."""
