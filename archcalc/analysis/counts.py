"""What is counted of one layer, each number worked out when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from archcalc.numeric import Number, product
from archcalc.ops.base import Cost, Operator, Shapes, Weight


class LayerCounts:
    """The counts of a layer, for one example."""

    def __init__(self, op: Operator, inputs: Shapes, outputs: Shapes) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs = outputs

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        return self.op.weights(self.inputs)

    @cached_property
    def cost(self) -> Cost:
        return self.op.cost(self.inputs)

    @property
    def params(self) -> Number:
        """Every stored number."""
        return sum([weight.count for weight in self.weights])

    @property
    def trainable(self) -> Number:
        """Stored numbers that are learned."""
        return sum([weight.count for weight in self.weights if weight.trainable])

    @property
    def macs(self) -> Number:
        return self.cost.macs

    @property
    def connections(self) -> Number:
        return self.cost.connections

    @property
    def operations(self) -> Mapping[str, Number]:
        return self.cost.operations

    @property
    def mults(self) -> Number:
        """All scalar multiplications."""
        return self.cost.operations.get("mul", 0)

    @property
    def flops(self) -> Number:
        """All floating-point operations."""
        return sum(self.cost.operations.values())

    @property
    def activations(self) -> Number:
        """Elements of all outputs."""
        return sum([product(shape) for shape in self.outputs])
