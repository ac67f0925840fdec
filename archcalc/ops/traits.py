"""Traits: what other packages need to know about an operator besides its formulas, with defaults.

================= ===================================================================================================
for               an operator declares
================= ===================================================================================================
conventions,      the kind of layer that it is counted as (`kind`), the arrangement of its windows (`window_kind`,
mistakes, hints   `strides`, `paddings`), its properties (`flattens`, `running_statistics`, `drops`,
                  `centres_channels`), the operators that it is mistaken for (`ungrouped`, `depthwise_part`,
                  `other_pooling`), what is `pooled`, how many numbers have a mean and a variance of their own
                  (`group_size`), whether it `rectifies`, its other names (`aliases`)
folding           `sums`: whether it is a weighted sum, and which channels each of its kernels connects;
                  `channel_map`: whether it is a fixed linear map per channel, and which
smaller networks  `widths` (`narrowed`), `single_channel` (`on_one_channel`), `reorders`, `pairs_features`
fields            `reads_features`: which axis holds features
gradients         `no_gradient` (`passes`, `derives`): what has none; `differentiated_by`, `in_place`,
                  `keeps_numbers`, `selects_part`: what the backward pass needs; `scores`: what its outputs are to the
                  cross-entropy
lower bounds      `is_counted`: whether its operations are known
random numbers    `is_random`: whether its outputs are drawn; `initial` (with `fan_in`): the initial values of its
                  stored arrays; `spread`: the mean and variance of its outputs; `index_limit`, `stores_attributes`:
                  restrictions on values
================= ===================================================================================================

A package that treats some operators differently uses a trait, never a class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import erf, exp, pi, prod, sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from archcalc.numeric import Number, exact_div
from archcalc.ops.fields import Features

if TYPE_CHECKING:
    from archcalc.ops.base import Operator

Kind: TypeAlias = Literal["", "convolution", "dense", "pooling", "normalisation", "activation"]
"""The kinds of layers that are counted separately; empty for all others."""
WindowKind: TypeAlias = Literal["", "sliding", "transposed", "global", "adaptive"]
"""The arrangement of windows. Sliding and transposed ones have ``kernel``, ``stride``, ``pad`` and ``dilation``."""

Differentiated: TypeAlias = Literal["", "input", "output", "both"]
"""What a derivative is a function of: nothing (a linear map), the (first) input, the output, or both."""

Dropped: TypeAlias = Literal["", "elements", "maps"]

Scores: TypeAlias = Literal["logits", "probabilities", "log-probabilities"]
"""What the scores of classes may be."""

CONSTANTS = {"bias": 0.0, "shift": 0.0, "mean": 0.0, "scale": 1.0, "variance": 1.0, "slope": 0.25}
"""The initial values of stored arrays by name, unless an operator defines others. All other arrays are random."""


class Kernels(NamedTuple):
    """The pairs of channels that a stored array of weights connects, with a kernel for each pair.

    Input and output channels are divided into ``groups`` groups of consecutive channels; kernels connect all channels
    of corresponding groups. A connection table lists the pairs instead.
    """

    array: str
    inputs: Number
    outputs: Number
    groups: Number = 1
    table: tuple[tuple[bool, ...], ...] | None = None
    """Rows are input maps, columns output maps. The array contains the kernels in the order of the output maps."""
    input_first: bool = False
    """Whether the first axis of the array is that of the input channels instead of the output channels."""

    @property
    def pairs(self) -> Number:
        """The number of connected pairs of channels, which is that of the kernels."""
        if self.table is not None:
            return sum(map(sum, self.table))
        return self.outputs * exact_div(self.inputs, self.groups)


class Sums(NamedTuple):
    """A layer of weighted sums: the channels that its arrays of weights connect, in order from input to output."""

    kernels: tuple[Kernels, ...]
    standardised: bool = False
    """Whether the kernels are standardised before use."""
    equal_terms: bool = True
    """Whether all outputs are sums of equally many terms (including zeros of the padding)."""
    per_channel: bool = True
    """Whether each kernel belongs to an input and an output channel, and the bias to an output channel."""


class ChannelMap(NamedTuple):
    """A fixed linear map per channel at inference, y = a·x + b."""

    terms: Callable[[Mapping[str, Any]], tuple[Any, Any]]
    """Returns a and b, given the stored arrays by name."""
    written: tuple[str, str]
    """The formulas of a and b as text."""
    latex: tuple[str, str]
    """The formulas of a and b in LaTeX."""


class Spread(NamedTuple):
    """The approximate mean and variance of the elements of a tensor in a network with initial weights."""

    mean: float = 0.0
    variance: float = 1.0

    @property
    def square(self) -> float:
        """The mean square."""
        return self.mean**2 + self.variance

    def rectified(self) -> Spread:
        """Return the mean and variance of max(x, 0) for normally distributed x."""
        if not self.variance:
            return self
        deviation = sqrt(self.variance)
        ratio = self.mean / deviation
        above = (1 + erf(ratio / sqrt(2))) / 2
        density = exp(-(ratio**2) / 2) / sqrt(2 * pi)
        mean = self.mean * above + deviation * density
        return Spread(mean, max(self.square * above + self.mean * deviation * density - mean**2, 0.0))


STANDARD_SPREAD = Spread()
"""Mean 0 and variance 1."""


class InitialValues(NamedTuple):
    """The initial values of a stored array: normally distributed numbers, or constants if ``deviation`` is 0."""

    mean: float | tuple[float, ...] = 0.0
    """The mean of all numbers, or one per entry of a vector."""
    deviation: float = 0.0


def largest_spread(spreads: Sequence[Spread]) -> Spread:
    """Return the spread with the largest mean square."""
    return max(spreads, key=lambda spread: spread.square, default=STANDARD_SPREAD)


class NoGradient(NamedTuple):
    """What of an operator has no gradient, and why: all inputs and arrays, unless inputs or outputs are listed."""

    reason: str
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether no input or array has a gradient."""
        return not self.inputs and not self.outputs


