"""Counts of layers, of one or of several together: parameters, costs, activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from archcalc.graph import Node
from archcalc.numeric import Number, product
from archcalc.ops.base import OPERATION_KINDS, Cost, Operator, Shapes, Weight
from archcalc.record import record

STORED: Mapping[str, Callable[[Weight], bool]] = {
    "params": lambda weight: True,
    "active_params": lambda weight: True,
    "trainable": lambda weight: weight.trainable,
    "weights": lambda weight: weight.trainable and not weight.added,
    "biases": lambda weight: weight.trainable and weight.added,
}
"""The counts of stored numbers, each with the arrays that it includes. Each array counts once, however many layers
use it."""


COSTS = ("connections", "macs", "mults", "flops")
"""The counts that belong to the cost of a layer, besides the kinds of operations."""


TRAINING = ("backward_macs", "training_macs", "saved", "training_memory")
"""The quantities of a training step (`archcalc.analysis.training.cost`)."""


def numbers_in(weight: Weight, quantity: str) -> Number:
    """Return how many numbers of an array a count of stored numbers includes, if it includes the array."""
    return weight.active_count if quantity == "active_params" else weight.count


def stored_count(weights: Iterable[Weight], quantity: str) -> Number:
    """Return how many stored numbers among weights a count includes."""
    return sum([numbers_in(weight, quantity) for weight in weights if STORED[quantity](weight)])


def _elements(outputs: Shapes) -> Number:
    return sum([product(shape) for shape in outputs])


@record(frozen=True, slots=True, eq=False)
class Counts:
    """The counts of a layer, of several layers together, or of a network."""

    params: Number
    """All stored numbers."""
    active_params: Number
    """Stored numbers that one token uses: all, except in mixtures of experts."""
    trainable: Number
    """Stored numbers that are learned."""
    biases: Number
    """Those of the learned numbers that are added: biases and shifts."""
    cost: Cost
    """The operations."""
    activations: Number
    """Elements of all outputs."""
    is_complete: bool
    """Whether the cost is known; if not, it is a lower bound, without the layers that cannot be counted."""

    def is_lower_bound(self, name: str) -> bool:
        """Return whether a quantity is a lower bound: the costs of incomplete layers are, also those of training."""
        return not self.is_complete and (name in COSTS or name in OPERATION_KINDS or name in TRAINING)

    @property
    def weights(self) -> Number:
        """The learned numbers that are not biases."""
        return self.trainable - self.biases

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
        params=stored_count(weights, "params"),
        active_params=stored_count(weights, "active_params"),
        trainable=stored_count(weights, "trainable"),
        biases=stored_count(weights, "biases"),
        cost=op.cost(inputs),
        activations=_elements(outputs),
        is_complete=op.is_counted,
    )


Values: TypeAlias = tuple[Number, Number, Number, Number, Cost, Number, bool]
"""The values of the fields of `Counts`, in order."""
values_of: Callable[[Counts], Values] = attrgetter(*[field.name for field in fields(Counts)])
"""Returns these values, from which objects of its subclasses are made."""


class TiedWeight(NamedTuple):
    """A weight of a layer that belongs to another layer."""

    owner: int
    """The index of the layer that it belongs to."""
    weight: Weight

    @property
    def key(self) -> tuple[int, str]:
        """The layer and the name that all uses of the weight have in common."""
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


Formula: TypeAlias = Callable[[Operator, Shapes, Shapes], Number]
"""A count of one layer for one example, as a function of its operator, its input shapes and its output shapes."""


def _stored_numbers(name: str) -> Formula:
    return lambda op, inputs, outputs: stored_count(op.weights(inputs), name)


def _operations(kind: str) -> Formula:
    return lambda op, inputs, outputs: op.cost(inputs).operations.get(kind, 0)


FORMULAS: Mapping[str, Formula] = {
    **{name: _stored_numbers(name) for name in STORED},
    "connections": lambda op, inputs, outputs: op.cost(inputs).connections,
    "macs": lambda op, inputs, outputs: op.cost(inputs).macs,
    "mults": lambda op, inputs, outputs: op.cost(inputs).mults,
    "flops": lambda op, inputs, outputs: op.cost(inputs).flops,
    "activations": lambda op, inputs, outputs: _elements(outputs),
    **{kind: _operations(kind) for kind in OPERATION_KINDS},
}
"""The formula of each count on its own: for arrays of numbers, computing only what is needed matters."""
