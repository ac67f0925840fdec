"""Mixtures of experts: in ONNX and PyTorch every expert reads every token, and most of them have shares of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.operators.entry import Sizes, entry
from tests.operators.torch_parts import functional, layer, parameter, torch
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_moe(w: Writer, shape: Shape) -> str:
    experts = w.whole(1, 4)
    options = [
        w.number(w.whole(1, 4), shape),
        f"experts={experts}",
        f"top={w.whole(1, experts)}",
        w.among("", "act=relu", "act=gelu", "act=silu"),
        w.maybe("gated"),
        w.maybe("nobias"),
    ]
    return joined(["moe", *options])


def torch_moe(op: Any, shape: Sizes) -> Module:
    """Follow the released Mixtral: a softmax over all experts, after which the shares of the chosen ones are
    normalised."""
    shapes = {"router": (op.experts, shape[-1]), "up": (op.experts, op.hidden, shape[-1])}
    if op.gated:
        shapes["gate"] = shapes["up"]
    shapes["down"] = (op.experts, shape[-1], op.hidden)
    stored = {}
    for name, size in shapes.items():
        stored[name] = parameter(*size)
        if op.bias:
            stored[f"{name}_bias"] = parameter(*size[:-1])

    def run(x: Tensor) -> Tensor:
        def linear(equation: str, x: Tensor, name: str) -> Tensor:
            found = torch.einsum(equation, x, getattr(module, name))
            return found + getattr(module, f"{name}_bias") if op.bias else found

        activate = getattr(functional, op.act)
        shares, chosen = linear("...d,ed->...e", x, "router").softmax(-1).topk(op.top, -1)
        shares = shares / shares.sum(-1, keepdim=True)
        spread = torch.zeros(*x.shape[:-1], op.experts).to(x).scatter(-1, chosen, shares)
        hidden = linear("...d,ehd->...eh", x, "up")
        hidden = activate(linear("...d,ehd->...eh", x, "gate")) * hidden if op.gated else activate(hidden)
        return torch.einsum("...ed,...e->...d", linear("...eh,edh->...ed", hidden, "down"), spread)

    module = layer(run, **stored)
    return module


entry(
    "moe",
    draw=draw_moe,
    torch=torch_moe,
    cases=[
        ({"hidden": 10, "experts": 6}, ((20, 24),)),
        ({"hidden": 6, "experts": 4, "top": 3, "act": "silu", "gated": True, "bias": False}, ((3, 20, 24),)),
        ({"hidden": 5, "experts": 3, "top": 1, "act": "gelu"}, ((12,),)),
    ],
)
