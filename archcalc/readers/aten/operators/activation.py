"""Activations, and calls that compute nothing at inference."""

from __future__ import annotations

from archcalc.ops import activation, arithmetic
from archcalc.ops.base import Operator
from archcalc.ops.formats import FLOATS, FORMATS
from archcalc.ops.gate import Glu
from archcalc.ops.joins import Compare, Mul, Where
from archcalc.ops.rearrange import PixelShuffle, SpaceToDepth
from archcalc.ops.structure import ChannelShuffle
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.formats import SATURATED, is_integer
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.per_example import PerExampleStep
from archcalc.readers.steps import ElementwiseStep, Step, along_axis, make

PLAIN: dict[str, type[Operator]] = {
    "relu": activation.Relu,
    "relu6": activation.Relu6,
    "silu": activation.Silu,
    "mish": activation.Mish,
    "sigmoid": activation.Sigmoid,
    "tanh": activation.Tanh,
    "hardswish": activation.HardSwish,
    "hardsigmoid": activation.HardSigmoid,
    "selu": activation.Selu,
    "exp": arithmetic.Exp,
    "log": arithmetic.Log,
    "sqrt": arithmetic.Sqrt,
    "abs": arithmetic.Abs,
    "sin": arithmetic.Sin,
    "cos": arithmetic.Cos,
    "atan": arithmetic.Atan,
    "arctan": arithmetic.Atan,
    "erf": arithmetic.Erf,
    "floor": arithmetic.Floor,
}
"""The activations without arguments."""


def elementwise(a: Arguments, op: Operator) -> list[Step]:
    """Return the step of an operator that treats all elements alike."""
    return [ElementwiseStep(op=op, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates(*PLAIN)
def plain(a: Arguments) -> list[Step]:
    return elementwise(a, PLAIN[a.operator]())


@translates("hardtanh")
def hardtanh(a: Arguments) -> list[Step]:
    low, high = a.number("min_val", -1.0), a.number("max_val", 1.0)
    return elementwise(a, activation.Relu6() if low == 0 and high == 6 else make(arithmetic.Clip, min=low, max=high))


@translates("prelu", "_prelu_kernel")
def prelu(a: Arguments) -> list[Step]:
    if a.reading.stored(a.name("weight"), "slope") is None:
        return prelu_by_tensor(a)
    slopes = "shared" if a.sizes("weight") == (1,) else "channels"
    stored = {"slope": a.needs_stored("weight", "slope")}
    op, rank = make(activation.PRelu, slopes=slopes), len(a.sizes("self"))
    return [PerExampleStep(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),), stored=stored)]


def prelu_by_tensor(a: Arguments) -> list[Step]:
    """Return the steps of x where it is positive, a computed slope times x elsewhere."""
    sizes, slopes = a.sizes("self"), a.sizes("weight")
    c, x, slope = Composition(a), a.tensor("self"), a.tensor("weight")
    if len(slopes) == 1 and slopes[0] > 1:
        target = (-1, *(1,) * (len(sizes) - 2))
        slope = c.reshape(slope, target, (*slopes, *target[1:]))
    return c.done(c.join(Where(), x, x, c.join(Mul(), x, slope)))