class Traits:
    """The traits of an operator, with defaults for element-wise operators that store nothing."""

    kind: ClassVar[Kind] = ""
    """The kind of layer that it is counted as."""
    window_kind: ClassVar[WindowKind] = ""
    """The arrangement of its windows over the positions."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Its names in other tools and papers: in lower case, without underscores and without a dimension (``2d``)."""
    further_outputs: ClassVar[tuple[str, ...]] = ()
    """The names of its outputs after the first one, by which a spec refers to them: ``@pool/indices``."""
    flattens: ClassVar[bool] = False
    """Whether it flattens its input to one vector, without positions."""
    reorders: ClassVar[bool] = False
    """Whether it only reorders elements, so that features may become positions and positions features."""
    keeps_numbers: ClassVar[bool] = False
    """Whether its output has exactly the numbers of its input, in any order and shape, so that one gives the other; of
    a source: whether its output is its stored array."""
    selects_part: ClassVar[bool] = False
    """Whether its output is a part of the numbers of its input, which frameworks leave where they are: a view, as long
    as which the whole input stays in memory."""
    pairs_features: ClassVar[bool] = False
    """Whether it combines features with positions, or moves them to other axes, so that no feature represents all."""
    reads_features: ClassVar[Features] = ""
    """Where it expects the features of its inputs; all other axes are positions."""
    running_statistics: ClassVar[bool] = False
    """Whether it stores statistics of the training set, as batch normalisation does."""
    is_random: ClassVar[bool] = False
    """Whether its outputs are random numbers, also at inference."""
    drops: ClassVar[Dropped] = ""
    """What it drops at random in training, each with the probability ``rate``."""
    centres_channels: ClassVar[bool] = False
    """Whether it subtracts the mean of each channel, so that a bias before it has no effect."""
    is_counted: ClassVar[bool] = True
    """Whether its operations are known; otherwise, counts of operations that include it are lower bounds."""
    stores_attributes: ClassVar[bool] = False
    """Whether its stored arrays contain its attributes."""
    pads_with_zeros: ClassVar[bool] = True
    """Whether its padding, if it has any, consists of zeros."""
    pooled: ClassVar[Literal["", "maximum", "average"]] = ""
    """What a pooling takes of the numbers in a window; empty for all other operators."""
    rectifies: ClassVar[bool] = False
    """Whether it is an activation that treats numbers by their sign, as max(x, 0) does."""
    scores: ClassVar[Scores] = "logits"
    """What its outputs are if they are scores of classes."""
    widths: ClassVar[tuple[str, ...]] = ()
    """The names of the attributes that determine the width of its output."""
    single_channel: ClassVar[Mapping[str, Any]] = {}
    """The values of its channel-dependent attributes for one input and one output channel."""

    no_gradient: ClassVar[NoGradient | None] = None
    """What of it has no gradient; ``None`` if all of its inputs and trained arrays have one."""
    differentiated_by: ClassVar[Differentiated] = ""
    """What its derivative is computed from, apart from factors of multiplications: the output where that suffices and
    no framework prefers the input."""
    in_place: ClassVar[Differentiated | None] = None
    """What its derivative is computed from if the output is written over the input; ``None``: it cannot be."""

    def passes(self, output: int, place: int) -> bool:
        """Return whether the gradient of an output is passed on to the input at a place."""
        without = self.no_gradient
        return without is None or (self.derives(output) and place not in without.inputs)

    def derives(self, output: int) -> bool:
        """Return whether an output has a gradient, from which those of the stored arrays follow."""
        without = self.no_gradient
        return without is None or not (without.is_complete or output in without.outputs)

    def strides(self) -> tuple[Number, ...]:
        """Return the stride per spatial axis; empty if it has none."""
        return ()

    def paddings(self, shape: tuple[Number, ...]) -> list[tuple[Number, Number]]:
        """Return the padding before and after, per spatial axis of an input of this shape; empty if it has none."""
        return []

    def ungrouped(self, shape: tuple[Number, ...]) -> Operator | None:
        """Return the ungrouped convolution that replaces it on an input of this shape; ``None`` if there is none."""
        return None

    def depthwise_part(self) -> Operator | None:
        """Return the depthwise convolution of a depthwise separable one; ``None`` for all other operators."""
        return None

    def other_pooling(self) -> Operator | None:
        """Return the pooling that averages instead of taking the maximum, or vice versa; ``None`` if there is none."""
        return None

    def group_size(self, shape: tuple[Number, ...]) -> Number | None:
        """Return how many numbers of an input of this shape it normalises by their mean and variance; ``None`` if it
        does not compute these."""
        return None

    # --- folding ---

    def sums(self, shape: tuple[Number, ...]) -> Sums | None:
        """Return how its outputs are weighted sums (plus a bias) of an input of this shape, or ``None``."""
        return None

    def with_map_folded_in(self) -> Self:
        """Return the layer of weighted sums after a linear map has been folded into it."""
        return self

    def with_gains_merged(self) -> Self:
        """Return the layer whose stored weights are those that it computes with: without weight norm."""
        return self

    @property
    def channel_map(self) -> ChannelMap | None:
        """The fixed linear map per channel that it is at inference; ``None`` if it is not one."""
        return None

    # --- smaller networks ---

    def narrowed(self, divisor: int) -> Self:
        """Return the operator with its widths divided and rounded up."""
        if not self.widths:
            return self
        widths = {name: -(-getattr(self, name) // divisor) for name in self.widths}
        return replace(self, **widths)  # type: ignore[type-var]  # every operator is a dataclass

    def narrowed_along(self, axis: int, divisor: int) -> Self:
        """Return a source with the size of its axis of features divided and rounded up."""
        return self

    def on_one_channel(self, rank: int, features: int | None = 0) -> Operator:
        """Return the operator between tensors of ``rank`` axes with one channel each.

        Args:
            rank: the number of axes of the inputs.
            features: the axis that holds the one channel; ``None`` if the inputs have all of theirs.
        """
        changed: Operator = replace(self, **self.single_channel)  # type: ignore[type-var, assignment]
        return changed

    # --- random numbers ---

    @property
    def index_limit(self) -> Number | None:
        """The number of valid indices, from 0, if its input consists of indices; ``None`` if it reads any numbers."""
        return None

    def fan_in(self, shape: tuple[int, ...]) -> float:
        """Return the number of products per output, given the shape of a stored kernel."""
        return float(prod(shape[1:]))

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values of a stored array: a constant by its name, or random kernels.

        Kernels are normal with variance 1/(fan-in · mean square of the input), which preserves the magnitude of
        activations; after a rectifier it is 2/fan-in (He et al. 2015).

        Args:
            array: the name of the array in the layer.
            shape: its shape, in plain sizes.
            read: the spread of the input.
        """
        if array in CONSTANTS:
            return InitialValues(CONSTANTS[array])
        return InitialValues(0.0, 1 / sqrt(self.fan_in(shape) * max(read.square, 1e-12)))

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the approximate spread of the output with `initial` weights; by default, the largest of the inputs.

        Args:
            read: the spread of every input.
            shapes: the shape of every input, in plain sizes.
        """
        return largest_spread(read)
