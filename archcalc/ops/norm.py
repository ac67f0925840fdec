"""Normalisation by statistics of the training set, the layer, each map or group, or a neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from archcalc.numeric import Number, exact_div, product, require, require_divisible
from archcalc.ops.backward import Kept, Needs
from archcalc.ops.base import (
    Cost,
    Operator,
    Shape,
    Shapes,
    Weight,
    axis_reach,
    complete_reach,
    operator,
    pointwise_reach,
    require_positions,
    spatial,
)
from archcalc.ops.fields import Features, axis_word, flag, integer, real, sizes, word
from archcalc.ops.traits import STANDARD_SPREAD, ChannelMap, InitialValues, Spread
from archcalc.ops.window import Reach, Window

EPSILON = Fraction(1, 100_000)
"""The default ε of PyTorch, which is added to variances."""


def scale_and_shift(affine: bool, shape: Shape) -> tuple[Weight, ...]:
    """Return the weights of the learned linear map after a normalisation, or none."""
    return (Weight("scale", shape), Weight("shift", shape, added=True)) if affine else ()


def normalisation_cost(elements: Number, groups: Number, affine: bool) -> Cost:
    """Return the cost of normalising groups of numbers by their own mean and variance.

    Per group of N: the mean (N − 1 additions, 1 division), the differences (N additions), their mean square
    (N multiplications, N − 1 additions, 1 division), its root (1 addition of epsilon, 1 root), N divisions by it; with
    scale and shift N multiplications and N additions more.
    """
    learned = elements if affine else 0
    return Cost(
        {
            "mul": elements + learned,
            "add": 3 * elements - groups + learned,
            "div": elements + 2 * groups,
            "sqrt": groups,
        },
        connections=2 * learned,
    )


class Normalisation(Operator):
    """A layer whose outputs have mean 0 and variance 1 before the learned scale and shift."""

    kind = "normalisation"

    @property
    def reads_features(self) -> Features:  # type: ignore[override]
        """Where features are: first, if channels are normalised or have weights of their own."""
        return "first" if getattr(self, "axis", "channels") == "channels" else ""

    def statistics(self, shape: Shape) -> Number:
        """Return how many means, deviations or roots of an example it computes."""
        return 0

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return also the statistics, of a batch norm once for the batch."""
        statistics = Kept(
            "statistics",
            name="statistics",
            elements=self.statistics(inputs[0]),
            per_example=not self.running_statistics,
        )
        return (*self.kept(inputs, needs, in_place=in_place), statistics)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD


