"""Pooling: sliding, global and adaptive, and LeNet's trainable subsampling."""

from __future__ import annotations

from math import prod

from archcalc.numeric import Number, gcd, known_equal, product, require
from archcalc.ops.backward import INPUT, Kept, Needs
from archcalc.ops.base import (
    Cost,
    Operator,
    Shape,
    Shapes,
    Weight,
    complete_reach,
    converted_operator,
    operations,
    operator,
    per_axis,
    require_positions,
    spatial,
)
from archcalc.ops.fields import axes, flag, pads
from archcalc.ops.sliding import Axes, Pads, SlidingOperator, output_size
from archcalc.ops.traits import InitialValues, Spread
from archcalc.ops.window import Reach, Window


def indices_kept(outputs: Number) -> tuple[Kept, ...]:
    """Return what PyTorch keeps of a maximum: the input, and the index of every output."""
    return (INPUT, Kept("indices", name="indices", elements=outputs))


class Pool(SlidingOperator):
    """Pooling over sliding windows, of each channel separately."""

    kind = "pooling"
    mixes_channels = False

    kernel: Axes = axes(sugar="k", positional=True, help="window size")
    stride: Axes | None = axes(None, sugar="s", help="stride; by default, the window size")
    pad: Pads = pads(help="padding, less than the window: per axis, per side (1:2), or same, half, valid, full")
    ceil: bool = flag(False, "ceil", help="round the output size up")

    def output(self, inputs: Shapes) -> Shape:
        return (inputs[0][0], *self.positions(inputs[0]))

    def positions(self, shape: Shape) -> Shape:
        sizes = []
        for n, effective, s, p0, p1 in self.geometry(shape):
            for p in (p0, p1):
                require(
                    p < effective, "the padding must be smaller than the window of {size}, got {p}", p=p, size=effective
                )
            sizes.append(output_size(n, effective, s, p0, p1, ceil=self.ceil))
        return tuple(sizes)


@operator("maxpool")
class MaxPool(Pool):
    """Maximum over a sliding window. Padding counts as −∞.

    Shape:  C×n… → C×m…,  m = ⌊(n + p0 + p1 − K)/s⌋ + 1,  K = d(k − 1) + 1;  with ``ceil`` rounded up, less one where
            the last window would start in the padding after the input
    Params: none
    Cost:   k… − 1 comparisons per output (windows over the border counted in full)
    Window: size K, stride s, padding p0
    Source: PyTorch MaxPool2d
    """

    differentiated_by = "both"
    pooled = "maximum"
    aliases = ("maxpooling",)

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        return indices_kept(product(self.output(inputs)))

    def other_pooling(self) -> Operator:
        return converted_operator(AvgPool, self)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(operations(cmp=product(self.output(inputs)) * (product(self.kernel) - 1)))


@operator("avgpool")
class AvgPool(Pool):
    """Average over a sliding window. Padding counts as zeros; with ``exclude_pad``, it is left out.

    With ``ceil``, positions beyond the padding never count (PyTorch).

    Shape:  C×n… → C×m…, m as for maxpool
    Params: none
    Cost:   k… − 1 additions and 1 division per output (windows over the border counted in full)
    Window: size K, stride s, padding p0
    Source: PyTorch AvgPool2d; ``same`` of TensorFlow and Keras excludes the padding; dilation: ONNX AveragePool
    """

    pooled = "average"
    aliases = ("avgpooling", "averagepool", "averagepooling")

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the input, of which PyTorch needs the shape only."""
        return (INPUT,)

    count_include_pad: bool = flag(True, "exclude_pad", help="whether padding counts in the average")

    def other_pooling(self) -> Operator:
        return converted_operator(MaxPool, self)

    def cost(self, inputs: Shapes) -> Cost:
        outputs = product(self.output(inputs))
        return Cost(operations(add=outputs * (product(self.kernel) - 1), div=outputs))


@operator("subsample")
class Subsample(Pool):
    """LeNet's trainable pooling: the sum over a window, times a coefficient, plus a bias, both one per map.

    Shape:  C×n… → C×m…, m as for maxpool
    Params: 2 per map
    Cost:   k… − 1 additions, 1 multiplication and 1 addition (the bias) per output; connections = outputs·(k… + 1); no
            macs
    Window: size K, stride s, padding p0
    Source: LeCun et al. 1998, section II.B (S2: 12 parameters, 5,880 connections)
    """

    differentiated_by = "input"

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        maps = inputs[0][0]
        return (Weight("coefficient", (maps,)), Weight("bias", (maps,), added=True))

    def cost(self, inputs: Shapes) -> Cost:
        outputs = product(self.output(inputs))
        window = product(self.kernel)
        return Cost({"mul": outputs, "add": outputs * window}, connections=outputs * (window + 1))

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; the coefficients are those of an average."""
        return InitialValues(1 / prod(self.kernel)) if array == "coefficient" else super().initial(array, shape, read)


