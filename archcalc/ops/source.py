"""Sources: tensors that a network stores; they start a chain, where a reference is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from archcalc.numeric import product
from archcalc.ops.base import Cost, Operator, Shape, Shapes, Weight, converted_operator, operator
from archcalc.ops.fields import sizes, word
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, NoGradient, Spread

ARRAYS = (
    *("value", "weight", "bias", "scale", "shift", "slope"),
    *("input", "deeper", "recurrent", "recurrent_bias", "peephole", "projection"),
)
"""The names that a learned tensor may have: its own, and those of the weights of layers that it may share."""


class SourceOperator(Operator):
    """A stored tensor, which is the same for every example."""

    keeps_numbers = True
    arity: ClassVar[int | None] = 0
    trainable: ClassVar[bool]
    """Whether the tensor is trained."""

    shape: Shape = sizes(positional=True, each="axis", help="the shape of the tensor")

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    @property
    def array_name(self) -> str:
        """The name of the stored array."""
        return "value"

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight(self.array_name, self.shape, self.trainable),)

    def narrowed_along(self, axis: int, divisor: int) -> Self:
        sizes = [-(-n // divisor) if place == axis else n for place, n in enumerate(self.shape)]
        return converted_operator(type(self), self, shape=tuple(sizes))

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        return InitialValues(deviation=1.0)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD


@operator("learned", reserved=False)
class Learned(SourceOperator):
    """A trainable tensor: class tokens, positions, layer scale, the scalar of ReZero. It starts a chain.

    ``learned 10x64 array=weight weights=@fc`` is the weight of another layer.

    Shape:  shape
    Params: one per number
    Cost:   nothing; connections: one per number
    Window: does not depend on any input
    Source: Dosovitskiy et al. 2021 (ViT); Touvron et al. 2021 (CaiT); Bachlechner et al. 2021 (ReZero); PyTorch
            Parameter
    """

    aliases = ("parameter",)

    trainable = True

    array: str = word("value", *ARRAYS, help="the name of the array; with weights=, that of the shared one")

    @property
    def array_name(self) -> str:
        return self.array

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(connections=product(self.shape))


@operator("constant", reserved=False)
class Constant(SourceOperator):
    """A stored tensor that is not trained: sinusoidal positions, masks, tables. It starts a chain.

    Shape:  shape
    Params: one per number, not trainable
    Cost:   nothing
    Window: does not depend on any input
    Source: Vaswani et al. 2017 (sinusoidal positions); PyTorch register_buffer; ONNX Constant
    """

    no_gradient = NoGradient("it is not trained")
    aliases = ("buffer",)

    trainable = False
