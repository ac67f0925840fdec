"""Comparisons and logic. Booleans are the numbers 1 and 0."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts

JOINS = {
    "Greater": "gt",
    "GreaterOrEqual": "ge",
    "Less": "lt",
    "LessOrEqual": "le",
    "Equal": "eq",
    "And": "logical_and",
    "Or": "logical_or",
    "Xor": "logical_xor",
    "BitwiseAnd": "bitwise_and",
    "BitwiseOr": "bitwise_or",
    "BitwiseXor": "bitwise_xor",
}
"""The operators of two tensors, and what ATen calls them."""


@converts(*JOINS)
def join(n: NodeView) -> None:
    n.call(f"aten.{JOINS[n.operator]}.Tensor", self=n.tensor(0), other=n.tensor(1))


@converts("BitwiseNot")
def complement(n: NodeView) -> None:
    n.call("aten.bitwise_not.default", self=n.tensor(0))


@converts("BitShift")
def shift(n: NodeView) -> None:
    direction = n.attribute("direction")
    if direction not in ("LEFT", "RIGHT"):
        raise Untranslatable(f"the direction '{direction}'")
    n.call(f"aten.bitwise_{direction.lower()}_shift.Tensor", self=n.tensor(0), other=n.tensor(1))


@converts("ThresholdedRelu")
def thresholded(n: NodeView) -> None:
    above = n.compute("aten.sub.Tensor", n.sizes(0), self=n.tensor(0), other=n.attribute("alpha", 1.0))
    n.call("aten.where.self", condition=above, self=n.tensor(0), other=0.0)