class GlobalPool(Operator):
    """Pooling over all positions; the spatial axes are kept with size 1."""

    reads_features = "first"

    kind = "pooling"
    window_kind = "global"

    def output(self, inputs: Shapes) -> Shape:
        require_positions(inputs[0], self.name)
        return (inputs[0][0], *(1,) * len(spatial(inputs[0])))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return ((Window(), *complete_reach(inputs[0])[1:]),)


@operator("gap")
class GlobalAvgPool(GlobalPool):
    """Global average pooling: the average of each map.

    Shape:  C×n… → C×1…
    Params: none
    Cost:   n… − 1 additions and 1 division per map
    Window: everything
    Source: Lin et al. 2014 (Network in Network); ONNX GlobalAveragePool
    """

    pooled = "average"
    aliases = ("globalaveragepool", "globalaveragepooling", "globalavgpool")

    def other_pooling(self) -> Operator:
        return converted_operator(GlobalMaxPool, self)

    def cost(self, inputs: Shapes) -> Cost:
        shape = inputs[0]
        return Cost(operations(add=product(shape) - shape[0], div=shape[0]))


@operator("gmp")
class GlobalMaxPool(GlobalPool):
    """Global maximum pooling: the maximum of each map.

    Shape:  C×n… → C×1…
    Params: none
    Cost:   n… − 1 comparisons per map
    Window: everything
    Source: ONNX GlobalMaxPool
    """

    differentiated_by = "both"
    pooled = "maximum"
    aliases = ("globalmaxpool", "globalmaxpooling")

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        return indices_kept(inputs[0][0])

    def other_pooling(self) -> Operator:
        return converted_operator(GlobalAvgPool, self)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(operations(cmp=product(inputs[0]) - inputs[0][0]))


class AdaptivePool(Operator):
    """Pooling to a given size: output i of m takes the positions ⌊i·n/m⌋ … ⌈(i + 1)·n/m⌉ − 1."""

    reads_features = "first"

    kind = "pooling"
    window_kind = "adaptive"

    size: Axes = axes(positional=True, help="output size")

    def output(self, inputs: Shapes) -> Shape:
        require_positions(inputs[0], self.name)
        return (inputs[0][0], *self.size)

    def covered(self, shape: Shape) -> Number:
        """Return the total number of elements in all windows.

        Adjacent windows share a position if their boundary i·n/m is not an integer. Of the m − 1 inner boundaries,
        gcd(n, m) − 1 are integers, so the windows of one axis contain n + m − gcd(n, m) positions.
        """
        return shape[0] * product(n + m - gcd(n, m) for n, m in per_axis(spatial(shape), self.size))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        sizes = per_axis(spatial(inputs[0]), self.size)
        return ((Window(), *(None if known_equal(m, 1) else Window(n, n, 0, m) for n, m in sizes)),)


@operator("adaptive_avgpool")
class AdaptiveAvgPool(AdaptivePool):
    """Average over windows that divide the input into a given number of (nearly) equal parts.

    Shape:  C×n… → C×m…
    Params: none
    Cost:   per output, one addition fewer than there are numbers in the window, and 1 division;
            the windows of one axis hold n + m − gcd(n, m) positions together
    Window: ⌊i·n/m⌋ … ⌈(i + 1)·n/m⌉ − 1; everything where m is 1
    Source: PyTorch AdaptiveAvgPool2d
    """

    pooled = "average"

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the input, of which PyTorch needs the shape only; the mean of all positions is another operator."""
        return () if all(known_equal(size, 1) for size in self.size) else (INPUT,)

    def other_pooling(self) -> Operator:
        return converted_operator(AdaptiveMaxPool, self)

    def cost(self, inputs: Shapes) -> Cost:
        outputs = product(self.output(inputs))
        return Cost(operations(add=self.covered(inputs[0]) - outputs, div=outputs))


@operator("adaptive_maxpool")
class AdaptiveMaxPool(AdaptivePool):
    """Maximum over windows that divide the input into a given number of (nearly) equal parts.

    Shape:  C×n… → C×m…
    Params: none
    Cost:   per output, one comparison fewer than there are numbers in the window;
            the windows of one axis hold n + m − gcd(n, m) positions together
    Window: ⌊i·n/m⌋ … ⌈(i + 1)·n/m⌉ − 1; everything where m is 1
    Source: PyTorch AdaptiveMaxPool2d
    """

    differentiated_by = "both"
    pooled = "maximum"

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        return indices_kept(product(self.output(inputs)))

    def other_pooling(self) -> Operator:
        return converted_operator(AdaptiveAvgPool, self)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(operations(cmp=self.covered(inputs[0]) - product(self.output(inputs))))
