"""Comparisons and logic. Truth values are the numbers 1 and 0; comparisons are those of a difference with 0."""

from __future__ import annotations

from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.torch_export.program import TensorName


def chosen(n: NodeView, positive: TensorName, yes: float, no: float) -> None:
    """Let the output be one number where a tensor is positive, and another elsewhere."""
    n.call("aten.where.self", condition=positive, self=yes, other=no)


def difference(n: NodeView, first: int, second: int) -> TensorName:
    return n.compute("aten.sub.Tensor", n.result_sizes(), self=n.tensor(first), other=n.tensor(second))


@converts("Greater")
def greater(n: NodeView) -> None:
    chosen(n, difference(n, 0, 1), 1.0, 0.0)


@converts("Less")
def less(n: NodeView) -> None:
    chosen(n, difference(n, 1, 0), 1.0, 0.0)


@converts("GreaterOrEqual")
def greater_or_equal(n: NodeView) -> None:
    chosen(n, difference(n, 1, 0), 0.0, 1.0)


@converts("LessOrEqual")
def less_or_equal(n: NodeView) -> None:
    chosen(n, difference(n, 0, 1), 0.0, 1.0)


@converts("Equal")
def equal(n: NodeView) -> None:
    distance = n.compute("aten.abs.default", n.result_sizes(), self=difference(n, 0, 1))
    chosen(n, distance, 0.0, 1.0)


@converts("Xor")
def either(n: NodeView) -> None:
    n.call("aten.abs.default", self=difference(n, 0, 1))


@converts("And")
def both(n: NodeView) -> None:
    n.call("aten.minimum.default", self=n.tensor(0), other=n.tensor(1))


@converts("Or")
def one_or_both(n: NodeView) -> None:
    n.call("aten.maximum.default", self=n.tensor(0), other=n.tensor(1))


@converts("Not")
def negation(n: NodeView) -> None:
    n.call("aten.rsub.Scalar", self=n.tensor(0), other=1.0)


@converts("Sign")
def sign(n: NodeView) -> None:
    sizes = n.sizes(0)
    above = n.compute("aten.where.self", sizes, condition=n.tensor(0), self=1.0, other=0.0)
    negated = n.compute("aten.neg.default", sizes, self=n.tensor(0))
    below = n.compute("aten.where.self", sizes, condition=negated, self=1.0, other=0.0)
    n.call("aten.sub.Tensor", self=above, other=below)


@converts("ThresholdedRelu")
def thresholded(n: NodeView) -> None:
    above = n.compute("aten.sub.Tensor", n.sizes(0), self=n.tensor(0), other=n.attribute("alpha", 1.0))
    n.call("aten.where.self", condition=above, self=n.tensor(0), other=0.0)
