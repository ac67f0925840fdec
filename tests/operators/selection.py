"""Selections by index and by size: indices are rounded, and limited to the axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.onnx_parts import Weights, axis_after_batch, whole
from tests.operators.torch_parts import layer, torch
from tests.operators.writer import Shape, Writer, draw_axis, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def along(op: Any, shape: Sizes) -> int:
    return int(op.axis) % len(shape)


def draw_take(w: Writer, shape: Shape) -> str | None:
    where, _ = draw_axis(w, shape)
    indices = w.among("identity", "scale 3", "relu -> scale 2") if len(shape) == 1 else "gap -> scale 2"
    return f"take({', '.join(each for each in ('identity', indices, where) if each)})"


def onnx_indices(model: Model, name: str, n: int) -> str:
    import onnx

    nearest = model.add("Clip", model.add("Round", name), model.constant(0.0), model.constant(float(n - 1)))
    return model.add("Cast", nearest, to=onnx.TensorProto.INT64)


def onnx_take(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    """With flat indices as one more axis of the tensor, which is broadcast along all others."""
    (x, indices), (shape, places) = names, shapes
    at = along(op, shape)
    count = 1
    for size in places:
        count *= size
    others = [count if axis == at else 1 for axis in range(len(shape))]
    flat = model.add("Reshape", onnx_indices(model, indices, shape[at]), whole(model, 0, *others))
    sizes = [count if axis == at else n for axis, n in enumerate(shape)]
    full = model.add("Expand", flat, whole(model, 1, *sizes))
    found = model.add("GatherElements", x, full, axis=at + 1)
    return model.add("Reshape", found, whole(model, 0, *shape[:at], *places, *shape[at + 1 :]))


def torch_take(op: Any, shapes: list[Sizes]) -> Module:
    at = along(op, shapes[0])

    def run(x: Tensor, indices: Tensor) -> Tensor:
        places = nearest(indices, x.shape[at + 1])
        return torch.stack([one[(slice(None),) * at + (own,)] for one, own in zip(x, places, strict=True)])

    return layer(run)


def nearest(indices: Tensor, n: int) -> Tensor:
    return indices.round().clamp(0, n - 1).long()


entry(
    "take",
    draw=draw_take,
    onnx=onnx_take,
    torch=torch_take,
    cases=[({"axis": 1}, (MAP, VECTOR)), ({}, (MAP, (3, 4))), ({"axis": -1}, (VECTOR, VECTOR))],
)


def draw_gather(w: Writer, shape: Shape) -> str:
    where, _ = draw_axis(w, shape)
    return f"gather({', '.join(each for each in ('identity', w.among('identity', 'scale 3'), where) if each)})"


def onnx_gather(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    at = along(op, shapes[0])
    return model.add("GatherElements", names[0], onnx_indices(model, names[1], shapes[0][at]), axis=at + 1)


def torch_gather(op: Any, shapes: list[Sizes]) -> Module:
    at = along(op, shapes[0]) + 1
    return layer(lambda x, indices: x.gather(at, nearest(indices, x.shape[at])))


entry(
    "gather",
    draw=draw_gather,
    onnx=onnx_gather,
    torch=torch_gather,
    cases=[({}, (MAP, MAP)), ({"axis": 2}, (MAP, (12, 20, 5)))],
)


def draw_topk(w: Writer, shape: Shape) -> str:
    where, n = draw_axis(w, shape)
    return joined([f"topk {w.whole(1, n)}", where, w.maybe("smallest")])


def onnx_topk(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> tuple[str, ...]:
    from onnx import helper

    values, indices = model.add_all(
        "TopK", 2, name, whole(model, int(op.count)), axis=axis_after_batch(op), largest=int(not op.smallest)
    )
    return values, model.add("Cast", indices, to=helper.np_dtype_to_tensor_dtype(np.dtype(model.dtype)))


def torch_topk(op: Any, shape: Sizes) -> Module:
    def run(x: Tensor) -> tuple[Tensor, Tensor]:
        values, indices = x.topk(int(op.count), axis_after_batch(op), largest=not op.smallest)
        return values, indices.to(x.dtype)

    return layer(run)  # type: ignore[arg-type]


entry(
    "topk",
    draw=draw_topk,
    onnx=onnx_topk,
    torch=torch_topk,
    cases=[({"count": 3}, (MAP,)), ({"count": 8, "axis": -1, "smallest": True}, (MAP,))],
)