@operator("bn")
class BatchNorm(Normalisation):
    """Batch normalisation. At inference it is a fixed linear map per channel, y = a·x + b.

    Shape:  any, unchanged
    Params: per channel: scale and shift (trainable, unless ``noaffine``), running mean and variance (not trainable)
    Cost:   1 multiplication and 1 addition per element; connections: 2 per element, none with ``noaffine``
    Window: position by position
    Source: Ioffe & Szegedy 2015; PyTorch BatchNorm2d
    """

    differentiated_by = "input"
    aliases = ("batchnorm", "batchnormalization")
    running_statistics = True
    centres_channels = True

    affine: bool = flag(True, "noaffine", help="learned scale and shift")
    eps: Number = real(EPSILON, help="added to the variance")

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        maps = inputs[0][:1]
        running = (Weight("mean", maps, trainable=False), Weight("variance", maps, trainable=False))
        return (*scale_and_shift(self.affine, maps), *running)

    def cost(self, inputs: Shapes) -> Cost:
        elements = product(inputs[0])
        return Cost({"mul": elements, "add": elements}, connections=2 * elements if self.affine else 0)

    def statistics(self, shape: Shape) -> Number:
        return 2 * shape[0]

    def group_size(self, shape: Shape) -> Number:
        """Return how many numbers of one example it normalises together in training."""
        return product(shape[1:])

    @property
    def channel_map(self) -> ChannelMap:
        return ChannelMap(
            self._channel_terms,
            ("scale/√(variance + ε)", "shift − a·mean"),
            (
                r"\frac{\mathrm{scale}}{\sqrt{\mathrm{variance} + \varepsilon}}",
                r"\mathrm{shift} - a \cdot \mathrm{mean}",
            ),
        )

    def _channel_terms(self, stored: Mapping[str, Any]) -> tuple[Any, Any]:
        factor = stored.get("scale", 1.0) / (stored["variance"] + float(self.eps)) ** 0.5
        return factor, stored.get("shift", 0.0) - stored["mean"] * factor

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; the running variance is the mean square of the input, the running mean is 0."""
        return InitialValues(read.square) if array == "variance" else super().initial(array, shape, read)


@operator("ln")
class LayerNorm(Normalisation):
    """Layer normalisation, over the entire tensor, its last axis, or the channels at each position.

    Shape:  any, unchanged
    Params: a scale and a shift per number normalised together (all of them, the last axis, or the channels), unless
            ``noaffine``
    Cost:   per element 1 multiplication, 3 additions, 1 division; per group also 2 divisions and 1 root, less 1
            addition; scale and shift 1 multiplication and 1 addition per element; connections: 2 per element, none with
            ``noaffine``
    Window: everything; all of the last axis with ``axis=last``; position by position with ``axis=channels``
    Source: Ba et al. 2016; PyTorch LayerNorm; over channels: Liu et al. 2022 (ConvNeXt)
    """

    differentiated_by = "input"
    aliases = ("layernorm", "layernormalization")

    axis: str = axis_word("all", "all", help="what is normalised together")
    affine: bool = flag(True, "noaffine", help="learned scale and shift")
    eps: Number = real(EPSILON, help="added to the variance")

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return scale_and_shift(self.affine, normalised_axes(self.axis, inputs[0]))

    def statistics(self, shape: Shape) -> Number:
        return 2 * group_count(self.axis, shape)

    def group_size(self, shape: Shape) -> Number:
        return product(normalised_axes(self.axis, shape))

    def cost(self, inputs: Shapes) -> Cost:
        return normalisation_cost(product(inputs[0]), group_count(self.axis, inputs[0]), self.affine)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (normalised_reach(self.axis, inputs[0]),)


def normalised_axes(axis: str, shape: Shape) -> Shape:
    """Return the sizes of the axes that are normalised together: ``all``, the ``last``, or the ``channels``."""
    return {"all": shape, "last": shape[-1:], "channels": shape[:1]}[axis]


def group_count(axis: str, shape: Shape) -> Number:
    """Return the number of groups whose elements are normalised together."""
    return product({"all": (), "last": shape[:-1], "channels": shape[1:]}[axis])


def normalised_reach(axis: str, shape: Shape) -> Reach:
    """Return what an output position sees if the elements along an axis are normalised together."""
    return complete_reach(shape) if axis == "all" else axis_reach(0 if axis == "channels" else -1, shape)


@operator("rms_norm")
class RmsNorm(Normalisation):
    """Root mean square normalisation, y = x/√(mean of x² + ε)·scale: a layer normalisation that subtracts no mean.

    Shape:  any, unchanged
    Params: a scale per number normalised together (the last axis, all of them, or the channels), unless ``noaffine``
    Cost:   per group of N numbers N multiplications (the squares), N − 1 additions, 1 division (their mean), 1 addition
            (of ε), 1 root, N divisions; scale 1 multiplication per element; connections: 1 per element, none with
            ``noaffine``
    Window: all of the last axis; everything with ``axis=all``; position by position with ``axis=channels``
    Source: Zhang & Sennrich 2019; PyTorch RMSNorm; ONNX RMSNormalization
    """

    differentiated_by = "input"
    aliases = ("rmsnorm", "rmsnormalization")

    axis: str = axis_word("last", "all", help="what is normalised together")
    affine: bool = flag(True, "noaffine", help="learned scale")
    eps: Number = real(EPSILON, help="added to the mean square")

    def statistics(self, shape: Shape) -> Number:
        return group_count(self.axis, shape)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("scale", normalised_axes(self.axis, inputs[0])),) if self.affine else ()

    def cost(self, inputs: Shapes) -> Cost:
        elements, count = product(inputs[0]), group_count(self.axis, inputs[0])
        learned = elements if self.affine else 0
        operations = {"mul": elements + learned, "add": elements, "div": elements + count, "sqrt": count}
        return Cost(operations, connections=learned)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (normalised_reach(self.axis, inputs[0]),)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the spread of the output: the mean is scaled such that the mean square becomes 1."""
        mean, variance = read[0]
        square = max(read[0].square, float(self.eps))
        return Spread(mean / square**0.5, variance / square)


