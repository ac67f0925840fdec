"""Layers that read their input at positions that other tensors contain, by interpolation between the nearest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archcalc.numeric import Number, product, require, require_divisible
from archcalc.ops.activation import Sigmoid
from archcalc.ops.backward import Factor, Kept, Multiplication, Needs, inputs_kept
from archcalc.ops.base import (
    Cost,
    Operator,
    Shape,
    Shapes,
    Weight,
    WrittenShapes,
    converted_operator,
    operations,
    operator,
    require_positions,
    require_shape,
    spatial,
)
from archcalc.ops.conv import Conv, Convolution, require_divisible_channels, weighted_sums_cost
from archcalc.ops.fields import axes, flag, integer, real, tensor, word
from archcalc.ops.sliding import Axes, SlidingOperator
from archcalc.ops.traits import InitialValues, Kernels, NoGradient, Spread, Sums
from archcalc.ops.window import UNKNOWN, Reach, Window


def interpolation_cost(channels: Number, points: Number, rank: int) -> Cost:
    """Return the cost of interpolating channels at points, given the weights of the nearest positions.

    A point between positions is the sum of the 2^rank nearest ones times their weights.
    """
    nearest, values = 2**rank, channels * points
    return Cost(operations(mul=nearest * values, add=(nearest - 1) * values))


def corner_weights_cost(points: Sequence[Number]) -> Cost:
    """Return the cost of the weights of the nearest positions.

    Args:
        points: the number of points after each axis; every weight of the axes so far is multiplied by the two of the
            next one.
    """
    pairs = [2 ** (axis + 1) * count for axis, count in enumerate(points)][1:]
    return Cost({"mul": sum(pairs[1:], pairs[0])}) if pairs else Cost()


@operator("deform_conv", reserved=False)
class DeformableConv(Convolution, SlidingOperator):
    """Deformable convolution: every tap of the kernel reads the input at its position plus an offset.

    The offsets are those of ``offset=@…``: for every offset group and tap, one number per axis, the first axis first.
    Without it, the layer has an offset convolution, with the same window and a bias, that computes them. A ``mask=@…``
    multiplies what the taps read (v2), one number per tap and offset group; with ``modulated``, the offset convolution
    and a sigmoid compute such masks.
    Values between the positions of the input are interpolated linearly; outside the input, they are 0.

    Shape:  C×n… → channels×m…, m as for conv
    Params: channels·(C/groups)·k…  and one bias per output channel; the offset convolution has offset_groups·k…·axes
            (with ``modulated``, axes + 1) channels
    Cost:   macs = m…·channels·(C/groups)·k… and those of the offset convolution. Sampling counts as multiplications
            and additions only: for each tap, 3 additions per axis and offset group and 4 multiplications (in two
            dimensions) for the weights of the nearest positions, then 4 multiplications and 3 additions per channel,
            and 1 more multiplication with masks
    Window: depends on the offsets, so the positions are unknown; offsets and masks position by position
    Source: Dai et al. 2017 (v1), Zhu et al. 2019 (v2); torchvision DeformConv2d; ONNX DeformConv; MMCV
            DeformConv2dPack and ModulatedDeformConv2dPack for the offset convolution
    """

    aliases = ("deformconv", "deformableconv", "deformableconvolution", "dcn")
    pairs_features = True
    widths = ("channels",)
    single_channel: ClassVar[Mapping[str, Any]] = {"channels": 1, "groups": 1, "offset_groups": 1}

    channels: Number = integer(positional=True, help="output channels (filters, maps)")
    offset: bool = tensor(features="first", fixed=True, help="the offsets, instead of an offset convolution")
    mask: bool = tensor(features="first", fixed=True, help="factors of the taps, in addition to given offsets")
    modulated: bool = flag(False, "modulated", reserved=False, help="whether the offset convolution makes masks, too")
    offset_groups: Number = integer(1, help="groups of input channels with the same offsets")
    groups: Number = integer(1, sugar="g", help="groups; each sees C/groups input channels")
    bias: bool = flag(True, "nobias", help="a bias per output channel")

    def offset_convolution(self, shape: Shape) -> Conv | None:
        """Return the convolution that computes the offsets for an input of this shape; ``None`` if they are given."""
        if self.offset:
            return None
        channels = (len(spatial(shape)) + self.modulated) * self.offset_groups * product(self.kernel)
        return converted_operator(Conv, self, channels=channels, groups=1, bias=True, weight_norm=False)

    def output(self, inputs: Shapes) -> Shape:
        shape = inputs[0]
        require(
            not (self.offset and self.modulated),
            "modulated makes masks with the offset convolution: with offset=@…, give mask=@…",
        )
        require(self.offset or not self.mask, "mask=@… requires offset=@…; without offsets, write modulated")
        positions = self.positions(shape)
        require_divisible_channels(shape[0], self.channels, self.groups)
        message = "{number} input channels are not divisible by {divisor} offset groups"
        require_divisible(shape[0], self.offset_groups, message)
        taps = product(self.kernel) * self.offset_groups
        for name, given in zip(self.tensor_arguments(), inputs[1:], strict=True):
            numbers = len(positions) if name == "offset" else 1
            expected = (taps * numbers, *positions)
            message = "the {name} must be {expected} (per tap and offset group {numbers}), got {given}"
            require_shape(given, expected, message, name=name, numbers=numbers)
        return (self.channels, *positions)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        shape = inputs[0]
        require_divisible_channels(shape[0], self.channels, self.groups)
        own = self.offset_convolution(shape)
        stored = () if own is None else own.weights((shape,))
        return (
            Weight("weight", (self.channels, shape[0] // self.groups, *self.kernel)),
            *self.per_channel(self.channels),
            *(Weight(f"offset_{each.name}", each.shape, added=each.added) for each in stored),
        )

    def filtered(self, shape: Shape) -> Number:
        """Return the products of the filters with what the taps read."""
        return product(self.kernel) * product(self.positions(shape)) * self.channels * (shape[0] // self.groups)

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        """Return those of what the taps read, which is interpolated anew, with the filters; and of the offsets."""
        shape, own = inputs[0], self.offset_convolution(inputs[0])
        read = Factor((*range(len(inputs)), "offset_weight", "offset_bias"))
        found = (Multiplication(self.filtered(shape), read, Factor(("weight", "gain"))),)
        if own is None:
            return found
        return (*found, Multiplication(own.cost((shape,)).macs, Factor((0,)), Factor(("offset_weight",))))

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the input, and the offsets and masks."""
        own = self.offset_convolution(inputs[0])
        if own is None:
            return inputs_kept(range(len(inputs)))
        return (Kept("input"), Kept("made", name="offsets", elements=product(own.output(inputs[:1]))))

    def cost(self, inputs: Shapes) -> Cost:
        shape = inputs[0]
        rank, own = len(spatial(shape)), self.offset_convolution(shape)
        positions = product(self.positions(shape))
        samples = product(self.kernel) * positions
        points = self.offset_groups * samples
        found = weighted_sums_cost(self.filtered(shape), positions * self.channels, self.bias)
        if own is not None:
            found = found + own.cost((shape,))
        found = found + Cost({"add": 3 * rank * points}) + corner_weights_cost([points] * rank)
        found = found + interpolation_cost(shape[0], samples, rank)
        if self.modulated:
            found = found + Sigmoid().cost(((points,),))
        return found + Cost({"mul": shape[0] * samples}) if self.modulated or self.mask else found

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        read = [(None, *(UNKNOWN for _ in spatial(inputs[0])))]
        return (*read, *((None, *(Window() for _ in spatial(given))) for given in inputs[1:]))

    def sums(self, shape: Shape) -> Sums:
        return Sums((Kernels("weight", shape[0], self.channels, self.groups),), equal_terms=False)

    def on_one_channel(self, rank: int, features: int | None = 0) -> Operator:
        """Return the operator on one channel; on all of them, it is unchanged."""
        return self if features is None else super().on_one_channel(rank, features)

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; offsets begin without a bias."""
        return InitialValues() if array == "offset_bias" else super().initial(array, shape, read)


@operator("roi_align", reserved=False)
class RoiAlign(Operator):
    """RoIAlign: a grid of positions for each of a fixed number of boxes, as means of interpolated samples.

    ``boxes`` is a tensor of boxes × 2·axes: the coordinates of the first corner, then those of the second one, the last
    axis first (x before y). The result has the boxes as its first axis of positions: to convolve each of them
    separately, give the kernel the size 1 along that axis (``conv 64 k1x3x3``). With ``max``, a number of the result is
    the largest product of a number near a sample and its weight in the interpolation, as in ONNX.

    Shape:  C×n… → C×boxes×size…
    Params: none
    Cost:   per box and axis 2 multiplications, 1 addition, 1 division and 1 comparison (with ``aligned``, 3
            additions and no comparison); per sample along an axis 1 multiplication, 3 additions and 2 comparisons; per
            sample 4 multiplications for the weights (in two dimensions), then 4 multiplications and 3 additions per
            channel; per output samples^axes − 1 additions and 1 division; with ``max``, 4·samples^axes − 1 comparisons
            per output instead of additions and the division
    Window: depends on the boxes, so the positions are unknown; boxes one by one
    Source: He et al. 2017 (Mask R-CNN); torchvision roi_align; ONNX RoiAlign
    """

    no_gradient = NoGradient("boxes are treated as constants in training, as in torchvision", inputs=(1,))
    aliases = ("roialign",)
    pairs_features = True
    reads_features = "first"

    size: Axes = axes(positional=True, help="output positions per axis")
    boxes: bool = tensor(required=True, features="last", fixed=True, example="@boxes", help="the boxes, one per row")
    scale: Number = real(1, help="positions of the input per unit of the boxes, such as 1/16")
    samples: Number = integer(2, help="samples per output position, along each axis")
    aligned: bool = flag(False, "aligned", reserved=False, help="whether boxes are moved by half a position")
    how: str = word(
        "mean", "mean", "max", flags=True, help="the mean of the samples, or the largest weighted number near them"
    )

    def output(self, inputs: Shapes) -> Shape:
        shape, boxes = inputs
        require_positions(shape, self.name)
        require(
            len(boxes) == 2,
            "the boxes of roi_align must be a tensor of boxes × coordinates, got {shape}",
            shape=WrittenShapes((boxes,)),
        )
        coordinates = 2 * len(spatial(shape))
        require(
            boxes[1] == coordinates,
            "a box of roi_align must have {count} coordinates, got {got}",
            count=coordinates,
            got=boxes[1],
        )
        return (shape[0], boxes[0], *self.size)

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the boxes, and the input if the largest products are found anew."""
        return inputs_kept([0, 1] if self.how == "max" else [1])

    def cost(self, inputs: Shapes) -> Cost:
        shape, boxes = inputs
        rank, count = len(spatial(shape)), boxes[0]
        edges, along = rank * count, [count * size * self.samples for size in self.size]
        each = Cost(operations(mul=2 * edges, add=(3 if self.aligned else 1) * edges, div=edges))
        found = each if self.aligned else each + Cost({"cmp": edges})
        coordinates = sum(along[1:], along[0])
        found = found + Cost({"mul": coordinates, "add": 3 * coordinates, "cmp": 2 * coordinates})
        points = [product([count, *(size * self.samples for size in self.size[: axis + 1])]) for axis in range(rank)]
        found = found + corner_weights_cost(points)
        outputs = product(self.output(inputs))
        summed = product([self.samples] * rank)
        if self.how == "max":
            products = 2**rank * summed * outputs
            return found + Cost(operations(mul=products, cmp=products - outputs))
        found = found + interpolation_cost(shape[0], points[-1], rank)
        return found + Cost(operations(add=outputs * summed - outputs, div=outputs))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (Window(), *(UNKNOWN for _ in spatial(inputs[0]))), (Window(axis=1), None)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return read[0]
