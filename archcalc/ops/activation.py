"""Activations, and other operators that keep the shape and compute one element (or the elements of one axis) at a time.

Costs count all operations of the formula in the docstring for every element, regardless of the branch that it takes.
Docstrings omit what is common to element-wise operators: unchanged shape, no parameters, position by position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from archcalc.numeric import Number, both, exact_div, known_equal, product, require, require_divisible
from archcalc.ops.backward import INPUT, Kept, Needs
from archcalc.ops.base import (
    Cost,
    Operator,
    Shape,
    Shapes,
    Weight,
    axis_index,
    axis_reach,
    operations,
    operator,
    require_positions,
)
from archcalc.ops.fields import axis, integer, real, word
from archcalc.ops.traits import Dropped, Kind, Spread
from archcalc.ops.window import Reach


class Elementwise(Operator):
    """An operator that applies the same operations to every element."""

    kind: ClassVar[Kind] = "activation"
    per_element: ClassVar[Mapping[str, Number]] = operations()
    """The number of operations per element by kind."""

    def cost(self, inputs: Shapes) -> Cost:
        elements = product(inputs[0])
        return Cost({kind: count * elements for kind, count in self.per_element.items()})


class Rectifier(Elementwise):
    """An activation whose outputs are distributed approximately like those of max(x, 0)."""

    rectifies = True

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return read[0].rectified()


class FixedSpread(Operator):
    """An operator whose outputs have approximately the same distribution for every input."""

    typical_spread: ClassVar[Spread]
    """The mean and variance of the outputs."""

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return self.typical_spread


@operator("relu")
class Relu(Rectifier):
    """Rectified linear unit: max(x, 0).

    Cost:   1 comparison per element
    Source: Nair & Hinton 2010
    """

    differentiated_by = "output"
    in_place = "output"
    per_element = operations(cmp=1)


@operator("relu6")
class Relu6(Rectifier):
    """Rectified linear unit with an upper bound: min(max(x, 0), 6).

    Cost:   2 comparisons per element
    Source: Krizhevsky 2010 (CIFAR-10 report); PyTorch ReLU6
    """

    differentiated_by = "output"
    in_place = "output"
    per_element = operations(cmp=2)

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the input, as for any clipping; of one that is written over, PyTorch makes a copy."""
        return (Kept("made", name="copy", elements=product(inputs[0])) if in_place else INPUT,)


@operator("leaky_relu")
class LeakyRelu(Rectifier):
    """Leaky rectified linear unit: x where x > 0, else slope·x.

    Cost:   1 comparison and 1 multiplication per element
    Source: Maas et al. 2013; PyTorch LeakyReLU
    """

    differentiated_by = "input"
    in_place = "output"
    per_element = operations(cmp=1, mul=1)

    slope: Number = real(Fraction(1, 100), positional=True, help="slope for negative numbers")


@operator("prelu")
class PRelu(Rectifier):
    """Parametric rectified linear unit: x where x > 0, else a·x with learned a.

    Params: 1, or one per channel
    Cost:   1 comparison and 1 multiplication per element; connections: 1 per element
    Source: He et al. 2015 (Delving deep into rectifiers); PyTorch PReLU (shared by default)
    """

    differentiated_by = "input"
    per_element = operations(cmp=1, mul=1)

    slopes: str = word("shared", "shared", "channels", flags=True, help="one slope for all channels or one per channel")

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("slope", (1,) if self.slopes == "shared" else inputs[0][:1]),)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(super().cost(inputs).operations, connections=product(inputs[0]))


@operator("elu")
class Elu(Elementwise):
    """Exponential linear unit: x where x > 0, else alpha·(eˣ − 1).

    Cost:   1 comparison, 1 exponential, 1 addition, 1 multiplication per element
    Source: Clevert et al. 2016; PyTorch ELU
    """

    differentiated_by = "input"
    in_place = "output"
    per_element = operations(cmp=1, exp=1, add=1, mul=1)

    alpha: Number = real(1, positional=True, help="factor below zero; the limit there is −alpha")


@operator("selu")
class Selu(Elementwise):
    """Scaled exponential linear unit: λ·(x where x > 0, else α·(eˣ − 1)), λ ≈ 1.0507, α ≈ 1.6733.

    Cost:   1 comparison, 1 exponential, 1 addition, 2 multiplications per element
    Source: Klambauer et al. 2017
    """

    differentiated_by = "input"
    in_place = "output"
    per_element = operations(cmp=1, exp=1, add=1, mul=2)


