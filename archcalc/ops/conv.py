"""Convolutions over any number of spatial axes, and their transposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod, sqrt
from typing import Any, ClassVar, Self

from archcalc.numeric import Number, both, exact_div, maximum, product, require, require_divisible
from archcalc.ops.backward import Factor, Multiplication
from archcalc.ops.base import (
    Cost,
    Operator,
    Shape,
    Shapes,
    Weight,
    converted_operator,
    operations,
    operator,
    per_axis,
    require_positions,
    spatial,
)
from archcalc.ops.border import PaddedOperator
from archcalc.ops.fields import axes, flag, integer, pads, table
from archcalc.ops.sliding import Axes, Pads, SlidingOperator, effective_kernel, padding_sides
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, Kernels, Spread, Sums
from archcalc.ops.window import Reach, Window

Table = tuple[tuple[bool, ...], ...]


def weighted_sums_cost(macs: Number, outputs: Number, bias: bool) -> Cost:
    """Return the cost of ``outputs`` weighted sums with ``macs`` products in total.

    A sum takes one addition fewer than it has products, and one more for a bias.
    """
    if bias:
        return Cost({"mul": macs, "add": macs}, macs, macs + outputs)
    return Cost(operations(mul=macs, add=macs - outputs), macs, macs)


def require_divisible_channels(channels_in: Number, channels: Number, groups: Number) -> None:
    """Require that the groups divide the input and output channels."""
    for side, count in (("input", channels_in), ("output", channels)):
        require_divisible(count, groups, "{number} {side} channels are not divisible by {divisor} groups", side=side)


class WeightedSums(Operator):
    """A layer of weighted sums, with a bias per output channel unless its attribute ``bias`` is false.

    With initial kernels, its outputs have mean 0 and variance 1.
    """

    weight_norm: bool = flag(False, "weight_norm", reserved=False, help="weight norm: a gain per output channel")

    def per_channel(self, channels: Number) -> tuple[Weight, ...]:
        """Return what is stored per output channel: a gain with weight norm, and a bias unless there is none."""
        gain = (Weight("gain", (channels,)),) if self.weight_norm else ()
        return (*gain, Weight("bias", (channels,), added=True)) if getattr(self, "bias", False) else gain

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        """Return that of the input with the weights; with weight norm, these depend on the gains as well."""
        return (Multiplication(self.cost(inputs).macs, Factor((0,)), Factor(("weight", "gain"))),)

    def with_map_folded_in(self) -> Self:
        return converted_operator(type(self), self, bias=True, weight_norm=False)

    def with_gains_merged(self) -> Self:
        return replace(self, weight_norm=False) if self.weight_norm else self

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; gains keep the magnitude of activations."""
        return (
            InitialValues(1 / sqrt(max(read.square, 1e-12))) if array == "gain" else super().initial(array, shape, read)
        )

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD


class Convolution(WeightedSums):
    """A layer whose weighted sums are taken at every position, with the same weights."""

    kind = "convolution"


class SlidingConvolution(Convolution, PaddedOperator, SlidingOperator):
    """A convolution whose windows slide over the padded input.

    It is a cross-correlation, as in every framework: the first weight is that of the first position of the window. With
    ``flip`` it is a convolution in the mathematical sense, whose kernels are mirrored along every spatial axis.
    """

    flip: bool = flag(False, "flip", reserved=False, help="flipped kernels: convolution in the mathematical sense")

    def geometry(self, shape: Shape) -> list[tuple[Number, Number, Number, Number, Number]]:
        rows = super().geometry(shape)
        for n, _, _, before, after in rows:
            self.require_border(n, before, after)
        return rows

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        (reach,) = super().windows(inputs)
        channels, *windows = reach
        return ((channels, *[window and replace(window, border=self.border) for window in windows]),)


