"""Means and sums over axes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.onnx_parts import Weights, axis_after_batch, whole
from tests.operators.torch_parts import layer
from tests.operators.writer import Shape, Writer, draw_axis, joined

if TYPE_CHECKING:
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def draw_reduction(name: str, w: Writer, shape: Shape) -> str:
    axes = w.data(st.lists(st.sampled_from(range(len(shape))), min_size=1, unique=True))
    keep = "keep" if len(axes) == len(shape) else w.maybe("keep")
    written = "last" if axes == [len(shape) - 1] and w.among(True, False) else "x".join(map(str, axes))
    return joined([name, w.among(written, f"axis={written}"), keep])


def axes_after_batch(op: Any, shape: Sizes) -> list[int]:
    return [axis % len(shape) + 1 for axis in op.axis]


def onnx_reduction(kind: str, model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return model.add(kind, name, whole(model, *axes_after_batch(op, shape)), keepdims=int(op.keep))


def torch_reduction(op: Any, shape: Sizes) -> Module:
    axes = axes_after_batch(op, shape)
    return layer(lambda x: getattr(x, op.name)(axes, keepdim=op.keep))


for name, theirs in (("mean", "ReduceMean"), ("sum", "ReduceSum")):
    entry(
        name,
        draw=partial(draw_reduction, name),
        onnx=partial(onnx_reduction, theirs),
        torch=torch_reduction,
        cases=[({"axis": (0,)}, (MAP,)), ({"axis": (1, -1)}, (MAP,)), ({"axis": (0, 2), "keep": True}, (MAP,))],
    )


def onnx_cumsum(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    return model.add("CumSum", name, whole(model, axis_after_batch(op)))


entry(
    "cumsum",
    draw=lambda w, shape: joined(["cumsum", draw_axis(w, shape)[0]]),
    onnx=onnx_cumsum,
    torch=lambda op, s: layer(lambda x: x.cumsum(axis_after_batch(op))),
    cases=[({}, (MAP,)), ({"axis": -1}, (VECTOR,))],
)
