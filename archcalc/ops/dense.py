"""Fully connected layers, radial basis functions, and embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archcalc.numeric import Number, product
from archcalc.ops.backward import INPUT, Kept, Needs
from archcalc.ops.base import Cost, Operator, Shape, Shapes, Weight, axis_reach, complete_reach, operations, operator
from archcalc.ops.conv import WeightedSums, weighted_sums_cost
from archcalc.ops.fields import Features, axis_word, flag, integer
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, Kernels, NoGradient, Spread, Sums
from archcalc.ops.window import Reach


class Dense(WeightedSums):
    """A fully connected layer."""

    kind = "dense"
    widths = ("features",)
    single_channel: ClassVar[Mapping[str, Any]] = {"features": 1}


@operator("fc")
class FullyConnected(Dense):
    """Fully connected layer. A tensor is flattened first, channels outermost.

    Shape:  any n… → features
    Params: features·n…  and one bias per feature
    Cost:   macs = features·n…;  as many additions (the bias included), one fewer per feature without bias
    Window: everything
    Source: PyTorch Linear after Flatten; ONNX Gemm
    """

    aliases = ("fullyconnected",)
    flattens = True

    features: Number = integer(positional=True, help="outputs (units)")
    bias: bool = flag(True, "nobias", help="a bias per output")

    def output(self, inputs: Shapes) -> Shape:
        return (self.features,)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("weight", (self.features, product(inputs[0]))), *self.per_channel(self.features))

    def cost(self, inputs: Shapes) -> Cost:
        return weighted_sums_cost(self.features * product(inputs[0]), self.features, self.bias)

    def sums(self, shape: Shape) -> Sums:
        return Sums((Kernels("weight", shape[0], self.features),))

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (complete_reach(inputs[0]),)


@operator("linear")
class Linear(Dense):
    """A fully connected layer applied along one axis, at every position of the other axes.

    By default, this is the last axis: that of the channels in a file with ``layout: hwc``, as in Keras, and otherwise
    the last spatial axis.

    Shape:  n…×L → n…×features;  C×n… → features×n… with ``axis=channels``
    Params: features·L  and one bias per feature
    Cost:   macs = n…·features·L;  as many additions (the bias included), one fewer per output without bias
    Window: all of the axis, if it is spatial; its own position on the others
    Source: PyTorch Linear; Keras Dense
    """

    @property
    def reads_features(self) -> Features:  # type: ignore[override]
        """Where features are: along the axis of the sums."""
        return "first" if self.axis == "channels" else "last"

    features: Number = integer(positional=True, help="outputs (units) at every position")
    axis: str = axis_word("last", help="the axis of the sums")
    bias: bool = flag(True, "nobias", help="a bias per output feature")

    def over_channels(self, shape: Shape) -> bool:
        """Return whether the sums run over the channels."""
        return self.axis == "channels" or len(shape) == 1

    def length(self, shape: Shape) -> Number:
        """Return the number of terms of a sum."""
        return shape[0] if self.over_channels(shape) else shape[-1]

    def output(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        return (self.features, *shape[1:]) if self.over_channels(shape) else (*shape[:-1], self.features)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("weight", (self.features, self.length(inputs[0]))), *self.per_channel(self.features))

    def cost(self, inputs: Shapes) -> Cost:
        outputs = product(self.output(inputs))
        return weighted_sums_cost(outputs * self.length(inputs[0]), outputs, self.bias)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        (shape,) = inputs
        return (axis_reach(0 if self.over_channels(shape) else -1, shape),)

    def sums(self, shape: Shape) -> Sums:
        return Sums((Kernels("weight", self.length(shape), self.features),), per_channel=self.over_channels(shape))


@operator("rbf")
class RadialBasis(Operator):
    """Euclidean radial basis function units, the output layer of LeNet-5: y_i = Σ_j (x_j − w_ij)².

    Shape:  any n… → features (flattened first, as by fc)
    Params: features·n…, fixed (chosen by hand in LeNet-5) unless ``trainable``
    Cost:   per output n… subtractions, n… multiplications, n… − 1 additions; connections = features·n…; no macs (no
            weighted sum)
    Window: everything
    Source: LeCun et al. 1998, section II.B, equation 7
    """

    flattens = True
    differentiated_by = "input"
    widths = ("features",)
    single_channel: ClassVar[Mapping[str, Any]] = {"features": 1}

    features: Number = integer(positional=True, help="outputs (units, classes)")
    trainable: bool = flag(False, "trainable", help="whether the centres are learned")

    def output(self, inputs: Shapes) -> Shape:
        return (self.features,)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("centre", (self.features, product(inputs[0])), self.trainable),)

    def cost(self, inputs: Shapes) -> Cost:
        pairs = self.features * product(inputs[0])
        return Cost(operations(mul=pairs, add=2 * pairs - self.features), connections=pairs)

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        return InitialValues(deviation=1.0)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (complete_reach(inputs[0]),)


@operator("embedding")
class Embedding(Operator):
    """A table of vectors: every element of the input is an index, replaced by its vector along a new last axis.

    Shape:  n… → n…×dim
    Params: vocabulary·dim
    Cost:   nothing (a lookup); connections = n…·dim
    Window: position by position
    Source: PyTorch Embedding
    """

    no_gradient = NoGradient("indices are integers", inputs=(0,))
    reads_features = "none"
    widths = ("dim", "vocabulary")
    single_channel: ClassVar[Mapping[str, Any]] = {"vocabulary": 1}

    vocabulary: Number = integer(positional=True, help="number of vectors")
    dim: Number = integer(positional=True, help="length of a vector")

    def output(self, inputs: Shapes) -> Shape:
        return (*inputs[0], self.dim)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (Weight("weight", (self.vocabulary, self.dim)),)

    def cost(self, inputs: Shapes) -> Cost:
        return Cost(connections=product(self.output(inputs)))

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the indices: the rows of the table that have gradients."""
        return (INPUT,)

    @property
    def index_limit(self) -> Number:
        return self.vocabulary

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        return InitialValues(deviation=1.0)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD
