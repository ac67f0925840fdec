"""Gated linear units."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from archcalc.writers.onnx.parts import axis_after_batch
from tests.operators.entry import MAP, Sizes, entry
from tests.operators.torch_parts import functional, layer, torch
from tests.operators.writer import Shape, Writer, draw_axis, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_gated(name: str, w: Writer, shape: Shape) -> str | None:
    """Draw a layer on an axis of even size; an odd size is doubled by a concatenation."""
    where, n = draw_axis(w, shape)
    axis = where or "axis=0"
    words = joined([name, axis, w.among("", "tanh", "form=exact") if name == "geglu" else ""])
    return words if n % 2 == 0 else f"concat(identity, identity, {axis}) -> {words}"


def torch_gated(kind: str, op: Any, shape: Sizes) -> Module:
    axis = axis_after_batch(op)

    def run(x: Tensor) -> Tensor:
        if kind == "glu":
            return functional.glu(x, axis)
        first, second = torch.chunk(x, 2, axis)
        form = {"exact": "none", "tanh": "tanh"}[getattr(op, "form", "exact")]
        return (functional.silu(first) if kind == "swiglu" else functional.gelu(first, approximate=form)) * second

    return layer(run)


for name in ("glu", "swiglu", "geglu"):
    entry(
        name,
        draw=partial(draw_gated, name),
        torch=partial(torch_gated, name),
        cases=[
            ({}, (MAP,)),
            ({"axis": 0}, (MAP,)),
            ({"axis": 1, **({"form": "tanh"} if name == "geglu" else {})}, (MAP,)),
        ],
    )