@operator("l2_norm", reserved=False)
class L2Norm(Normalisation):
    """Division by the Euclidean norm, y = x/max(√Σx², ε): vectors of length 1.

    Shape:  any, unchanged
    Params: none
    Cost:   per group of N numbers (the channels at a position, the last axis, or all) N multiplications (the squares),
            N − 1 additions, 1 root, 1 comparison, N divisions
    Window: position by position; all of the last axis with ``axis=last``; everything with ``axis=all``
    Source: PyTorch functional.normalize; Liu et al. 2016 (ParseNet); ONNX LpNormalization
    """

    differentiated_by = "input"
    aliases = ("l2norm", "l2normalize", "normalize", "lpnormalization", "unitnormalization")

    axis: str = axis_word("channels", "all", help="what is normalised together")
    eps: Number = real(Fraction(1, 10**12), help="the smallest divisor")

    def cost(self, inputs: Shapes) -> Cost:
        elements, count = product(inputs[0]), group_count(self.axis, inputs[0])
        return Cost({"mul": elements, "add": elements - count, "sqrt": count, "cmp": count, "div": elements})

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (normalised_reach(self.axis, inputs[0]),)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the spread of the output: the mean is scaled such that the mean square becomes 1/N."""
        (shape,) = shapes
        square = max(read[0].square, 1e-12) * float(product(normalised_axes(self.axis, shape)))
        return Spread(read[0].mean / square**0.5, read[0].variance / square)


@operator("in")
class InstanceNorm(Normalisation):
    """Instance normalisation: each map by its own mean and variance.

    Shape:  C×n…, unchanged
    Params: none; with ``affine`` a scale and a shift per channel
    Cost:   per element 1 multiplication, 3 additions, 1 division; per map also 2 divisions and 1 root, less 1 addition;
            scale and shift 1 multiplication and 1 addition per element; connections: with ``affine`` 2 per element
    Window: everything
    Source: Ulyanov et al. 2016; PyTorch InstanceNorm2d
    """

    differentiated_by = "input"
    aliases = ("instancenorm",)
    centres_channels = True

    affine: bool = flag(False, "affine", help="learned scale and shift")
    eps: Number = real(EPSILON, help="added to the variance")

    def statistics(self, shape: Shape) -> Number:
        return 2 * shape[0]

    def output(self, inputs: Shapes) -> Shape:
        require_positions(inputs[0], self.name)
        return inputs[0]

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return scale_and_shift(self.affine, inputs[0][:1])

    def group_size(self, shape: Shape) -> Number:
        return product(shape[1:])

    def cost(self, inputs: Shapes) -> Cost:
        return normalisation_cost(product(inputs[0]), inputs[0][0], self.affine)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((Window(), *complete_reach(inputs[0])[1:]),)


@operator("gn")
class GroupNorm(Normalisation):
    """Group normalisation: groups of consecutive maps, each by its own mean and variance.

    Shape:  any, unchanged
    Params: a scale and a shift per channel, unless ``noaffine``
    Cost:   per element 1 multiplication, 3 additions, 1 division; per group also 2 divisions and 1 root, less 1
            addition; scale and shift 1 multiplication and 1 addition per element; connections: 2 per element, none with
            ``noaffine``
    Window: everything
    Source: Wu & He 2018; PyTorch GroupNorm
    """

    differentiated_by = "input"
    aliases = ("groupnorm",)
    single_channel: ClassVar[Mapping[str, Any]] = {"groups": 1}

    groups: Number = integer(positional=True, help="number of groups; must divide the channels")
    affine: bool = flag(True, "noaffine", help="learned scale and shift")
    eps: Number = real(EPSILON, help="added to the variance")

    def statistics(self, shape: Shape) -> Number:
        return 2 * self.groups

    def output(self, inputs: Shapes) -> Shape:
        require_divisible(inputs[0][0], self.groups, "{number} channels are not divisible by {divisor} groups")
        return inputs[0]

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return scale_and_shift(self.affine, inputs[0][:1])

    def group_size(self, shape: Shape) -> Number:
        return exact_div(product(shape), self.groups)

    def cost(self, inputs: Shapes) -> Cost:
        return normalisation_cost(product(inputs[0]), self.groups, self.affine)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (complete_reach(inputs[0]),)


@operator("lrn")
class LocalResponseNorm(Operator):
    """Local response normalisation, y = x / (k + alpha·Σ x²)^beta, as AlexNet defines it.

    The sum runs over ``size`` neighbouring channels at the same position (``across``), or over ``size`` neighbouring
    positions per axis of the same map (``within``), of which ⌊size/2⌋ precede the element. PyTorch, Caffe and ONNX
    divide alpha by the number of terms: their alpha = 0.0001 is 0.00002 here for size 5.

    Shape:  any (``within``: C×n…), unchanged
    Params: none
    Cost:   per element 1 multiplication (its square), one addition per term of the sum (k included), 1 multiplication
            by alpha, 1 power, 1 division (sums over the border counted in full)
    Window: position by position; ``within``: size, stride 1, padding ⌊size/2⌋
    Source: Krizhevsky et al. 2012, section 3.3 (size 5, k = 2, alpha = 10⁻⁴, beta = 0.75); within channels: Caffe LRN
    """

    differentiated_by = "input"
    reads_features = "first"

    kind = "normalisation"
    aliases = ("localresponsenorm",)

    size: Number = integer(5, positional=True, help="number of channels, or positions per axis, in the sum")
    region: str = word("across", "across", "within", flags=True, help="across channels or within each")
    alpha: Number = real(Fraction(1, 10_000), help="factor of the sum")
    beta: Number = real(Fraction(3, 4), help="exponent")
    k: Number = real(2, help="constant added to the sum")

    def output(self, inputs: Shapes) -> Shape:
        if self.region == "within":
            require_positions(inputs[0], "lrn within")
        return inputs[0]

    def cost(self, inputs: Shapes) -> Cost:
        elements = product(inputs[0])
        terms = self.size if self.region == "across" else product((self.size,) * len(spatial(inputs[0])))
        return Cost({"mul": 2 * elements, "add": elements * terms, "pow": elements, "div": elements})

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        channel, *positions = pointwise_reach(inputs[0])
        near = Window(self.size, 1, self.size // 2)
        return ((near, *positions) if self.region == "across" else (channel, *(near for _ in positions)),)


@operator("standardize")
class Standardize(Normalisation):
    """Normalisation by a fixed mean and standard deviation, (x − mean)/std, one for all channels or one per channel.

    Shape:  any, unchanged
    Params: one per number given, not trainable
    Cost:   1 addition and 1 division per element
    Window: position by position
    Source: torchvision Normalize
    """

    stores_attributes = True
    single_channel: ClassVar[Mapping[str, Any]] = {"mean": (0,), "std": (1,)}

    mean: tuple[Number, ...] = sizes(at_least=None, each="channels", help="mean, for all channels or per channel")
    std: tuple[Number, ...] = sizes(at_least=None, each="channels", help="standard deviation, likewise")

    def output(self, inputs: Shapes) -> Shape:
        channels = inputs[0][0]
        for what, given in (("means", self.mean), ("standard deviations", self.std)):
            if len(given) != 1:
                require(
                    channels == len(given),
                    "standardize needs one or {channels} {what}, got {count}",
                    channels=channels,
                    what=what,
                    count=len(given),
                )
        for std in self.std:
            require(std > 0, "a standard deviation must be positive, got {std}", std=std)
        return inputs[0]

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (
            Weight("mean", (len(self.mean),), trainable=False),
            Weight("std", (len(self.std),), trainable=False),
        )

    def cost(self, inputs: Shapes) -> Cost:
        elements = product(inputs[0])
        return Cost({"add": elements, "div": elements})

    @property
    def channel_map(self) -> ChannelMap:
        return ChannelMap(
            _standardising_terms,
            ("1/std", "−a·mean"),
            (r"\frac{1}{\mathrm{std}}", r"-a \cdot \mathrm{mean}"),
        )

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        return InitialValues(tuple(map(float, self.mean if array == "mean" else self.std)))


def _standardising_terms(stored: Mapping[str, Any]) -> tuple[Any, Any]:
    factor = 1 / stored["std"]
    return factor, -stored["mean"] * factor