@operator("conv")
class Conv(SlidingConvolution):
    """Convolution (cross-correlation, as in every framework) over 1, 2, 3 or more spatial axes.

    With ``flip``, it is a convolution in the mathematical sense: its kernels are mirrored along every spatial axis.
    Shapes and counts are the same. A transposed convolution is always one in this sense.

    Shape:  C×n… → channels×m…,  m = ⌊(n + p0 + p1 − K)/s⌋ + 1,  K = d(k − 1) + 1
    Params: channels·(C/groups)·k…  and one bias per output channel; with a connection table, one kernel per connected
            pair of maps
    Cost:   macs = m…·channels·(C/groups)·k…;  as many additions (the bias included), one fewer per output without bias;
            weight standardisation (``ws``) is done once, before inference, and not counted
    Window: size K, stride s, padding p0
    Source: PyTorch Conv2d; Dumoulin & Visin 2016, "A guide to convolution arithmetic"; connection tables: LeCun et al.
            1998, Table I; weight standardisation: Qiao et al. 2019
    """

    widths = ("channels",)
    single_channel: ClassVar[Mapping[str, Any]] = {"channels": 1, "groups": 1, "table": None}

    channels: Number = integer(positional=True, help="output channels (filters, maps)")
    groups: Number = integer(1, sugar="g", help="groups; each sees C/groups input channels")
    bias: bool = flag(True, "nobias", help="a bias per output channel")
    ws: bool = flag(False, "ws", help="weight standardisation")
    table: Table | None = table(help="connection table: which input maps each output map reads")

    def output(self, inputs: Shapes) -> Shape:
        require(not (self.ws and self.weight_norm), "a layer cannot have both weight standardisation and weight norm")
        self.kernels(inputs[0])
        return (self.channels, *self.positions(inputs[0]))

    def kernels(self, shape: Shape) -> Shape:
        """Return the shape of the array of kernels: channels × C/groups, or with a table the number of pairs."""
        require_positions(shape, self.name)
        if self.table is None:
            require_divisible_channels(shape[0], self.channels, self.groups)
            return (self.channels, exact_div(shape[0], self.groups))
        rows, columns = len(self.table), len(self.table[0])
        require(
            shape[0] == rows,
            "the connection table must have one row per input map ({maps}), got {rows}",
            rows=rows,
            maps=shape[0],
        )
        require(
            self.channels == columns,
            "the connection table must have one column per output map ({maps}), got {columns}",
            columns=columns,
            maps=self.channels,
        )
        return (sum(map(sum, self.table)),)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("weight", (*self.kernels(inputs[0]), *self.kernel)), *self.per_channel(self.channels))

    def cost(self, inputs: Shapes) -> Cost:
        positions = product(self.positions(inputs[0]))
        macs = positions * product((*self.kernels(inputs[0]), *self.kernel))
        return weighted_sums_cost(macs, positions * self.channels, self.bias)

    def sums(self, shape: Shape) -> Sums:
        return Sums((Kernels("weight", shape[0], self.channels, self.groups, self.table),), standardised=self.ws)

    def with_map_folded_in(self) -> Self:
        """Return the layer with weights that are standardised once, before folding."""
        return replace(super().with_map_folded_in(), ws=False)

    def ungrouped(self, shape: Shape) -> Conv:
        return replace(self, groups=1)

    def narrowed(self, divisor: int) -> Self:
        """Return the operator with narrowed widths; with a connection table it is unchanged, as the maps are fixed."""
        return self if self.table is not None else super().narrowed(divisor)

    def fan_in(self, shape: tuple[int, ...]) -> float:
        """Return the number of products per output; with a connection table, the average over the output maps."""
        return super().fan_in(shape) if self.table is None else float(prod(shape) / self.channels)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the spread of the output; standardised weights have variance 1, whatever their initial values."""
        if not self.ws:
            return super().spread(read, shapes)
        return Spread(0.0, read[0].square * self.fan_in((*self.kernels(shapes[0]), *self.kernel)))


@operator("dwconv")
class DepthwiseConv(SlidingConvolution):
    """Depthwise convolution: every input channel has filters of its own.

    Shape:  C×n… → (C·multiplier)×m…, m as for conv
    Params: C·multiplier·k…  and one bias per output channel
    Cost:   macs = m…·C·multiplier·k…
    Window: size K, stride s, padding p0
    Source: Howard et al. 2017 (MobileNets); Keras DepthwiseConv2D (depth_multiplier)
    """

    aliases = ("depthwiseconv",)
    single_channel: ClassVar[Mapping[str, Any]] = {"multiplier": 1}

    multiplier: Number = integer(1, help="output channels per input channel")
    bias: bool = flag(True, "nobias", help="a bias per output channel")

    def output(self, inputs: Shapes) -> Shape:
        return (self.maps(inputs[0]), *self.positions(inputs[0]))

    def maps(self, shape: Shape) -> Number:
        """Return the number of output channels."""
        require_positions(shape, self.name)
        return shape[0] * self.multiplier

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        maps = self.maps(inputs[0])
        return (Weight("weight", (maps, 1, *self.kernel)), *self.per_channel(maps))

    def cost(self, inputs: Shapes) -> Cost:
        outputs = product(self.output(inputs))
        return weighted_sums_cost(outputs * product(self.kernel), outputs, self.bias)

    def sums(self, shape: Shape) -> Sums:
        return Sums((Kernels("weight", shape[0], self.maps(shape), groups=shape[0]),))

    def ungrouped(self, shape: Shape) -> Conv:
        return converted_operator(Conv, self, channels=self.maps(shape))


@operator("sepconv")
class SeparableConv(SlidingConvolution):
    """Depthwise separable convolution in one layer: a depthwise convolution without bias, then a 1×1 convolution.

    Shape:  C×n… → channels×m…, m as for conv
    Params: C·multiplier·k… + C·multiplier·channels  and one bias per output channel
    Cost:   macs = m…·C·multiplier·(k… + channels)
    Window: size K, stride s, padding p0
    Source: Chollet 2017 (Xception); Keras SeparableConv2D
    """

    aliases = ("separableconv",)
    widths = ("channels",)
    single_channel: ClassVar[Mapping[str, Any]] = {"channels": 1, "multiplier": 1}

    channels: Number = integer(positional=True, help="output channels")
    multiplier: Number = integer(1, help="depthwise channels per input channel")
    bias: bool = flag(True, "nobias", help="a bias per output channel")

    def output(self, inputs: Shapes) -> Shape:
        return (self.channels, *self.positions(inputs[0]))

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        maps = inputs[0][0] * self.multiplier
        ones = (1,) * len(self.kernel)
        return (
            Weight("depthwise", (maps, 1, *self.kernel)),
            Weight("pointwise", (self.channels, maps, *ones)),
            *self.per_channel(self.channels),
        )

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        depthwise, pointwise = self.parts(inputs)
        between = product(self.positions(inputs[0])) * (inputs[0][0] * self.multiplier)
        middle = Factor((0, "depthwise"), "depthwise_output", between)
        return (
            Multiplication(depthwise.macs, Factor((0,)), Factor(("depthwise",))),
            Multiplication(pointwise.macs, middle, Factor(("pointwise", "gain"))),
        )

    def parts(self, inputs: Shapes) -> tuple[Cost, Cost]:
        """Return the costs of the depthwise convolution and of the 1×1 convolution."""
        positions = product(self.positions(inputs[0]))
        maps = inputs[0][0] * self.multiplier
        depthwise = weighted_sums_cost(positions * maps * product(self.kernel), positions * maps, bias=False)
        return depthwise, weighted_sums_cost(positions * maps * self.channels, positions * self.channels, self.bias)

    def cost(self, inputs: Shapes) -> Cost:
        depthwise, pointwise = self.parts(inputs)
        return Cost(
            {
                kind: depthwise.operations.get(kind, 0) + pointwise.operations.get(kind, 0)
                for kind in {**depthwise.operations, **pointwise.operations}  # without additions, one has no such kind
            },
            depthwise.macs + pointwise.macs,
            depthwise.connections + pointwise.connections,
        )

    def sums(self, shape: Shape) -> Sums:
        maps = shape[0] * self.multiplier
        return Sums((Kernels("depthwise", shape[0], maps, groups=shape[0]), Kernels("pointwise", maps, self.channels)))

    def ungrouped(self, shape: Shape) -> Conv:
        return converted_operator(Conv, self)

    def depthwise_part(self) -> DepthwiseConv:
        return converted_operator(DepthwiseConv, self, bias=False)

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; the pointwise convolution reads the output of the depthwise one."""
        return super().initial(array, shape, STANDARD_SPREAD if array == "pointwise" else read)


