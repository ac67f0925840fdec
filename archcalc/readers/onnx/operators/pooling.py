"""Pooling."""

from __future__ import annotations

from archcalc.ops.base import Operator
from archcalc.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.operators.convolution import attributes, window
from archcalc.readers.onnx.registry import converts
from archcalc.readers.per_example import PerExample, lifted
from archcalc.readers.steps import Step, make


@converts("MaxPool", "AveragePool")
def pool(n: NodeView) -> None:
    if any(n.outputs[1:]):
        raise Untranslatable("the indices of the maxima as an output")
    n.call(
        f"onnx.{n.operator}",
        self=n.tensor(0),
        ceil=bool(n.attribute("ceil_mode", 0)),
        count_include_pad=bool(n.attribute("count_include_pad", 0)),
        **window(n, tuple(n.attribute("kernel_shape"))),
    )


@translates_function("onnx.MaxPool", "onnx.AveragePool")
def sliding_pool(a: Arguments) -> list[Step]:
    cls: type[Operator] = MaxPool if a.operator == "MaxPool" else AvgPool
    given = {**attributes(a), "ceil": a.flag("ceil", default=False)}
    if cls is AvgPool:
        given["count_include_pad"] = a.flag("count_include_pad", default=False)
    axes = len(given["kernel"])
    op, one_more = make(cls, **given), make(cls, **lifted(given))
    return [PerExample(op=op, lifted=one_more, axes=axes + 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@converts("GlobalAveragePool", "GlobalMaxPool")
def global_pool(n: NodeView) -> None:
    n.call(f"onnx.{n.operator}", self=n.tensor(0))


@translates_function("onnx.GlobalAveragePool", "onnx.GlobalMaxPool")
def pool_to_one(a: Arguments) -> list[Step]:
    op: Operator = GlobalAvgPool() if a.operator == "GlobalAveragePool" else GlobalMaxPool()
    rank = len(a.sizes("self"))
    return [PerExample(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]