@translates("glu")
def gated(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")), -1)
    return [along_axis(axis, make(Glu), a.tensor("self"), a.result())]


@translates("channel_shuffle")
def channel_shuffle(a: Arguments) -> list[Step]:
    op, rank = ChannelShuffle(groups=a.integer("groups")), len(a.sizes("self"))
    return [PerExampleStep(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates("pixel_shuffle", "pixel_unshuffle")
def pixel_shuffle(a: Arguments) -> list[Step]:
    op: Operator
    if a.operator == "pixel_shuffle":
        op = make(PixelShuffle, block=a.integer("upscale_factor"))
    else:
        op = make(SpaceToDepth, block=a.integer("downscale_factor"))
    rank = len(a.sizes("self"))
    return [PerExampleStep(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates("leaky_relu")
def leaky_relu(a: Arguments) -> list[Step]:
    return elementwise(a, activation.LeakyRelu(slope=a.number("negative_slope", 0.01)))


@translates("elu")
def elu(a: Arguments) -> list[Step]:
    if not a.is_default("scale", 1, 1.0) or not a.is_default("input_scale", 1, 1.0):
        raise Untranslatable("a scaled elu")
    return elementwise(a, activation.Elu(alpha=a.number("alpha", 1.0)))


@translates("gelu")
def gelu(a: Arguments) -> list[Step]:
    return elementwise(a, activation.Gelu(form={"none": "exact"}.get(a.text("approximate", "none"), "tanh")))


@translates("softplus")
def softplus(a: Arguments) -> list[Step]:
    """Translate log(1 + e^(β·x))/β."""
    if a.is_default("beta", 1, 1.0):
        return elementwise(a, activation.Softplus())
    c, beta = Composition(a), a.number("beta")
    ops = make(arithmetic.Scale, factor=beta), activation.Softplus(), make(arithmetic.Scale, factor=1 / beta)
    return c.done(c.apply(a.tensor("self"), *ops))


@translates("softmax", "log_softmax", "_softmax", "_log_softmax")
def softmax(a: Arguments) -> list[Step]:
    op = make(activation.LogSoftmax) if "log" in a.operator else make(activation.Softmax)
    return [along_axis(a.axis("dim", len(a.sizes("self"))), op, a.tensor("self"), a.result())]


def towards_zero(c: Composition, x: int) -> int:
    """Return the integers between numbers and zero that are nearest to the numbers."""
    below = c.join(Compare(how="less"), x, c.number(0))
    opposite = make(arithmetic.Scale, factor=-1)
    return c.join(Where(), below, c.apply(x, opposite, arithmetic.Floor(), opposite), c.apply(x, arithmetic.Floor()))


@translates("trunc", "fix")
def truncated(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(towards_zero(c, a.tensor("self")))


@translates("ceil")
def rounded_up(a: Arguments) -> list[Step]:
    c, opposite = Composition(a), make(arithmetic.Scale, factor=-1)
    return c.done(c.apply(a.tensor("self"), opposite, arithmetic.Floor(), opposite))


@translates("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def dropout(a: Arguments) -> list[Step]:
    if a.flag("train", default=False):
        raise Untranslatable("dropout in training: export the model after model.eval()")
    a.reading.same(a.result_name, a.name("input" if a.is_tensor("input") else "self"))
    return []


@translates("contiguous", "alias", "clone", "detach", "lift_fresh_copy", "identity", "positive", "alias_copy")
def unchanged(a: Arguments) -> list[Step]:
    a.reading.same(a.result_name, a.name("self"))
    return []


@translates("to", "type_as", "_to_copy")
def converted(a: Arguments) -> list[Step]:
    """Translate a conversion to another number format.

    Numbers are rounded to a narrower format, and truncated to integers; as Booleans, they say whether they are not 0.

    Weights of another format remain parameters.
    """
    before, after = a.reading.dtype(a.name("self")), a.reading.dtype(a.result_name)
    form = FORMATS.get(after)
    is_narrower = form in FLOATS and form.bits <= 16 and before in FORMATS and not form.contains(FORMATS[before])
    if is_narrower and not a.reading.is_of_weights(a.name("self")):
        return elementwise(a, make(arithmetic.Cast, format=after, saturate=after in SATURATED))
    if after == "bool" and before != "bool":
        c = Composition(a)
        return c.done(c.join(make(Compare, how="not_equal"), a.tensor("self"), c.number(0)))
    if is_integer(after) and not is_integer(before):
        c = Composition(a)
        return c.done(towards_zero(c, a.tensor("self")))
    a.reading.same(a.result_name, a.name("self"))
    return []
