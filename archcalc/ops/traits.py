"""What other packages ask an operator beside its formulas: traits, which its class declares, with their defaults here.

================= ===================================================================================================
for               an operator declares
================= ===================================================================================================
conventions,      what it is counted among (`kind`), how its windows lie (`window_kind`, `strides`, `paddings`), what
mistakes, hints   people know of it (`flattens`, `running_statistics`, `centres_channels`), what it is taken for
                  (`ungrouped`, `depthwise_part`), what it is called elsewhere (`aliases`)
folding           `sums`: that it is a weighted sum, and which channels each of its kernels connects;
                  `channel_map`: that it is a fixed linear map per channel, and which
smaller networks  `widths` (`narrowed`), `single_channel` (`on_one_channel`), `reorders`
random numbers    `initial` (with `fan_in`): what its stored arrays start as; `spread`: the mean and variance of what it
                  puts out; `index_limit`, `stores_attributes`: where numbers are not free
================= ===================================================================================================

Another package that has to treat some operators differently asks a trait; it never asks for a class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import erf, exp, pi, prod, sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from archcalc.numeric import Number, exact_div

if TYPE_CHECKING:
    from archcalc.ops.base import Operator

Kind: TypeAlias = Literal["", "convolution", "dense", "pooling", "normalisation", "activation"]
"""The kinds of layers that people count apart from others; nothing for all others."""
WindowKind: TypeAlias = Literal["", "sliding", "transposed", "global", "adaptive"]
"""How the windows of an operator lie. The first two have ``kernel``, ``stride``, ``pad`` and ``dilation``."""

CONSTANTS = {"bias": 0.0, "shift": 0.0, "mean": 0.0, "scale": 1.0, "variance": 1.0, "slope": 0.25}
"""What stored arrays of these names start as, unless an operator says otherwise; others are drawn."""


class Kernels(NamedTuple):
    """Which channels a stored array of weights connects: it holds a kernel for every pair of them.

    Input and output channels are divided into as many groups of neighbours each; a kernel connects channels of the
    same group. A connection table says it pair by pair instead.
    """

    array: str
    inputs: Number
    outputs: Number
    groups: Number = 1
    table: tuple[tuple[bool, ...], ...] | None = None
    """Input maps are rows, output maps columns. The array holds the kernels output map by output map."""
    input_first: bool = False
    """Whether the array's first axis is the input channels; it is the output channels otherwise."""

    @property
    def pairs(self) -> Number:
        """How many pairs of channels are connected, each by a kernel."""
        if self.table is not None:
            return sum(map(sum, self.table))
        return self.outputs * exact_div(self.inputs, self.groups)


class Sums(NamedTuple):
    """A layer of weighted sums: what its weights connect, from the input to the output."""

    kernels: tuple[Kernels, ...]
    standardised: bool = False
    """Whether the kernels are standardised before they are used."""
    alike: bool = True
    """Whether all outputs sum equally many terms (zeros of a padding among them)."""
    by_channel: bool = True
    """Whether each kernel belongs to an input and an output channel, and the bias to an output channel."""


class ChannelMap(NamedTuple):
    """A fixed linear map per channel at inference, y = a·x + b."""

    terms: Callable[[Mapping[str, Any]], tuple[Any, Any]]
    """a and b, from the stored numbers (or arrays) by their names."""
    written: tuple[str, str]
    """a and b as derivations write them."""
    latex: tuple[str, str]


class Spread(NamedTuple):
    """About the mean and the variance of a tensor's numbers, in a network that is initialised as its layers say."""

    mean: float = 0.0
    variance: float = 1.0

    @property
    def square(self) -> float:
        """The mean square."""
        return self.mean**2 + self.variance

    def rectified(self) -> Spread:
        """After a rectifier, if the numbers are normally distributed."""
        if not self.variance:
            return self
        deviation = sqrt(self.variance)
        ratio = self.mean / deviation
        above = (1 + erf(ratio / sqrt(2))) / 2
        density = exp(-(ratio**2) / 2) / sqrt(2 * pi)
        mean = self.mean * above + deviation * density
        return Spread(mean, max(self.square * above + self.mean * deviation * density - mean**2, 0.0))


STANDARD = Spread()
"""Mean 0 and variance 1."""


