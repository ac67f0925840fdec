"""Activations, softmax and dropout."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, literal, option
from archcalc.writers.keras.registry import KerasContext, at, by_rank, expression, layer, writes

WORDS = {
    **{name: name for name in ("relu", "relu6", "selu", "silu", "mish", "sigmoid", "tanh", "softplus", "gelu")},
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
}
"""Keras's names of activations without arguments."""


def word_for(op: Any, rank: int) -> str | None:
    """Return Keras's name of an activation; ``None`` if it has none, so that it needs a layer of its own.

    Args:
        op: the operator.
        rank: the number of axes of the tensor.
    """
    if op.name == "gelu" and op.form != "exact":
        return None
    if op.name == "elu" and op.alpha == 1:
        return "elu"
    if op.name in ("softmax", "log_softmax") and rank == 1:  # Keras's activations run over the last axis
        return str(op.name)
    return WORDS.get(op.name)


@writes(*WORDS)
def write_plain(context: KerasContext) -> LayerCode:
    op = context.op
    if op.name == "relu":
        return layer(CallExpression("layers.ReLU"))
    word = word_for(op, len(context.shape))
    if word is None:
        return expression("ops.gelu($0, approximate=True)")
    return layer(CallExpression("layers.Activation", (CallArgument("activation", word, positional=True),)))


@writes("leaky_relu")
def write_leaky_relu(context: KerasContext) -> LayerCode:
    return layer(CallExpression("layers.LeakyReLU", (option("negative_slope", context.op.slope, Fraction(3, 10)),)))


@writes("elu")
def write_elu(context: KerasContext) -> LayerCode:
    return layer(CallExpression("layers.ELU", (option("alpha", context.op.alpha, 1),)))


@writes("prelu")
def write_prelu(context: KerasContext) -> LayerCode:
    """Write the slopes with one number per channel, or a single one, for all positions."""
    axes = range(1, context.rank + 1) if context.op.slopes == "channels" else range(1, context.rank + 2)
    args = () if not axes else (CallArgument("shared_axes", tuple(axes)),)
    return layer(CallExpression("layers.PReLU", args), arrays={"slope": at("alpha", lambda array: array.reshape(-1))})


@writes("maxout")
def write_maxout(context: KerasContext) -> LayerCode:
    sizes = ", ".join(map(str, context.shape[1:]))
    before = f"{sizes}, " if sizes else ""
    channels = context.shape[0] // context.op.pieces
    text = f"ops.max(ops.reshape($0, (-1, {before}$channels, $pieces)), axis=-1)"
    return expression(text, CallArgument("channels", channels), CallArgument("pieces", context.op.pieces))


@writes("softmax")
def write_softmax(context: KerasContext) -> LayerCode:
    return layer(CallExpression("layers.Softmax", (option("axis", context.axis(context.op.axis), -1),)))


@writes("log_softmax")
def write_log_softmax(context: KerasContext) -> LayerCode:
    return expression(f"ops.log_softmax($0, axis={literal(context.axis(context.op.axis))})")


@writes("dropout", "spatial_dropout")
def write_dropout(context: KerasContext) -> LayerCode:
    op = context.op
    if op.scale != "training":
        raise NotInLibrary("Keras's dropout scales its output in training, not at inference")
    cls = "layers.Dropout" if op.name == "dropout" else by_rank("SpatialDropout", context.rank)
    return layer(CallExpression(cls, (CallArgument("rate", op.rate, kind="rate", positional=True),)))