@operator("upconv")
class TransposedConv(Convolution):
    """Transposed convolution (deconvolution, fractionally strided convolution).

    Shape:  C×n… → channels×m…,  m = (n − 1)·s + K − p0 − p1 + output padding;  with ``same``, m = n·s;  with
            ``same`` and output padding, m = (n − 1)·s + K − 2⌊K/2⌋ + output padding, as in Keras
    Params: C·(channels/groups)·k…  and one bias per output channel
    Cost:   macs = n…·C·(channels/groups)·k…: every input is multiplied by the entire kernel and added to the output,
            including positions that the padding crops
    Window: the inputs j with s·j = i + p0 − d·t, t = 0 … k − 1: from ⌈(i + p0 − K + 1)/s⌉ to ⌊(i + p0)/s⌋
    Source: PyTorch ConvTranspose2d; Keras Conv2DTranspose for ``same``; Dumoulin & Visin 2016
    """

    reads_features = "first"

    window_kind = "transposed"
    aliases = ("convtranspose", "deconv", "deconvolution", "transposedconv")
    widths = ("channels",)
    single_channel: ClassVar[Mapping[str, Any]] = {"channels": 1, "groups": 1}

    channels: Number = integer(positional=True, help="output channels")
    kernel: Axes = axes(sugar="k", help="kernel size")
    stride: Axes = axes(1, sugar="s", help="stride: distance between the inputs in the output")
    pad: Pads = pads(help="positions cropped from the full result: per axis, per side, or same, half, valid, full")
    dilation: Axes = axes(1, sugar="d", help="dilation")
    outpad: Axes | None = axes(None, at_least=0, help="output padding: additional positions after the result")
    groups: Number = integer(1, sugar="g", help="groups")
    bias: bool = flag(True, "nobias", help="a bias per output channel")

    def geometry(self, shape: Shape) -> list[tuple[Number, Number, Number, Number]]:
        """Return per spatial axis: output size, effective kernel, stride, padding before."""
        require_positions(shape, self.name)
        pad = (self.pad,) * len(spatial(shape)) if isinstance(self.pad, str) else self.pad
        rows = []
        extras = (None,) * len(spatial(shape)) if self.outpad is None else self.outpad
        for n, k, s, d, p, extra in per_axis(spatial(shape), self.kernel, self.stride, self.dilation, pad, extras):
            effective = effective_kernel(k, d)
            if p == "same":
                rows.append(self._same(n, effective, s, extra))
                continue
            extra = 0 if extra is None else extra
            require(
                extra < maximum(s, d),
                "the output padding must be smaller than the stride or the dilation, got {extra}",
                extra=extra,
            )
            p0, p1 = padding_sides(p, n, k, s, d)
            around = 2 * p0 if p0 is p1 else p0 + p1
            size = (n - 1) * s + effective - around + extra
            require(size >= 1, "padding {p0} before and {p1} after leaves no output position", p0=p0, p1=p1)
            rows.append((size, effective, s, p0))
        return rows

    def _same(
        self, n: Number, effective: Number, s: Number, extra: Number | None
    ) -> tuple[Number, Number, Number, Number]:
        """Return the geometry of an axis with ``same``: a convolution of the result has the size of the input."""
        if extra is None:
            return n * s, effective, s, maximum(effective - s, 0) // 2
        odd = effective % 2
        more = odd + extra
        require(
            both(more >= 1, more <= s),
            "with padding 'same' and this kernel, output padding must be {least} to {most}, got {extra}",
            least=1 - odd,
            most=s - odd,
            extra=extra,
        )
        return (n - 1) * s + more, effective, s, maximum(effective - more, 0) // 2

    def output(self, inputs: Shapes) -> Shape:
        sizes = tuple(size for size, *_ in self.geometry(inputs[0]))
        self.fan_out(inputs[0])
        return (self.channels, *sizes)

    def fan_out(self, shape: Shape) -> Number:
        """Return the number of output channels that each input channel contributes to."""
        require_divisible_channels(shape[0], self.channels, self.groups)
        return exact_div(self.channels, self.groups)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        shape = inputs[0]
        return (Weight("weight", (shape[0], self.fan_out(shape), *self.kernel)), *self.per_channel(self.channels))

    def cost(self, inputs: Shapes) -> Cost:
        shape = inputs[0]
        macs = product(shape) * self.fan_out(shape) * product(self.kernel)
        connections = macs + product(self.output(inputs)) if self.bias else macs
        return Cost({"mul": macs, "add": macs}, macs, connections)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        rows = per_axis(self.geometry(inputs[0]), self.dilation)
        return ((None, *[Window(k - s + 1, 1, k - p0 - s, s, dilation=d) for (_, k, s, p0), d in rows]),)

    def strides(self) -> Axes:
        return self.stride

    def paddings(self, shape: Shape) -> list[tuple[Number, Number]]:
        """Return the padding if it is given as numbers; padding modes have no fixed sides here."""
        return [] if isinstance(self.pad, str) else list(self.pad)

    def sums(self, shape: Shape) -> Sums:
        return Sums((Kernels("weight", shape[0], self.channels, self.groups, input_first=True),), equal_terms=False)

    def ungrouped(self, shape: Shape) -> TransposedConv:
        return replace(self, groups=1)

    def fan_in(self, shape: tuple[int, ...]) -> float:
        """Return the average number of products per output: a weight contributes only to every stride-th position."""
        return float(max(shape[0] // self.groups * prod(self.kernel) / prod(self.stride), 1))
