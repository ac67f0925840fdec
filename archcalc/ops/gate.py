"""Gated linear units: one half of an axis, multiplied by a function of the other half (or the other way round)."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.numeric import exact_div, product, require
from archcalc.ops.activation import Gelu, Sigmoid, Silu
from archcalc.ops.base import Cost, Operator, Shape, Shapes, axis_index, operator
from archcalc.ops.fields import Features, axis, word
from archcalc.ops.traits import Spread
from archcalc.ops.window import Reach, Window


class GatedUnit(Operator):
    """A product of one half of an axis with an activation of the other half."""

    kind = "activation"
    differentiated_by = "input"

    axis: int = axis(-1, help="the axis that is halved: 0 is that of the channels, -1 the last one")

    @property
    def activation(self) -> Operator:
        """The activation of one half."""
        raise NotImplementedError

    def output(self, inputs: Shapes) -> Shape:
        shape = inputs[0]
        axis = axis_index(self.axis, shape)
        require(shape[axis] % 2 == 0, "{what} needs an even size of its axis, got {n}", what=self.name, n=shape[axis])
        return (*shape[:axis], exact_div(shape[axis], 2), *shape[axis + 1 :])

    def cost(self, inputs: Shapes) -> Cost:
        half = self.output(inputs)
        return self.activation.cost((half,)) + Cost({"mul": product(half)})

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        shape = inputs[0]
        halved = axis_index(self.axis, shape)
        half = self.output(inputs)[halved]
        both_halves = Window(size=half + 1, dilation=half)
        return (tuple(both_halves if axis == halved else Window() for axis in range(len(shape))),)

    @property
    def reads_features(self) -> Features:  # type: ignore[override]
        """Where features are: on the last axis, if that is halved."""
        return "last" if self.axis == -1 else ""

    def on_one_channel(self, rank: int, features: int | None = 0) -> Operator:
        """Return the operator on one channel; a gate on the channels is then an activation."""
        return self.activation if self.axis % rank == features else super().on_one_channel(rank, features)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        gate = self.activation.spread(read, shapes)
        mean = gate.mean * read[0].mean
        return Spread(mean, gate.square * read[0].square - mean**2)


@operator("glu", reserved=False)
class Glu(GatedUnit):
    """Gated linear unit: a·sigmoid(b), where a is the first half of the axis and b the second.

    Shape:  the axis is halved
    Params: none
    Cost:   per output 1 exponential, 1 addition, 1 division, 1 multiplication
    Window: position by position; along a halved spatial axis, both halves
    Source: Dauphin et al. 2017; PyTorch GLU
    """

    @property
    def activation(self) -> Operator:
        return Sigmoid()


@operator("swiglu", reserved=False)
class SwiGlu(GatedUnit):
    """Gated linear unit with SiLU: silu(a)·b, where a is the first half of the axis and b the second.

    Shape:  the axis is halved
    Params: none
    Cost:   per output 1 exponential, 1 addition, 1 division, 1 multiplication
    Window: position by position; along a halved spatial axis, both halves
    Source: Shazeer 2020 (GLU variants improve Transformer)
    """

    @property
    def activation(self) -> Operator:
        return Silu()


@operator("geglu", reserved=False)
class GeGlu(GatedUnit):
    """Gated linear unit with GELU: gelu(a)·b, where a is the first half of the axis and b the second.

    Shape:  the axis is halved
    Params: none
    Cost:   per output that of gelu, exact or tanh, and 1 multiplication
    Window: position by position; along a halved spatial axis, both halves
    Source: Shazeer 2020 (GLU variants improve Transformer)
    """

    form: str = word("exact", "exact", "tanh", flags=True, help="the definition of gelu or its approximation")

    @property
    def activation(self) -> Operator:
        return Gelu(form=self.form)
