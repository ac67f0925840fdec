"""Activations, and nodes that compute nothing at inference."""

from __future__ import annotations

from math import isclose

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts

PLAIN = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Abs": "abs",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Softplus": "softplus",
    "Mish": "mish",
    "HardSwish": "hardswish",
    "Erf": "erf",
    "Floor": "floor",
    "Ceil": "ceil",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "tan",
    "Asin": "asin",
    "Acos": "acos",
    "Atan": "atan",
    "Sinh": "sinh",
    "Cosh": "cosh",
    "Asinh": "asinh",
    "Acosh": "acosh",
    "Atanh": "atanh",
    "Sign": "sign",
    "Not": "logical_not",
}
"""The operators of one tensor without attributes, and what ATen calls them."""


@converts(*PLAIN)
def plain(n: NodeView) -> None:
    n.call(f"aten.{PLAIN[n.operator]}.default", self=n.tensor(0))


@converts("Identity")
def unchanged(n: NodeView) -> None:
    n.tensors.alias(n.outputs[0], n.name(0))


@converts("HardSigmoid")
def hard_sigmoid(n: NodeView) -> None:
    slope, offset = n.attribute("alpha", 0.2), n.attribute("beta", 0.5)
    if isclose(slope, 1 / 6, rel_tol=1e-4) and offset == 0.5:
        n.call("aten.hardsigmoid.default", self=n.tensor(0))
        return
    sizes = n.sizes(0)
    scaled = n.compute("aten.mul.Tensor", sizes, self=n.tensor(0), other=slope)
    shifted = n.compute("aten.add.Tensor", sizes, self=scaled, other=offset)
    n.call("aten.clamp.default", self=shifted, min=0, max=1)


@converts("LeakyRelu")
def leaky_relu(n: NodeView) -> None:
    n.call("aten.leaky_relu.default", self=n.tensor(0), negative_slope=n.attribute("alpha", 0.01))


@converts("Elu")
def elu(n: NodeView) -> None:
    n.call("aten.elu.default", self=n.tensor(0), alpha=n.attribute("alpha", 1.0))


@converts("Gelu")
def gelu(n: NodeView) -> None:
    n.call("aten.gelu.default", self=n.tensor(0), approximate=n.attribute("approximate", "none"))


@converts("Selu")
def selu(n: NodeView) -> None:
    if not isclose(n.attribute("alpha", 1.67326), 1.67326, rel_tol=1e-4):
        raise Untranslatable("selu with other constants")
    if not isclose(n.attribute("gamma", 1.0507), 1.0507, rel_tol=1e-4):
        raise Untranslatable("selu with other constants")
    n.call("aten.selu.default", self=n.tensor(0))


@converts("Softsign")
def softsign(n: NodeView) -> None:
    sizes = n.sizes(0)
    size = n.compute("aten.abs.default", sizes, self=n.tensor(0))
    under = n.compute("aten.add.Tensor", sizes, self=size, other=1.0)
    n.call("aten.div.Tensor", self=n.tensor(0), other=under)


@converts("PRelu")
def prelu(n: NodeView) -> None:
    sizes, slopes = n.sizes(0), n.sizes(1)
    while slopes and slopes[-1] == 1 and len(slopes) > 1:
        slopes = slopes[:-1]
    count = max(slopes, default=1)
    fits = count == 1 or (len(sizes) - len(n.sizes(1)) + len(slopes) == 2 and slopes[-1] == sizes[1])
    if not n.tensors.is_stored(n.name(1)) or not fits:
        raise Untranslatable("slopes that are not one per channel")
    name = n.tensors.derive(f"{n.outputs[0]}=slope", [n.name(1)], "", (count,), lambda a: a.reshape(count))
    n.call("aten.prelu.default", self=n.tensor(0), weight=type(n.tensor(0))(name))


@converts("Softmax", "LogSoftmax")
def softmax(n: NodeView) -> None:
    sizes = n.sizes(0)
    rank = len(sizes)
    axis = n.axis("axis", -1 if n.version >= 13 else 1, rank)
    target = "aten.softmax.int" if n.operator == "Softmax" else "aten.log_softmax.int"
    if n.version >= 13 or axis == rank - 1:
        n.call(target, self=n.tensor(0), dim=axis)
        return
    kept = [n.tensors.size_of(n.name(0), at) for at in range(axis)]
    from archcalc.readers.onnx.sizes import argument

    flat = n.compute(
        "aten.view.default", (*sizes[:axis], _product(sizes[axis:])), self=n.tensor(0), size=[*map(argument, kept), -1]
    )
    done = n.compute(target, (*sizes[:axis], _product(sizes[axis:])), self=flat, dim=axis)
    whole = [argument(n.tensors.size_of(n.name(0), at)) for at in range(rank)]
    n.call("aten.view.default", self=done, size=whole)


def _product(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
