"""Means and sums over axes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from archcalc.writers.onnx.parts import axis_after_batch
from archcalc.writers.onnx.reduction import axes_after_batch
from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.torch_parts import layer
from tests.operators.writer import Shape, Writer, draw_axis, joined

if TYPE_CHECKING:
    from torch.nn import Module


def draw_reduction(name: str, w: Writer, shape: Shape) -> str:
    axes = w.data(st.lists(st.sampled_from(range(len(shape))), min_size=1, unique=True))
    keep = "keep" if len(axes) == len(shape) else w.maybe("keep")
    written = "last" if axes == [len(shape) - 1] and w.among(True, False) else "x".join(map(str, axes))
    return joined([name, w.among(written, f"axis={written}"), keep])


def torch_reduction(op: Any, shape: Sizes) -> Module:
    axes = axes_after_batch(op, shape)
    return layer(lambda x: getattr(x, op.name)(axes, keepdim=op.keep))


for name in ("mean", "sum"):
    entry(
        name,
        draw=partial(draw_reduction, name),
        torch=torch_reduction,
        cases=[({"axis": (0,)}, (MAP,)), ({"axis": (1, -1)}, (MAP,)), ({"axis": (0, 2), "keep": True}, (MAP,))],
    )


entry(
    "cumsum",
    draw=lambda w, shape: joined(["cumsum", draw_axis(w, shape)[0]]),
    torch=lambda op, s: layer(lambda x: x.cumsum(axis_after_batch(op))),
    cases=[({}, (MAP,)), ({"axis": -1}, (VECTOR,))],
)
