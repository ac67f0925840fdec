"""Fully connected layers, and embeddings."""

from __future__ import annotations

from math import prod

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper, option, width
from archcalc.writers.keras.conv import ending
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, at, expression, is_same_order, layer, layers, writes

FLATTEN = CallExpression("layers.Flatten")

RADIAL_BASIS = helper(
    "RadialBasis",
    '''
class RadialBasis(layers.Layer):
    """The squared distances of a vector from centres."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.centre = self.add_weight(shape=(self.units, input_shape[-1]), name="centre")

    def call(self, x):
        return ops.sum(ops.square(x[:, None] - self.centre), axis=-1)
''',
)


def transpose(matrix: object) -> object:
    """Return a matrix transposed."""
    return matrix.T  # type: ignore[attr-defined]


DENSE = {"weight": at("kernel", transpose), "bias": at("bias")}
"""Where the arrays are: Keras's kernels are inputs × outputs."""


def flattening(context: KerasContext) -> tuple[tuple[str, CallExpression], ...]:
    """Return the layers that make a vector of a tensor, whose elements have the order of the graph."""
    layout, rank = context.layouts[0], len(context.shape)
    if rank == 1 or layout is AxisOrder.VECTOR:
        return ()
    flat = (("flatten", FLATTEN),)
    if is_same_order(context.shape, layout, AxisOrder.FIRST):
        return flat
    places = tuple([layout.order(rank).index(axis) + 1 for axis in range(rank)])
    return (("permute", CallExpression("layers.Permute", (CallArgument("dims", places, positional=True),))), *flat)


def dense(context: KerasContext) -> CallExpression:
    """Return the layer that computes weighted sums of features."""
    if context.op.weight_norm:
        raise NotInLibrary("a fully connected layer with weight norm is not written")
    return CallExpression("layers.Dense", (width("units", context.op.features), *ending(context)))


@writes("fc")
def write_fc(context: KerasContext) -> LayerCode:
    return layers(*flattening(context), ("", dense(context)), arrays=DENSE)


@writes("flatten")
def write_flatten(context: KerasContext) -> LayerCode:
    found = flattening(context)
    return layers(*found[:-1], ("", found[-1][1])) if found else expression("$0")


@writes("linear")
def write_linear(context: KerasContext) -> LayerCode:
    return layer(dense(context), arrays=DENSE)


@writes("rbf")
def write_rbf(context: KerasContext) -> LayerCode:
    args = (width("units", context.op.features), option("trainable", context.op.trainable, True))
    call = CallExpression(RADIAL_BASIS.name, args)
    return layers(*flattening(context), ("", call), helpers=(RADIAL_BASIS,), arrays={"centre": at("centre")})


@writes("embedding")
def write_embedding(context: KerasContext) -> LayerCode:
    op = context.op
    args = (CallArgument("input_dim", op.vocabulary, positional=True), width("output_dim", op.dim))
    if prod(context.shape) == 0 or any(context.single):
        raise NotInLibrary("an embedding of stored numbers is not written")
    cls = "layers.ReversibleEmbedding" if context.is_reversed else "layers.Embedding"
    return layer(CallExpression(cls, args), arrays={"weight": at("embeddings")})
