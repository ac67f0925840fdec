"""Selections by index and by size: indices are rounded, and limited to the axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.writers.onnx.parts import axis_after_batch
from archcalc.writers.onnx.selection import along
from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.torch_parts import layer, torch
from tests.operators.writer import Shape, Writer, draw_axis, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_take(w: Writer, shape: Shape) -> str | None:
    where, _ = draw_axis(w, shape)
    indices = w.among("identity", "scale 3", "relu -> scale 2") if len(shape) == 1 else "gap -> scale 2"
    return f"take({', '.join(each for each in ('identity', indices, where) if each)})"


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
    torch=torch_take,
    cases=[({"axis": 1}, (MAP, VECTOR)), ({}, (MAP, (3, 4))), ({"axis": -1}, (VECTOR, VECTOR))],
)


def draw_gather(w: Writer, shape: Shape) -> str:
    where, _ = draw_axis(w, shape)
    return f"gather({', '.join(each for each in ('identity', w.among('identity', 'scale 3'), where) if each)})"


def torch_gather(op: Any, shapes: list[Sizes]) -> Module:
    at = along(op, shapes[0]) + 1
    return layer(lambda x, indices: x.gather(at, nearest(indices, x.shape[at])))


entry(
    "gather",
    draw=draw_gather,
    torch=torch_gather,
    cases=[({}, (MAP, MAP)), ({"axis": 2}, (MAP, (12, 20, 5)))],
)


def draw_scatter(w: Writer, shape: Shape) -> str:
    where, _ = draw_axis(w, shape)
    how = w.among("", "how=sum", "how=prod", "how=max", "how=min")
    values = w.among("identity", "scale 2", "tanh")
    return f"scatter({', '.join(each for each in ('identity', 'scale 3', values, where, how) if each)})"


def torch_scatter(op: Any, shapes: list[Sizes]) -> Module:
    at = along(op, shapes[0]) + 1

    def run(x: Tensor, indices: Tensor, values: Tensor) -> Tensor:
        places = nearest(indices, x.shape[at]).expand(values.shape)
        if op.how == "replace":  # the last value at an index counts, which PyTorch's scatter does not promise
            steps = torch.arange(1, values.shape[at] + 1)
            numbers = steps.view(-1, *(1,) * (x.dim() - at - 1)).expand(values.shape)
            last = torch.zeros(x.shape, dtype=torch.long).scatter_reduce(at, places, numbers, "amax")
            return torch.where(last > 0, values.gather(at, (last - 1).clamp(min=0)), x)
        how = {"max": "amax", "min": "amin"}.get(op.how, op.how)
        return x.scatter_reduce(at, places, values, how)

    return layer(run)


entry(
    "scatter",
    draw=draw_scatter,
    torch=torch_scatter,
    cases=[
        ({"how": "sum"}, (MAP, MAP, MAP)),
        ({"axis": 2, "how": "max"}, (MAP, (1, 1, 5), (12, 20, 5))),
        ({"axis": 1, "how": "prod"}, (MAP, (12, 4, 1), (12, 4, 18))),
        ({"axis": -1, "how": "min"}, (MAP, (12, 20, 6), (12, 20, 6))),
        ({"axis": -1}, (VECTOR, VECTOR, VECTOR)),
    ],
)


def draw_topk(w: Writer, shape: Shape) -> str:
    where, n = draw_axis(w, shape)
    return joined([f"topk {w.whole(1, n)}", where, w.maybe("smallest")])


def torch_topk(op: Any, shape: Sizes) -> Module:
    def run(x: Tensor) -> tuple[Tensor, Tensor]:
        values, indices = x.topk(int(op.count), axis_after_batch(op), largest=not op.smallest)
        return values, indices.to(x.dtype)

    return layer(run)  # type: ignore[arg-type]


entry(
    "topk",
    draw=draw_topk,
    torch=torch_topk,
    cases=[({"count": 3}, (MAP,)), ({"count": 8, "axis": -1, "smallest": True}, (MAP,))],
)
