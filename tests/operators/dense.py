"""Fully connected layers and their relatives."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from tests.operators.entry import MAP, VECTOR, Sizes, entry
from tests.operators.torch_parts import functional, layer, nn, parameter, torch
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


entry(
    "fc",
    draw=lambda w, s: joined([f"fc {w.number(w.whole(1, 20), s)}", w.maybe("nobias"), w.among("", "", "weight_norm")]),
    torch=lambda op, s: nn.Sequential(nn.Flatten(), torch_rows(op, prod(s))),
    cases=[({"features": 10}, (MAP,)), ({"features": 10, "bias": False}, (VECTOR,))],
)


def torch_rows(op: Any, length: int) -> Module:
    """Return a linear layer; with PyTorch's weight norm, its stored arrays are in the order of archcalc."""
    if not op.weight_norm:
        return nn.Linear(length, op.features, op.bias)
    stored = {"weight": parameter(op.features, length), "gain": parameter(op.features)}
    stored |= {"bias": parameter(op.features)} if op.bias else {}

    def run(x: Tensor) -> Tensor:
        return functional.linear(
            x, torch._weight_norm(stored["weight"], stored["gain"][:, None], 0), stored.get("bias")
        )

    return layer(run, **stored)


def torch_linear(op: Any, shape: Sizes) -> Module:
    if op.axis != "channels":
        return torch_rows(op, shape[-1])
    there, back = layer(lambda x: x.movedim(1, -1)), layer(lambda x: x.movedim(-1, 1))
    return nn.Sequential(there, torch_rows(op, shape[0]), back)


entry(
    "linear",
    draw=lambda w, s: joined(
        [f"linear {w.number(w.whole(1, 8), s)}", w.maybe("axis=channels"), w.maybe("nobias weight_norm")]
    ),
    torch=torch_linear,
    cases=[({"features": 10, "axis": axis}, (shape,)) for axis in ("last", "channels") for shape in (MAP, VECTOR)],
)


def torch_rbf(op: Any, shape: Sizes) -> Module:
    centres = parameter(op.features, prod(shape))

    def run(x: Tensor) -> Tensor:
        return ((x.flatten(1)[:, None] - centres) ** 2).sum(-1)

    return layer(run, centres=centres if op.trainable else centres.detach())


entry(
    "rbf",
    draw=lambda w, s: joined([f"rbf {w.number(w.whole(1, 8), s)}", w.maybe("trainable")]),
    torch=torch_rbf,
    cases=[({"features": 10}, (VECTOR,)), ({"features": 10, "trainable": True}, (MAP,))],
)


def draw_embedding(w: Writer, shape: Shape) -> str | None:
    return f"embedding {w.whole(1, 30)} {w.whole(1, 5)}" if len(shape) < 4 else None


def torch_embedding(op: Any, shape: Sizes) -> Module:
    nearest = layer(lambda x: x.round().clamp(0, op.vocabulary - 1).long())
    return nn.Sequential(nearest, nn.Embedding(op.vocabulary, op.dim))


entry(
    "embedding",
    draw=draw_embedding,
    torch=torch_embedding,
    cases=[({"vocabulary": 100, "dim": 8}, (VECTOR,)), ({"vocabulary": 100, "dim": 8}, (MAP,))],
)
