"""Activations, and the other operators that act on one number (or along one axis) at a time."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import axis_after_batch, channelwise, gelu, named, reshaped, silu, whole
from archcalc.writers.onnx.registry import writes


@writes("prelu")
def write_prelu(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return model.add("PRelu", name, channelwise(model, weights["slope"], len(shape) - 1))


@writes("maxout")
def write_maxout(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    pieces = reshaped(model, name, shape[0] // op.pieces, op.pieces, *shape[1:])
    return model.add("ReduceMax", pieces, whole(model, 2), keepdims=0)


@writes("dropout", "spatial_dropout")
def write_dropout(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    if op.scale == "training":
        return model.add("Dropout", name)
    return model.add("Mul", name, model.constant(1 - float(op.rate)))


writes("relu")(named("Relu"))
writes("relu6")(lambda model, op, name, shape, weights: model.add("Clip", name, model.constant(0), model.constant(6)))
writes("leaky_relu")(named("LeakyRelu", alpha=lambda op: float(op.slope)))
writes("elu")(named("Elu", alpha=lambda op: float(op.alpha)))
writes("selu")(named("Selu"))
writes("gelu")(lambda model, op, name, shape, weights: gelu(model, name, op.form))
writes("silu")(lambda model, op, name, shape, weights: silu(model, name))
writes("mish")(named("Mish"))
writes("sigmoid")(named("Sigmoid"))
writes("tanh")(named("Tanh"))
writes("hardswish")(named("HardSwish"))
writes("hardsigmoid")(named("HardSigmoid", alpha=lambda op: 1 / 6, beta=lambda op: 0.5))
writes("softplus")(named("Softplus"))
writes("softmax")(named("Softmax", axis=axis_after_batch))
writes("log_softmax")(named("LogSoftmax", axis=axis_after_batch))
