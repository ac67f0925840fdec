"""Activations, softmax and dropout."""

from __future__ import annotations

from fractions import Fraction

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, Slot, literal, option
from archcalc.writers.pytorch.registry import PyTorchContext, by_rank, dim, expression, module, stateless, writes

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
def write_plain(context: PyTorchContext) -> LayerCode:
    cls, text = PLAIN[context.op.name]
    return stateless(CallExpression(f"nn.{cls}"), text)


@writes("leaky_relu")
def write_leaky_relu(context: PyTorchContext) -> LayerCode:
    slope = context.op.slope
    call = CallExpression("nn.LeakyReLU", (option("negative_slope", slope, Fraction(1, 100)),))
    usual = float(slope) == 0.01
    return stateless(call, "F.leaky_relu($0)" if usual else f"F.leaky_relu($0, {literal(slope)})")


@writes("elu")
def write_elu(context: PyTorchContext) -> LayerCode:
    alpha = context.op.alpha
    call = CallExpression("nn.ELU", (option("alpha", alpha, 1),))
    return stateless(call, "F.elu($0)" if alpha == 1 else f"F.elu($0, {literal(alpha)})")


@writes("gelu")
def write_gelu(context: PyTorchContext) -> LayerCode:
    form = "tanh" if context.op.form == "tanh" else "none"
    text = "F.gelu($0)" if form == "none" else 'F.gelu($0, approximate="tanh")'
    return stateless(CallExpression("nn.GELU", (option("approximate", form, "none"),)), text)


@writes("prelu")
def write_prelu(context: PyTorchContext) -> LayerCode:
    slopes = context.shape[0] if context.op.slopes == "channels" else 1
    return module(CallExpression("nn.PReLU", (CallArgument("num_parameters", slopes, 1, "width", positional=True),)))


@writes("maxout")
def write_maxout(context: PyTorchContext) -> LayerCode:
    return expression("$0.unflatten(1, (-1, $pieces)).amax(2)", Slot("pieces", context.op.pieces))


@writes("softmax", "log_softmax")
def write_softmax(context: PyTorchContext) -> LayerCode:
    axis = dim(context.op.axis)
    cls = "nn.Softmax" if context.op.name == "softmax" else "nn.LogSoftmax"
    return stateless(CallExpression(cls, (CallArgument("dim", axis),)), f"F.{context.op.name}($0, dim={axis})")


@writes("dropout", "spatial_dropout")
def write_dropout(context: PyTorchContext) -> LayerCode:
    op = context.op
    if op.scale != "training":
        raise NotInLibrary("PyTorch's dropout scales its output in training, not at inference")
    cls = "nn.Dropout" if op.name == "dropout" else by_rank("Dropout", context.rank)
    return module(CallExpression(cls, (CallArgument("p", op.rate, Fraction(1, 2), "rate", positional=True),)))
