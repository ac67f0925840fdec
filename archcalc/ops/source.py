"""Sources: tensors that a network stores or draws at random; they start a chain, where a reference is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from archcalc.numeric import Number, product, require
from archcalc.ops.base import Cost, Operator, Shape, Shapes, Weight, converted_operator, operator
from archcalc.ops.fields import integer, sizes, word
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, NoGradient, Spread

ARRAYS = (
    *("value", "weight", "bias", "scale", "shift", "slope"),
    *("input", "deeper", "recurrent", "recurrent_bias", "peephole", "projection"),
)
"""The names that a learned tensor may have: its own, and those of the weights of layers that it may share."""


class SourceOperator(Operator):
    """A layer without inputs."""

    arity: ClassVar[int | None] = 0

    shape: Shape = sizes(positional=True, each="axis", help="the shape of the tensor")

    def output(self, inputs: Shapes) -> Shape:
        return self.shape

    def narrowed_along(self, axis: int, divisor: int) -> Self:
        sizes = [-(-n // divisor) if place == axis else n for place, n in enumerate(self.shape)]
        return converted_operator(type(self), self, shape=tuple(sizes))

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD


class StoredSource(SourceOperator):
    """A stored tensor, which is the same for every example."""

    keeps_numbers = True
    trainable: ClassVar[bool]
    """Whether the tensor is trained."""

    @property
    def array_name(self) -> str:
        """The name of the stored array."""
        return "value"

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight(self.array_name, self.shape, self.trainable),)

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        return InitialValues(deviation=1.0)


@operator("learned", reserved=False)
class Learned(StoredSource):
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
class Constant(StoredSource):
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


DISTRIBUTIONS = {"normal": STANDARD_SPREAD, "uniform": Spread(1 / 2, 1 / 12)}
"""The distributions of random numbers: with mean 0 and variance 1, or between 0 and 1."""


@operator("random", reserved=False)
class Random(SourceOperator):
    """Random numbers, drawn anew for every example: the noise of a GAN or a diffusion model, the sample of a VAE.

    They are normally distributed with mean 0 and variance 1, or, with ``uniform``, evenly distributed from 0 to 1;
    ``scale`` and ``offset`` after them give other ranges. The operator starts a chain. With ``seed``, a run draws the
    numbers of ONNX's reference implementation; without it, they depend on the seed of the run.

    Shape:  shape
    Cost:   nothing: how numbers are drawn is not counted
    Window: does not depend on any input
    Source: Kingma & Welling 2014 (VAE); Goodfellow et al. 2014 (GAN); PyTorch randn, rand; ONNX RandomNormal,
            RandomUniform
    """

    is_random = True
    no_gradient = NoGradient("it is random")
    aliases = ("noise", "randn", "randomnormal")

    distribution: str = word(
        "normal", *DISTRIBUTIONS, flags=True, later=tuple(DISTRIBUTIONS), help="how the numbers are distributed"
    )
    seed: Number | None = integer(None, at_least=0, help="the seed of the numbers; by default that of the run")

    def output(self, inputs: Shapes) -> Shape:
        message = "the seed must be below 2^32, got {seed}"
        require(self.seed is None or self.seed < 2**32, message, seed=self.seed)
        return self.shape

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return DISTRIBUTIONS[self.distribution]
