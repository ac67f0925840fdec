"""Activations, and the other operators that act on one number (or along one axis) at a time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.writers.onnx.parts import axis_after_batch
from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.torch_parts import by_rank, layer, nn
from tests.operators.writer import draw_axis, joined, plain, spatially

if TYPE_CHECKING:
    from torch.nn import Module


entry("relu", draw=plain("relu"), torch=lambda op, s: nn.ReLU())
entry(
    "relu6",
    draw=plain("relu6"),
    torch=lambda op, s: nn.ReLU6(),
)
entry(
    "leaky_relu",
    draw=plain("leaky_relu", "leaky_relu 0.2", "leaky_relu slope=1/3"),
    torch=lambda op, s: nn.LeakyReLU(float(op.slope)),
)


entry(
    "prelu",
    draw=plain("prelu", "prelu shared", "prelu channels", "prelu slopes=channels"),
    torch=lambda op, s: nn.PReLU(s[0] if op.slopes == "channels" else 1),
    cases=[({}, (MAP,)), ({"slopes": "channels"}, (MAP,))],
)
entry(
    "elu",
    draw=plain("elu", "elu 0.5"),
    torch=lambda op, s: nn.ELU(float(op.alpha)),
)
entry("selu", draw=plain("selu"), torch=lambda op, s: nn.SELU())
entry(
    "gelu",
    draw=plain("gelu", "gelu tanh", "gelu form=exact"),
    torch=lambda op, s: nn.GELU("tanh" if op.form == "tanh" else "none"),
    cases=[({}, (MAP,)), ({"form": "tanh"}, (MAP,))],
)
entry(
    "silu",
    draw=plain("silu"),
    torch=lambda op, s: nn.SiLU(),
)
entry("mish", draw=plain("mish"), torch=lambda op, s: nn.Mish())
entry("sigmoid", draw=plain("sigmoid"), torch=lambda op, s: nn.Sigmoid())
entry("tanh", draw=plain("tanh"), torch=lambda op, s: nn.Tanh())
entry("hardswish", draw=plain("hardswish"), torch=lambda op, s: nn.Hardswish())
entry(
    "hardsigmoid",
    draw=plain("hardsigmoid"),
    torch=lambda op, s: nn.Hardsigmoid(),
)
entry("softplus", draw=plain("softplus"), torch=lambda op, s: nn.Softplus())


def torch_maxout(op: Any, shape: Sizes) -> Module:
    return layer(lambda x: x.unflatten(1, (-1, op.pieces)).amax(2))


entry(
    "maxout",
    draw=lambda w, s: f"maxout {w.divisor(s[0])}",
    torch=torch_maxout,
    cases=[({"pieces": 3}, (MAP,))],
)
entry(
    "softmax",
    draw=lambda w, s: joined(["softmax", draw_axis(w, s)[0]]),
    torch=lambda op, s: nn.Softmax(axis_after_batch(op)),
    cases=[({"axis": axis}, (MAP,)) for axis in (0, 1, -1)],
)
entry(
    "log_softmax",
    draw=lambda w, s: joined(["log_softmax", draw_axis(w, s)[0]]),
    torch=lambda op, s: nn.LogSoftmax(axis_after_batch(op)),
    cases=[({"axis": axis}, (MAP,)) for axis in (0, 1, -1)],
)


def torch_dropout(op: Any, module: Any) -> Module:
    keep = 1 - float(op.rate)
    return module(float(op.rate)) if op.scale == "training" else layer(lambda x: x * keep)


entry(
    "dropout",
    draw=plain("dropout", "dropout 0.3", "dropout rate=1", "dropout 0.3 scale=inference"),
    torch=lambda op, s: torch_dropout(op, nn.Dropout),
    cases=[({"rate": Fraction(1, 5), "scale": scale}, (VECTOR,)) for scale in ("training", "inference")],
)
entry(
    "spatial_dropout",
    draw=spatially(plain("spatial_dropout", "spatial_dropout 0.1", "spatial_dropout scale=inference")),
    torch=lambda op, s: torch_dropout(op, by_rank("Dropout", s)),
)