@operator("gelu")
class Gelu(Elementwise):
    """Gaussian error linear unit: ½x·(1 + erf(x·√½)), or with ``tanh`` ½x·(1 + tanh(√(2/π)·(x + 0.044715·x·x·x))).

    Cost:   exact: 3 multiplications, 1 addition, 1 error function per element;
            tanh: 6 multiplications, 2 additions, 1 hyperbolic tangent per element
    Source: Hendrycks & Gimpel 2016; PyTorch GELU
    """

    differentiated_by = "input"

    form: str = word("exact", "exact", "tanh", flags=True, help="the definition or its approximation")

    def cost(self, inputs: Shapes) -> Cost:
        elements = product(inputs[0])
        if self.form == "exact":
            return Cost({"mul": 3 * elements, "add": elements, "erf": elements})
        return Cost({"mul": 6 * elements, "add": 2 * elements, "tanh": elements})


@operator("silu")
class Silu(Elementwise):
    """Sigmoid linear unit (swish): x/(1 + e⁻ˣ).

    Cost:   1 exponential, 1 addition, 1 division per element
    Source: Elfwing et al. 2018; Ramachandran et al. 2017
    """

    differentiated_by = "input"
    aliases = ("swish",)

    per_element = operations(exp=1, add=1, div=1)


@operator("mish")
class Mish(Elementwise):
    """Mish: x·tanh(log(1 + eˣ)).

    Cost:   1 exponential, 1 addition, 1 logarithm, 1 hyperbolic tangent, 1 multiplication per element
    Source: Misra 2020
    """

    differentiated_by = "input"
    per_element = operations(exp=1, add=1, log=1, tanh=1, mul=1)


@operator("sigmoid")
class Sigmoid(FixedSpread, Elementwise):
    """Logistic function: 1/(1 + e⁻ˣ).

    Cost:   1 exponential, 1 addition, 1 division per element
    Source: PyTorch Sigmoid
    """

    differentiated_by = "output"
    in_place = "output"
    typical_spread = Spread(0.5, 0.05)
    per_element = operations(exp=1, add=1, div=1)


@operator("tanh")
class Tanh(FixedSpread, Elementwise):
    """Hyperbolic tangent.

    Cost:   1 hyperbolic tangent per element
    Source: PyTorch Tanh
    """

    differentiated_by = "output"
    in_place = "output"
    typical_spread = Spread(0.0, 0.4)
    per_element = operations(tanh=1)


@operator("hardswish")
class HardSwish(Elementwise):
    """Swish with a piecewise linear logistic function: x·min(max(x + 3, 0), 6)/6.

    Cost:   1 addition, 2 comparisons, 1 multiplication, 1 division per element
    Source: Howard et al. 2019 (MobileNetV3); PyTorch Hardswish
    """

    differentiated_by = "input"
    per_element = operations(add=1, cmp=2, mul=1, div=1)


@operator("hardsigmoid")
class HardSigmoid(Elementwise):
    """Piecewise linear logistic function: min(max(x + 3, 0), 6)/6.

    Cost:   1 addition, 2 comparisons, 1 division per element
    Source: Howard et al. 2019 (MobileNetV3); PyTorch Hardsigmoid
    """

    differentiated_by = "input"
    per_element = operations(add=1, cmp=2, div=1)


@operator("softplus")
class Softplus(Elementwise):
    """Smooth rectifier: log(1 + eˣ).

    Cost:   1 exponential, 1 addition, 1 logarithm per element
    Source: Dugas et al. 2001; PyTorch Softplus
    """

    differentiated_by = "input"
    per_element = operations(exp=1, add=1, log=1)


@operator("maxout")
class Maxout(Operator):
    """Maximum over groups of consecutive channels: output i takes the input channels i·pieces … i·pieces + pieces − 1.

    Shape:  C×n… → (C/pieces)×n…
    Params: none
    Cost:   pieces − 1 comparisons per output
    Window: position by position
    Source: Goodfellow et al. 2013
    """

    differentiated_by = "both"
    reads_features = "first"

    kind = "activation"
    single_channel: ClassVar[Mapping[str, Any]] = {"pieces": 1}

    pieces: Number = integer(positional=True, help="number of channels per group; must divide the channels")

    def output(self, inputs: Shapes) -> Shape:
        channels, *positions = inputs[0]
        require_divisible(channels, self.pieces, "{number} channels are not divisible into groups of {divisor}")
        return (exact_div(channels, self.pieces), *positions)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost({"cmp": product(inputs[0]) - product(self.output(inputs))})