class Initial(NamedTuple):
    """What a stored array starts as: normally distributed numbers, or constants, which deviate by nothing."""

    mean: float | tuple[float, ...] = 0.0
    """For all numbers, or for each of a vector."""
    deviation: float = 0.0


def largest(spreads: Sequence[Spread]) -> Spread:
    """The spread with the largest mean square."""
    return max(spreads, key=lambda spread: spread.square, default=STANDARD)


class Traits:
    """The traits of an operator that works element by element and stores nothing, and that nobody counts apart."""

    kind: ClassVar[Kind] = ""
    """What it is counted among."""
    window_kind: ClassVar[WindowKind] = ""
    """How its windows lie over the positions."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """What other tools and papers call it: in small letters, without underscores and without the dimension
    (``Conv2d``)."""
    flattens: ClassVar[bool] = False
    """Whether a tensor loses its positions: its numbers are taken as one vector."""
    reorders: ClassVar[bool] = False
    """Whether it only puts numbers in another order, so that channels may become positions and positions channels."""
    running_statistics: ClassVar[bool] = False
    """Whether it stores statistics of the training set, as batch normalisation does."""
    centres_channels: ClassVar[bool] = False
    """Whether it subtracts a mean of each channel, so that a constant added to a channel before is without effect."""
    stores_attributes: ClassVar[bool] = False
    """Whether the numbers that it stores are those of its attributes."""
    widths: ClassVar[tuple[str, ...]] = ()
    """Attributes that say how many numbers it puts out side by side."""
    single_channel: ClassVar[Mapping[str, Any]] = {}
    """The attributes that it has with one channel going in and one coming out, as far as they depend on channels."""

    def strides(self) -> tuple[Number, ...]:
        """The stride per spatial axis, if it has any."""
        return ()

    def paddings(self, shape: tuple[Number, ...]) -> list[tuple[Number, Number]]:
        """The padding before and after, per spatial axis of an input of this shape, if it has any."""
        return []

    def ungrouped(self, shape: tuple[Number, ...]) -> Operator | None:
        """The convolution in its place whose output channels see all channels of an input of this shape."""
        return None

    def depthwise_part(self) -> Operator | None:
        """The first half of a depthwise separable convolution."""
        return None

    # --- folding ---

    def sums(self, shape: tuple[Number, ...]) -> Sums | None:
        """How its outputs are weighted sums of an input of this shape, plus a bias; ``None`` if they are not."""
        return None

    def with_map_folded_in(self) -> Self:
        """The layer of weighted sums once it has taken a linear map in."""
        return self

    @property
    def channel_map(self) -> ChannelMap | None:
        """The fixed linear map per channel that it is at inference, if it is one."""
        return None

    # --- smaller networks ---

    def narrowed(self, divisor: int) -> Self:
        """The operator with its widths divided, and rounded up."""
        if not self.widths:
            return self
        widths = {name: -(-getattr(self, name) // divisor) for name in self.widths}
        return replace(self, **widths)  # type: ignore[type-var]  # every operator is a dataclass

    def on_one_channel(self, rank: int) -> Operator:
        """The operator between tensors of ``rank`` axes that have one channel each."""
        changed: Operator = replace(self, **self.single_channel)  # type: ignore[type-var, assignment]
        return changed

    # --- random numbers ---

    @property
    def index_limit(self) -> Number | None:
        """How many entries a table has of which it reads indices, 0 and up; ``None``: it reads any numbers."""
        return None

    def fan_in(self, shape: tuple[int, ...]) -> float:
        """How many products an output sums, by the shape of a stored kernel."""
        return float(prod(shape[1:]))

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> Initial:
        """What a stored array starts as: constants by its name, or kernels that keep the size of activations.

        Those are normal with variance 1/(fan-in · mean square of the input), which is He et al. 2015's 2/fan-in after a
        rectifier.

        Args:
            array: its name in the layer.
            shape: its shape, in plain sizes.
            read: what the layer reads.
        """
        if array in CONSTANTS:
            return Initial(CONSTANTS[array])
        return Initial(0.0, 1 / sqrt(self.fan_in(shape) * max(read.square, 1e-12)))

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """About what it puts out, if its arrays are as `initial` says; of inputs that are joined, the largest.

        Args:
            read: of every input.
            shapes: of every input, in plain sizes.
        """
        return largest(read)
