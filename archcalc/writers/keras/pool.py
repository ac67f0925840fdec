"""Pooling."""

from __future__ import annotations

from typing import Any

from archcalc.writers.code.calls import Arg, CallExpression, Code, NotInLibrary, per_axis
from archcalc.writers.keras.conv import Sides, padding, same_sides, sides_of
from archcalc.writers.keras.layout import AxisOrder
from archcalc.writers.keras.registry import (
    LayerContext,
    at,
    by_rank,
    expression,
    helper,
    layer,
    layers,
    option,
    statements,
    writes,
)

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


def pooling(view: LayerContext, kind: str, word: str) -> CallExpression:
    """Return a pooling layer, whose strides are the size of the window by default."""
    op = view.op
    size = per_axis(op.kernel)
    return CallExpression(
        by_rank(kind, view.rank),
        (
            Arg("pool_size", size, kind="kernel_size", positional=True),
            Arg("strides", per_axis(op.stride or op.kernel), size, "strides"),
            option("padding", word, "valid", "padding_word"),
        ),
    )


def reached(view: LayerContext) -> Sides:
    """Return the padding with what windows at the end reach beyond it, if the size is rounded up."""
    op, found = view.op, []
    rows = zip(sides_of(view), view.shape[1:], view.output[1:], op.kernel, op.stride or op.kernel, strict=True)
    for (before, after), n, made, k, s in rows:
        found.append((before, max(after, (made - 1) * s + k - n - before)))
    return found


def fits(view: LayerContext, sides: Sides) -> str | None:
    """Return Keras's word for a padding, if there is one."""
    strides = view.op.stride or view.op.kernel
    usual = [-(-n // s) == made for n, s, made in zip(view.shape[1:], strides, view.output[1:], strict=True)]
    own = same_sides(view)
    if all(usual) and [before for before, _ in own] == [before for before, _ in sides] and any(map(any, sides)):
        return "same"
    return None if any(map(any, sides)) else "valid"


@writes("maxpool")
def write_maxpool(view: LayerContext) -> Code:
    if set(view.op.dilation) != {1}:
        raise NotInLibrary("Keras's max pooling has no dilation")
    sides = reached(view)
    word = fits(view, sides)
    if word is not None:
        return layer(pooling(view, "MaxPooling", word))
    call = pooling(view, "MaxPooling", "valid")
    if view.is_positive:
        return layers(("pad", padding(sides)), ("", call))
    around = ", ".join(f"({before}, {after})" for before, after in sides)
    pad = f'ops.pad($0, ((0, 0), {around}, (0, 0)), constant_values=float("-inf"))'
    return statements(f"{pad}\n$self($_)", ("", call))


@writes("avgpool")
def write_avgpool(view: LayerContext) -> Code:
    op, given, sides = view.op, sides_of(view), reached(view)
    if set(op.dilation) != {1}:
        raise NotInLibrary("Keras's average pooling has no dilation")
    word = fits(view, sides)
    counted = op.count_include_pad and any(map(any, given))
    if word == "valid" or (word == "same" and not counted):  # Keras does not count what it adds
        return layer(pooling(view, "AveragePooling", word))
    if not counted or sides != given:
        raise NotInLibrary("Keras's average pooling pads as 'same' does, or counts what is added")
    return layers(("pad", padding(sides)), ("", pooling(view, "AveragePooling", "valid")))


@writes("subsample")
def write_subsample(view: LayerContext) -> Code:
    op, strides = view.op, view.op.stride or view.op.kernel
    plain = view.rank == 2 and len({*op.kernel}) == len({*strides}) == 1 and set(op.dilation) == {1} and not op.ceil
    if not plain or any(map(any, sides_of(view))):
        raise NotInLibrary("trainable subsampling is written for square windows without padding only")
    args = Arg("pool_size", op.kernel[0], kind="kernel_size"), Arg("strides", strides[0], kind="strides")
    arrays = {"coefficient": at("coefficient"), "bias": at("bias")}
    return layer(CallExpression(SUBSAMPLE.name, args), helpers=(SUBSAMPLE,), arrays=arrays)


def pooled(view: LayerContext, kind: str) -> Code:
    """Return pooling over all positions; the axes of the positions remain if later layers read maps."""
    keep = Arg("keepdims", view.layout is not AxisOrder.VECTOR, False)
    return layer(CallExpression(by_rank(f"Global{kind}Pooling", view.rank), (keep,)))


@writes("gap")
def write_gap(view: LayerContext) -> Code:
    return pooled(view, "Average")


@writes("gmp")
def write_gmp(view: LayerContext) -> Code:
    return pooled(view, "Max")


@writes("adaptive_avgpool", "adaptive_maxpool")
def write_adaptive(view: LayerContext) -> Code:
    """Write pooling to an output size: with equal windows if it divides the size of the input."""
    kind = "Average" if view.op.name == "adaptive_avgpool" else "Max"
    pairs = [*zip(view.shape[1:], view.output[1:], strict=True)]
    if all(n == made for n, made in pairs):
        return expression("$0")
    if all(n % made == 0 for n, made in pairs):
        size: Any = per_axis(tuple([n // made for n, made in pairs]))
        return layer(CallExpression(by_rank(f"{kind}Pooling", view.rank), (Arg("pool_size", size, positional=True),)))
    size = per_axis(tuple(view.output[1:]))
    return layer(
        CallExpression(by_rank(f"Adaptive{kind}Pooling", view.rank), (Arg("output_size", size, positional=True),))
    )
