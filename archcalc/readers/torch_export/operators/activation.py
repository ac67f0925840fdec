"""Activations, and calls that compute nothing at inference."""

from __future__ import annotations

from archcalc.ops import activation, arithmetic
from archcalc.ops.base import Operator
from archcalc.ops.gate import Glu
from archcalc.ops.structure import ChannelShuffle
from archcalc.readers.steps import Elementwise, PerExample, Step, along_axis, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates

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
}
"""The activations without arguments."""


def elementwise(a: Arguments, op: Operator) -> list[Step]:
    """Return the step of an operator that treats all elements alike."""
    return [Elementwise(op=op, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@translates(*PLAIN)
def plain(a: Arguments) -> list[Step]:
    return elementwise(a, PLAIN[a.operator]())


@translates("hardtanh")
def hardtanh(a: Arguments) -> list[Step]:
    low, high = a.number("min_val", -1.0), a.number("max_val", 1.0)
    if low != 0 or high != 6:
        raise Untranslatable(f"hardtanh from {low} to {high}")
    return elementwise(a, activation.Relu6())


@translates("clamp", "clip")
def clamp(a: Arguments) -> list[Step]:
    low, high = (None if a.is_default(name, None) else a.number(name) for name in ("min", "max"))
    return elementwise(a, make(arithmetic.Clip, min=low, max=high))


@translates("pow")
def power(a: Arguments) -> list[Step]:
    return elementwise(a, make(arithmetic.Pow, exponent=a.number("exponent")))


@translates("prelu")
def prelu(a: Arguments) -> list[Step]:
    slopes = "shared" if a.sizes("weight") == (1,) else "channels"
    stored = {"slope": a.needs_stored("weight")}
    op, rank = make(activation.PRelu, slopes=slopes), len(a.sizes("self"))
    return [PerExample(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),), stored=stored)]


@translates("glu")
def gated(a: Arguments) -> list[Step]:
    axis = a.axis("dim", len(a.sizes("self")), -1)
    return [along_axis(axis, make(Glu), a.tensor("self"), a.result())]


@translates("channel_shuffle")
def channel_shuffle(a: Arguments) -> list[Step]:
    op, rank = ChannelShuffle(groups=a.integer("groups")), len(a.sizes("self"))
    return [PerExample(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


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
    if not a.is_default("beta", 1, 1.0):
        raise Untranslatable("softplus with a factor beta")
    return elementwise(a, activation.Softplus())


@translates("softmax", "log_softmax", "_softmax", "_log_softmax")
def softmax(a: Arguments) -> list[Step]:
    op = make(activation.LogSoftmax) if "log" in a.operator else make(activation.Softmax)
    return [along_axis(a.axis("dim", len(a.sizes("self"))), op, a.tensor("self"), a.result())]


@translates("dropout", "feature_dropout", "alpha_dropout", "native_dropout")
def dropout(a: Arguments) -> list[Step]:
    if a.flag("train", default=False):
        raise Untranslatable("dropout in training: export the model after model.eval()")
    a.reading.same(a.result_name, a.name("input" if a.is_tensor("input") else "self"))
    return []


@translates("contiguous", "alias", "clone", "detach", "to", "_to_copy", "lift_fresh_copy", "identity")
def unchanged(a: Arguments) -> list[Step]:
    a.reading.same(a.result_name, a.name("self"))
    return []
