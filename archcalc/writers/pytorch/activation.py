"""Activations, softmax and dropout."""

from __future__ import annotations

from fractions import Fraction

from archcalc.writers.code.calls import Arg, CallExpression, Code, NotInLibrary, Slot, literal
from archcalc.writers.pytorch.registry import LayerContext, by_rank, dim, expression, module, option, stateless, writes

PLAIN = {
    "relu": ("ReLU", "F.relu($0)"),
    "relu6": ("ReLU6", "F.relu6($0)"),
    "selu": ("SELU", "F.selu($0)"),
    "silu": ("SiLU", "F.silu($0)"),
    "mish": ("Mish", "F.mish($0)"),
    "sigmoid": ("Sigmoid", "torch.sigmoid($0)"),
    "tanh": ("Tanh", "torch.tanh($0)"),
    "hardswish": ("Hardswish", "F.hardswish($0)"),
    "hardsigmoid": ("Hardsigmoid", "F.hardsigmoid($0)"),
    "softplus": ("Softplus", "F.softplus($0)"),
}
"""The class and the expression of activations without arguments."""


@writes(*PLAIN)
def write_plain(view: LayerContext) -> Code:
    cls, text = PLAIN[view.op.name]
    return stateless(CallExpression(f"nn.{cls}"), text)


@writes("leaky_relu")
def write_leaky_relu(view: LayerContext) -> Code:
    slope = view.op.slope
    call = CallExpression("nn.LeakyReLU", (option("negative_slope", slope, Fraction(1, 100)),))
    usual = float(slope) == 0.01
    return stateless(call, "F.leaky_relu($0)" if usual else f"F.leaky_relu($0, {literal(slope)})")


@writes("elu")
def write_elu(view: LayerContext) -> Code:
    alpha = view.op.alpha
    call = CallExpression("nn.ELU", (option("alpha", alpha, 1),))
    return stateless(call, "F.elu($0)" if alpha == 1 else f"F.elu($0, {literal(alpha)})")


@writes("gelu")
def write_gelu(view: LayerContext) -> Code:
    form = "tanh" if view.op.form == "tanh" else "none"
    text = "F.gelu($0)" if form == "none" else 'F.gelu($0, approximate="tanh")'
    return stateless(CallExpression("nn.GELU", (option("approximate", form, "none"),)), text)


@writes("prelu")
def write_prelu(view: LayerContext) -> Code:
    slopes = view.shape[0] if view.op.slopes == "channels" else 1
    return module(CallExpression("nn.PReLU", (Arg("num_parameters", slopes, 1, "width", positional=True),)))


@writes("maxout")
def write_maxout(view: LayerContext) -> Code:
    return expression("$0.unflatten(1, (-1, $pieces)).amax(2)", Slot("pieces", view.op.pieces))


@writes("softmax", "log_softmax")
def write_softmax(view: LayerContext) -> Code:
    axis = dim(view.op.axis)
    cls = "nn.Softmax" if view.op.name == "softmax" else "nn.LogSoftmax"
    return stateless(CallExpression(cls, (Arg("dim", axis),)), f"F.{view.op.name}($0, dim={axis})")


@writes("dropout", "spatial_dropout")
def write_dropout(view: LayerContext) -> Code:
    op = view.op
    if op.scale != "training":
        raise NotInLibrary("PyTorch's dropout scales its output in training, not at inference")
    cls = "nn.Dropout" if op.name == "dropout" else by_rank("Dropout", view.rank)
    return module(CallExpression(cls, (Arg("p", op.rate, Fraction(1, 2), "rate", positional=True),)))
