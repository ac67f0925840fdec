"""Pooling."""

from __future__ import annotations

from typing import Any

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper, option, per_axis
from archcalc.writers.keras.conv import Sides, padding, same_sides, sides_of
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import KerasContext, at, by_rank, expression, layer, layers, statements, writes

SUBSAMPLE = helper(
    "Subsample",
    '''
class Subsample(layers.Layer):
    """The sum over a window, times a coefficient, plus a bias, one of each per map."""

    def __init__(self, pool_size, strides, **kwargs):
        super().__init__(**kwargs)
        self.pool_size, self.strides = pool_size, strides

    def build(self, input_shape):
        maps = (input_shape[-1],)
        mean = keras.initializers.Constant(1 / self.pool_size**2)
        self.coefficient = self.add_weight(
            shape=maps, initializer=mean, name="coefficient"
        )
        self.bias = self.add_weight(shape=maps, initializer="zeros", name="bias")

    def call(self, x):
        sums = ops.average_pool(x, self.pool_size, self.strides) * self.pool_size**2
        return sums * self.coefficient + self.bias
''',
)


def pooling(context: KerasContext, kind: str, word: str) -> CallExpression:
    """Return a pooling layer, whose strides are the size of the window by default."""
    op = context.op
    size = per_axis(op.kernel)
    return CallExpression(
        by_rank(kind, context.rank),
        (
            CallArgument("pool_size", size, kind="kernel_size", positional=True),
            CallArgument("strides", per_axis(op.stride or op.kernel), size, "strides"),
            option("padding", word, "valid", "padding_word"),
        ),
    )


def reached(context: KerasContext) -> Sides:
    """Return the padding with what windows at the end reach beyond it, if the size is rounded up."""
    op, found = context.op, []
    rows = zip(sides_of(context), context.shape[1:], context.output[1:], op.kernel, op.stride or op.kernel, strict=True)
    for (before, after), n, made, k, s in rows:
        found.append((before, max(after, (made - 1) * s + k - n - before)))
    return found


def fits(context: KerasContext, sides: Sides) -> str | None:
    """Return Keras's word for a padding, if there is one."""
    strides = context.op.stride or context.op.kernel
    usual = [-(-n // s) == made for n, s, made in zip(context.shape[1:], strides, context.output[1:], strict=True)]
    own = same_sides(context)
    if all(usual) and [before for before, _ in own] == [before for before, _ in sides] and any(map(any, sides)):
        return "same"
    return None if any(map(any, sides)) else "valid"


@writes("maxpool")
def write_maxpool(context: KerasContext) -> LayerCode:
    if set(context.op.dilation) != {1}:
        raise NotInLibrary("Keras's max pooling has no dilation")
    sides = reached(context)
    word = fits(context, sides)
    if word is not None:
        return layer(pooling(context, "MaxPooling", word))
    call = pooling(context, "MaxPooling", "valid")
    if context.is_positive:
        return layers(("pad", padding(sides)), ("", call))
    around = ", ".join(f"({before}, {after})" for before, after in sides)
    pad = f'ops.pad($0, ((0, 0), {around}, (0, 0)), constant_values=float("-inf"))'
    return statements(f"{pad}\n$self($_)", ("", call))


@writes("avgpool")
def write_avgpool(context: KerasContext) -> LayerCode:
    op, given, sides = context.op, sides_of(context), reached(context)
    if set(op.dilation) != {1}:
        raise NotInLibrary("Keras's average pooling has no dilation")
    word = fits(context, sides)
    counted = op.count_include_pad and any(map(any, given))
    if word == "valid" or (word == "same" and not counted):  # Keras does not count what it adds
        return layer(pooling(context, "AveragePooling", word))
    if not counted or sides != given:
        raise NotInLibrary("Keras's average pooling pads as 'same' does, or counts what is added")
    return layers(("pad", padding(sides)), ("", pooling(context, "AveragePooling", "valid")))


@writes("subsample")
def write_subsample(context: KerasContext) -> LayerCode:
    op, strides = context.op, context.op.stride or context.op.kernel
    plain = context.rank == 2 and len({*op.kernel}) == len({*strides}) == 1 and set(op.dilation) == {1} and not op.ceil
    if not plain or any(map(any, sides_of(context))):
        raise NotInLibrary("trainable subsampling is written for square windows without padding only")
    args = (
        CallArgument("pool_size", op.kernel[0], kind="kernel_size"),
        CallArgument("strides", strides[0], kind="strides"),
    )
    arrays = {"coefficient": at("coefficient"), "bias": at("bias")}
    return layer(CallExpression(SUBSAMPLE.name, args), helpers=(SUBSAMPLE,), arrays=arrays)


def pooled(context: KerasContext, kind: str) -> LayerCode:
    """Return pooling over all positions; the axes of the positions remain if later layers read maps."""
    keep = CallArgument("keepdims", context.layout is not AxisOrder.VECTOR, False)
    return layer(CallExpression(by_rank(f"Global{kind}Pooling", context.rank), (keep,)))


@writes("gap")
def write_gap(context: KerasContext) -> LayerCode:
    return pooled(context, "Average")


@writes("gmp")
def write_gmp(context: KerasContext) -> LayerCode:
    return pooled(context, "Max")


@writes("adaptive_avgpool", "adaptive_maxpool")
def write_adaptive(context: KerasContext) -> LayerCode:
    """Write pooling to an output size: with equal windows if it divides the size of the input."""
    kind = "Average" if context.op.name == "adaptive_avgpool" else "Max"
    pairs = [*zip(context.shape[1:], context.output[1:], strict=True)]
    if all(n == made for n, made in pairs):
        return expression("$0")
    if all(n % made == 0 for n, made in pairs):
        size: Any = per_axis(tuple([n // made for n, made in pairs]))
        return layer(
            CallExpression(by_rank(f"{kind}Pooling", context.rank), (CallArgument("pool_size", size, positional=True),))
        )
    size = per_axis(tuple(context.output[1:]))
    return layer(
        CallExpression(
            by_rank(f"Adaptive{kind}Pooling", context.rank), (CallArgument("output_size", size, positional=True),)
        )
    )
