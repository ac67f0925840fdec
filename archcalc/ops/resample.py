"""Operators without weights that change the number of positions: upsampling, padding, cropping, ResNet's option A."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, replace
from typing import Any, ClassVar, TypeAlias

from archcalc.numeric import Number, ceil_div, floor, fraction_terms, maximum, product, require
from archcalc.ops.base import Cost, Operator, Shape, Shapes, operator, per_axis, require_positions, spatial
from archcalc.ops.border import PaddedOperator
from archcalc.ops.fields import axes, flag, integer, pads, word
from archcalc.ops.sliding import Axes
from archcalc.ops.window import Reach, Window

Margins: TypeAlias = tuple[tuple[Number, Number], ...]


@operator("upsample")
class Upsample(Operator):
    """Upsampling by a factor, or to a given size; fractions and smaller sizes downsample.

    Output i has a source coordinate u: ``nearest`` takes the position ⌊u⌋, u = i·n/m; ``bilinear`` takes the mean of
    ⌊u⌋ and ⌈u⌉ weighted by distance, u = (i + ½)·n/m − ½, or u = i(n − 1)/(m − 1) with ``align_corners``; ``bicubic``
    takes the sum of ⌊u⌋ − 1 … ⌊u⌋ + 2 weighted by Keys' cubic polynomial with a = −¾, the outermost positions repeated,
    with the same u. With a factor, 1/factor stands for n/m. With any number of axes, ``bilinear`` and ``bicubic``
    interpolate along one axis after another, in their order.

    Shape:  C×n… → C×m…,  m = ⌊n·scale⌋ or as given by ``to``
    Params: none
    Cost:   nearest: nothing; bilinear: for each axis in turn, 2 multiplications and 1 addition per element of the
            result (the weights are known in advance); bicubic: 4 multiplications and 3 additions
    Window: ⌊u⌋ … ⌈u⌉ (nearest: ⌊u⌋; bicubic: ⌊u⌋ − 1 … ⌊u⌋ + 2)
    Source: PyTorch Upsample; ONNX Resize (half_pixel, align_corners); Keys 1981, "Cubic convolution interpolation for
            digital image processing"
    """

    reads_features = "first"

    aliases = ("upsampling",)

    scale: Axes | None = axes(None, positional=True, at_least=None, fractions=True, help="upsampling factor")
    to: Axes | None = axes(None, takes_positions=True, help="output size, instead of a scale")
    mode: str = word("nearest", "nearest", "bilinear", "bicubic", flags=True, later=("bicubic",), help="interpolation")
    align_corners: bool = flag(
        False, "align_corners", help="bilinear, bicubic: the first and the last positions of input and output coincide"
    )

    def geometry(self, shape: Shape) -> list[tuple[Number, Number, Number, Number]]:
        """Return per spatial axis: input size, output size, and two numbers in the ratio of the sizes."""
        require_positions(shape, self.name)
        require(
            (self.scale is None) != (self.to is None),
            "upsample needs either a scale (upsample 2) or a size (upsample to=28x28)",
        )
        require(
            not self.align_corners or self.mode != "nearest", "align_corners requires bilinear or bicubic upsampling"
        )
        if self.scale is not None:
            rows = []
            for n, scale in per_axis(spatial(shape), self.scale):
                m = floor(n * scale)
                require(m >= 1, "a factor of {scale} leaves none of {n} positions", scale=scale, n=n)
                results, sources = fraction_terms(scale)
                rows.append((n, m, sources, results))
            return rows
        return [(n, m, n, m) for n, m in per_axis(spatial(shape), self.to or ())]

    def output(self, inputs: Shapes) -> Shape:
        return (inputs[0][0], *(m for _, m, _, _ in self.geometry(inputs[0])))

    def cost(self, inputs: Shapes) -> Cost:
        if self.mode == "nearest":
            return Cost()
        shape = list(inputs[0])
        passes: Number = 0
        for axis, (_, m, _, _) in enumerate(self.geometry(inputs[0]), start=1):
            shape[axis] = m
            passes = passes + product(shape)
        if self.mode == "bicubic":
            return Cost({"mul": 4 * passes, "add": 3 * passes})
        return Cost({"mul": 2 * passes, "add": passes})

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((Window(), *(self._window(*row) for row in self.geometry(inputs[0]))),)

    def _window(self, n: Number, m: Number, sources: Number, results: Number) -> Window:
        if self.mode == "nearest":
            return Window(1, sources, 0, results)
        if self.align_corners:
            steps = maximum(m - 1, 1)  # a single output takes the first position
            between = Window(steps, n - 1, 0, steps)
        else:
            between = Window(2 * results, 2 * sources, results - sources, 2 * results)
        if self.mode == "bilinear":
            return between
        up = between.up
        return replace(between, size=3 * up + 1, padding=between.padding + up, border="replicate")


@operator("pad")
class Pad(PaddedOperator):
    """Padding of the spatial axes, with zeros, or with positions of the input.

    ``reflect`` mirrors the positions at the outermost one, which is not repeated, ``replicate`` repeats that one, and
    ``circular`` continues at the other end.

    Shape:  C×n… → C×m…,  m = n + before + after
    Params: none
    Cost:   nothing
    Window: size 1, padding before
    Source: PyTorch ZeroPad2d, ReflectionPad2d, ReplicationPad2d, CircularPad2d; ONNX Pad
    """

    reads_features = "first"

    aliases = ("zeropadding", "zeropad")

    margin: Margins = pads(
        MISSING, positional=True, sugar="", words=False, help="positions per axis, or per side (1:2)"
    )

    def output(self, inputs: Shapes) -> Shape:
        require_positions(inputs[0], self.name)
        sizes = []
        for n, (before, after) in per_axis(spatial(inputs[0]), self.margin):
            self.require_border(n, before, after)
            sizes.append(n + before + after)
        return (inputs[0][0], *sizes)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((Window(), *(Window(padding=before, border=self.border) for before, _ in self.margin)),)


@operator("crop")
class Crop(Operator):
    """Cropping of positions at the borders.

    Shape:  C×n… → C×m…,  m = n − before − after
    Params: none
    Cost:   nothing
    Window: size 1, padding −before
    Source: Keras Cropping2D
    """

    selects_part = True
    reads_features = "first"

    margin: Margins = pads(
        MISSING, positional=True, sugar="", words=False, help="positions per axis, or per side (1:2)"
    )

    def output(self, inputs: Shapes) -> Shape:
        require_positions(inputs[0], self.name)
        sizes = []
        for n, (before, after) in per_axis(spatial(inputs[0]), self.margin):
            size = n - before - after
            require(
                size >= 1, "cropping {before} and {after} leaves none of {n} positions", before=before, after=after, n=n
            )
            sizes.append(size)
        return (inputs[0][0], *sizes)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((Window(), *(Window(padding=-before) for before, _ in self.margin)),)


@operator("padded_identity")
class PaddedIdentity(Operator):
    """The shortcut of ResNet's option A: every s-th position, and maps of zeros appended to those of the input.

    Shape:  C×n… → channels×m…,  m = ⌈n/s⌉
    Params: none
    Cost:   nothing
    Window: size 1, stride s
    Source: He et al. 2016 (Deep residual learning), section 3.3, option A
    """

    reads_features = "first"

    widths = ("channels",)
    single_channel: ClassVar[Mapping[str, Any]] = {"channels": 1}

    channels: Number = integer(positional=True, help="output channels, at least those of the input")
    stride: Axes = axes(1, sugar="s", help="stride")

    def output(self, inputs: Shapes) -> Shape:
        shape = inputs[0]
        require_positions(shape, self.name)
        require(
            self.channels >= shape[0],
            "padded_identity cannot reduce {before} channels to {after}",
            before=shape[0],
            after=self.channels,
        )
        return (self.channels, *(ceil_div(n, s) for n, s in per_axis(spatial(shape), self.stride)))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((Window(), *(Window(stride=s) for s in self.stride)),)

    def strides(self) -> Axes:
        return self.stride
