"""Gated linear units."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.operators.entry import MAP, Sizes, entry
from tests.operators.onnx_parts import Weights, axis_after_batch, part
from tests.operators.torch_parts import functional, layer, torch
from tests.operators.writer import Shape, Writer, draw_axis, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def draw_gated(name: str, w: Writer, shape: Shape) -> str | None:
    """Draw a layer on an axis of even size; an odd size is doubled by a concatenation."""
    where, n = draw_axis(w, shape)
    axis = where or "axis=0"
    words = joined([name, axis, w.among("", "tanh", "form=exact") if name == "geglu" else ""])
    return words if n % 2 == 0 else f"concat(identity, identity, {axis}) -> {words}"


def onnx_gated(kind: str, model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    axis = axis_after_batch(op) % (len(shape) + 1)
    half = shape[axis - 1] // 2
    first, second = (part(model, name, axis, start, start + half) for start in (0, half))
    if kind == "glu":
        return model.add("Mul", first, model.add("Sigmoid", second))
    if kind == "swiglu":
        return model.add("Mul", model.add("Mul", first, model.add("Sigmoid", first)), second)
    return model.add("Mul", model.add("Gelu", first, approximate="tanh" if op.form == "tanh" else "none"), second)


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
        onnx=partial(onnx_gated, name),
        torch=partial(torch_gated, name),
        cases=[
            ({}, (MAP,)),
            ({"axis": 0}, (MAP,)),
            ({"axis": 1, **({"form": "tanh"} if name == "geglu" else {})}, (MAP,)),
        ],
    )