class AxisNormalisation(Operator):
    """An operator that normalises the elements along one axis together."""

    axis: int = axis()

    def output(self, inputs: Shapes) -> Shape:
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def counts(self, shape: Shape) -> tuple[Number, Number]:
        """Return the number of elements, and of the groups that are normalised together."""
        axis = axis_index(self.axis, shape)
        return product(shape), product(shape[:axis] + shape[axis + 1 :])

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (axis_reach(axis_index(self.axis, inputs[0]), inputs[0]),)


@operator("softmax")
class Softmax(FixedSpread, AxisNormalisation):
    """Softmax along an axis: e^(x − max)/Σ e^(x − max).

    Shape:  any, unchanged
    Params: none
    Cost:   per group of N numbers N − 1 comparisons (the maximum), N additions (its subtraction), N exponentials, N − 1
            additions (their sum), N divisions
    Window: position by position; everything along a spatial axis that is normalised
    Source: PyTorch Softmax
    """

    differentiated_by = "output"
    scores = "probabilities"
    typical_spread = Spread(0.0, 0.1)

    def cost(self, inputs: Shapes) -> Cost:
        elements, groups = self.counts(inputs[0])
        return Cost({"cmp": elements - groups, "add": 2 * elements - groups, "exp": elements, "div": elements})


@operator("log_softmax")
class LogSoftmax(AxisNormalisation):
    """Logarithm of the softmax along an axis: z − log Σ e^z, z = x − max.

    Shape:  any, unchanged
    Params: none
    Cost:   per group of N numbers N − 1 comparisons (the maximum), N additions (its subtraction), N exponentials, N − 1
            additions (their sum), 1 logarithm, N additions (its subtraction)
    Window: position by position; everything along a spatial axis that is normalised
    Source: PyTorch LogSoftmax
    """

    differentiated_by = "output"
    scores = "log-probabilities"

    def cost(self, inputs: Shapes) -> Cost:
        elements, groups = self.counts(inputs[0])
        return Cost({"cmp": elements - groups, "add": 3 * elements - groups, "exp": elements, "log": groups})


SCALES = ("training", "inference")
"""When dropout scales its output: by 1/(1 − rate) in training (inverted dropout), or by 1 − rate at inference."""


@operator("dropout")
class Dropout(Operator):
    """Dropout: in training, each element is set to zero with probability rate, and divided by 1 − rate otherwise.

    With ``scale=inference`` it is not divided in training; instead, all elements are multiplied by 1 − rate at
    inference. In both cases, the output at inference is the mean of that in training.

    Cost:   nothing at inference; with ``scale=inference`` 1 multiplication per element
    Source: PyTorch Dropout; with ``scale=inference`` Srivastava et al. 2014, AlexNet (Krizhevsky et al. 2012)
    """

    drops: ClassVar[Dropped] = "elements"
    in_place = ""

    rate: Number = real(Fraction(1, 2), positional=True, help="probability of a zero")
    scale: str = word("training", *SCALES, later=SCALES, help="when the output is scaled")

    def output(self, inputs: Shapes) -> Shape:
        require(
            both(self.rate >= 0, self.rate <= 1),
            "the rate of {what} must be from 0 to 1, got {rate}",
            what=self.name,
            rate=self.rate,
        )
        return inputs[0]

    def cost(self, inputs: Shapes) -> Cost:
        return Cost({"mul": product(inputs[0])}) if self.scale == "inference" else Cost()

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the mask, if anything is dropped."""
        elements = product(inputs[0][:1] if self.drops == "maps" else inputs[0])
        return () if known_equal(self.rate, 0) else (Kept("mask", name="mask", elements=elements),)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        keep = float(1 - self.rate) if self.scale == "inference" else 1.0
        return Spread(read[0].mean * keep, read[0].variance * keep**2)


@operator("spatial_dropout")
class SpatialDropout(Dropout):
    """Spatial dropout: like dropout, but of entire maps.

    Cost:   nothing at inference; with ``scale=inference`` 1 multiplication per element
    Source: Tompson et al. 2015; PyTorch Dropout2d
    """

    reads_features = "first"
    drops = "maps"

    def output(self, inputs: Shapes) -> Shape:
        require_positions(inputs[0], self.name)
        return super().output(inputs)
