"""Activations, and the other operators that act on one number (or along one axis) at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.onnx_parts import Weights, axis_after_batch, channelwise, named, reshaped, whole
from tests.operators.torch_parts import by_rank, layer, nn
from tests.operators.writer import draw_axis, joined, plain, spatially

if TYPE_CHECKING:
    from torch.nn import Module

    from tests.executor.onnx_models import Model

entry("relu", draw=plain("relu"), onnx=named("Relu"), torch=lambda op, s: nn.ReLU())
entry(
    "relu6",
    draw=plain("relu6"),
    onnx=lambda model, op, name, shape, weights: model.add("Clip", name, model.constant(0), model.constant(6)),
    torch=lambda op, s: nn.ReLU6(),
)
entry(
    "leaky_relu",
    draw=plain("leaky_relu", "leaky_relu 0.2", "leaky_relu slope=1/3"),
    onnx=named("LeakyRelu", alpha=lambda op: float(op.slope)),
    torch=lambda op, s: nn.LeakyReLU(float(op.slope)),
)


def onnx_prelu(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return model.add("PRelu", name, channelwise(model, weights["slope"], len(shape) - 1))


entry(
    "prelu",
    draw=plain("prelu", "prelu shared", "prelu channels", "prelu slopes=channels"),
    onnx=onnx_prelu,
    torch=lambda op, s: nn.PReLU(s[0] if op.slopes == "channels" else 1),
    cases=[({}, (MAP,)), ({"slopes": "channels"}, (MAP,))],
)
entry(
    "elu",
    draw=plain("elu", "elu 0.5"),
    onnx=named("Elu", alpha=lambda op: float(op.alpha)),
    torch=lambda op, s: nn.ELU(float(op.alpha)),
)
entry("selu", draw=plain("selu"), onnx=named("Selu"), torch=lambda op, s: nn.SELU())
entry(
    "gelu",
    draw=plain("gelu", "gelu tanh", "gelu form=exact"),
    onnx=named("Gelu", approximate=lambda op: {"exact": "none", "tanh": "tanh"}[op.form]),
    torch=lambda op, s: nn.GELU("tanh" if op.form == "tanh" else "none"),
    cases=[({}, (MAP,)), ({"form": "tanh"}, (MAP,))],
)
entry(
    "silu",
    draw=plain("silu"),
    onnx=lambda model, op, name, shape, weights: model.add("Mul", name, model.add("Sigmoid", name)),
    torch=lambda op, s: nn.SiLU(),
)
entry("mish", draw=plain("mish"), onnx=named("Mish"), torch=lambda op, s: nn.Mish())
entry("sigmoid", draw=plain("sigmoid"), onnx=named("Sigmoid"), torch=lambda op, s: nn.Sigmoid())
entry("tanh", draw=plain("tanh"), onnx=named("Tanh"), torch=lambda op, s: nn.Tanh())
entry("hardswish", draw=plain("hardswish"), onnx=named("HardSwish"), torch=lambda op, s: nn.Hardswish())
entry(
    "hardsigmoid",
    draw=plain("hardsigmoid"),
    onnx=named("HardSigmoid", alpha=lambda op: 1 / 6, beta=lambda op: 0.5),
    torch=lambda op, s: nn.Hardsigmoid(),
)
entry("softplus", draw=plain("softplus"), onnx=named("Softplus"), torch=lambda op, s: nn.Softplus())


def onnx_maxout(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    pieces = reshaped(model, name, shape[0] // op.pieces, op.pieces, *shape[1:])
    return model.add("ReduceMax", pieces, whole(model, 2), keepdims=0)


def torch_maxout(op: Any, shape: Sizes) -> Module:
    return layer(lambda x: x.unflatten(1, (-1, op.pieces)).amax(2))


entry(
    "maxout",
    draw=lambda w, s: f"maxout {w.divisor(s[0])}",
    onnx=onnx_maxout,
    torch=torch_maxout,
    cases=[({"pieces": 3}, (MAP,))],
)
entry(
    "softmax",
    draw=lambda w, s: joined(["softmax", draw_axis(w, s)[0]]),
    onnx=named("Softmax", axis=axis_after_batch),
    torch=lambda op, s: nn.Softmax(axis_after_batch(op)),
    cases=[({"axis": axis}, (MAP,)) for axis in (0, 1, -1)],
)
entry(
    "log_softmax",
    draw=lambda w, s: joined(["log_softmax", draw_axis(w, s)[0]]),
    onnx=named("LogSoftmax", axis=axis_after_batch),
    torch=lambda op, s: nn.LogSoftmax(axis_after_batch(op)),
    cases=[({"axis": axis}, (MAP,)) for axis in (0, 1, -1)],
)


def onnx_dropout(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    if op.scale == "training":
        return model.add("Dropout", name)
    return model.add("Mul", name, model.constant(1 - float(op.rate)))


def torch_dropout(op: Any, module: Any) -> Module:
    keep = 1 - float(op.rate)
    return module(float(op.rate)) if op.scale == "training" else layer(lambda x: x * keep)


entry(
    "dropout",
    draw=plain("dropout", "dropout 0.3", "dropout rate=1", "dropout 0.3 scale=inference"),
    onnx=onnx_dropout,
    torch=lambda op, s: torch_dropout(op, nn.Dropout),
    cases=[({"rate": Fraction(1, 5), "scale": scale}, (VECTOR,)) for scale in ("training", "inference")],
)
entry(
    "spatial_dropout",
    draw=spatially(plain("spatial_dropout", "spatial_dropout 0.1", "spatial_dropout scale=inference")),
    onnx=onnx_dropout,
    torch=lambda op, s: torch_dropout(op, by_rank("Dropout", s)),
)
