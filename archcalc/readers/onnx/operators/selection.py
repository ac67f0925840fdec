"""Elements that are chosen by index or by size."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import settled


@converts("TopK")
def largest(n: NodeView) -> None:
    axis = n.axis("axis", -1, len(n.sizes(0)))
    count = int(settled(n.needed_value(1).flat[0])) if n.has(1) else n.attribute("k")
    n.call("aten.topk.default", self=n.tensor(0), k=count, dim=axis, largest=bool(n.attribute("largest", 1)))


@converts("ArgMax", "ArgMin")
def extreme_index(n: NodeView) -> None:
    if n.attribute("select_last_index", 0):
        raise Untranslatable("the last of several equal elements")
    axis = n.axis("axis", 0, len(n.sizes(0)))
    keep = bool(n.attribute("keepdims", 1))
    n.call(f"aten.{n.operator.lower()}.default", self=n.tensor(0), dim=axis, keepdim=keep)


@converts("GatherElements")
def gather(n: NodeView) -> None:
    axis = n.axis("axis", 0, len(n.sizes(0)))
    n.call("aten.gather.default", self=n.tensor(0), dim=axis, index=n.tensor(1))


@converts("Trilu")
def triangle(n: NodeView) -> None:
    diagonal = int(settled(n.needed_value(1).flat[0])) if n.has(1) else 0
    n.call("aten.triu.default" if n.attribute("upper", 1) else "aten.tril.default", self=n.tensor(0), diagonal=diagonal)


@converts("CumSum")
def cumulative_sum(n: NodeView) -> None:
    if n.attribute("exclusive", 0) or n.attribute("reverse", 0):
        raise Untranslatable("a cumulative sum that is exclusive or reversed")
    rank = len(n.sizes(0))
    n.call("aten.cumsum.default", self=n.tensor(0), dim=int(n.needed_value(1).flat[0]) % rank)


@converts("Mod")
def remainder(n: NodeView) -> None:
    if n.attribute("fmod", 0):
        raise Untranslatable("a remainder with the sign of the dividend")
    n.call("aten.remainder.Tensor", self=n.tensor(0), other=n.tensor(1))
