"""Means, sums and extremes over axes."""

from __future__ import annotations

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, translates_function
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.patterns import PatternReductionStep
from archcalc.readers.steps import Step

SMALLEST = 1e-30
"""The smallest norm that vectors are divided by."""

TARGETS = {
    "ReduceMean": "aten.mean.dim",
    "ReduceSum": "aten.sum.dim_IntList",
    "ReduceMax": "aten.amax.default",
    "ReduceMin": "aten.amin.default",
    "ReduceL2": "aten.linalg_vector_norm.default",
    "ReduceProd": "onnx.ReduceProd",
}


def axes_of(n: NodeView) -> list[int] | None:
    """Return the axes of a reduction; ``None``: it does nothing."""
    rank = len(n.sizes(0))
    given = n.attribute("axes", None)
    if given is None and n.has(1):
        given = [int(each) for each in n.needed_value(1).flat]
    if not given:
        return None if n.attribute("noop_with_empty_axes", 0) else list(range(rank))
    return sorted({axis % rank for axis in given})


@converts(*TARGETS)
def reduction(n: NodeView) -> None:
    axes = axes_of(n)
    if axes is None or not n.sizes(0):
        n.tensors.alias(n.outputs[0], n.name(0))
        return
    n.call(TARGETS[n.operator], self=n.tensor(0), dim=axes, keepdim=bool(n.attribute("keepdims", 1)))


def reduced(n: NodeView, target: str, read: TensorName, axes: list[int]) -> TensorName:
    """Add the reduction of a tensor over axes, and return its result."""
    return n.compute(target, n.result_sizes(), self=read, dim=axes, keepdim=bool(n.attribute("keepdims", 1)))


@converts("ReduceSumSquare", "ReduceL1", "ReduceLogSum", "ReduceLogSumExp")
def composed(n: NodeView) -> None:
    axes, sizes = axes_of(n), n.sizes(0)
    before = {
        "ReduceSumSquare": ("aten.pow.Tensor_Scalar", {"exponent": 2}),
        "ReduceL1": ("aten.abs.default", {}),
        "ReduceLogSumExp": ("aten.exp.default", {}),
    }
    read = n.tensor(0)
    if n.operator in before:
        target, arguments = before[n.operator]
        if axes is None or not sizes:
            n.call(target, self=read, **arguments)
            return
        read = n.compute(target, sizes, self=read, **arguments)
    if "Log" in n.operator:
        made = read if axes is None or not sizes else reduced(n, "aten.sum.dim_IntList", read, axes)
        n.call("aten.log.default", self=made)
    else:
        n.call("aten.sum.dim_IntList", self=read, dim=axes, keepdim=bool(n.attribute("keepdims", 1)))


@translates_function("onnx.ReduceProd")
def product(a: Arguments) -> list[Step]:
    axes, keep = a.integers("dim"), a.flag("keepdim", default=True)
    inputs, outputs = (a.tensor("self"),), (a.result(),)
    return [PatternReductionStep(axes=axes, keep=keep, how="prod", inputs=inputs, outputs=outputs)]


@converts("LpNormalization")
def unit_vectors(n: NodeView) -> None:
    rank = len(n.sizes(0))
    axis, order = n.axis("axis", -1, rank), n.attribute("p", 2)
    sizes = (*n.sizes(0)[:axis], 1, *n.sizes(0)[axis + 1 :])
    if order == 2:
        norm = n.compute("aten.linalg_vector_norm.default", sizes, self=n.tensor(0), dim=[axis], keepdim=True)
    else:
        size = n.compute("aten.abs.default", n.sizes(0), self=n.tensor(0))
        norm = n.compute("aten.sum.dim_IntList", sizes, self=size, dim=[axis], keepdim=True)
    divisor = n.compute("aten.clamp.default", sizes, self=norm, min=SMALLEST)  # vectors of zeros stay zeros
    n.call("aten.div.Tensor", self=n.tensor(0), other=divisor)
