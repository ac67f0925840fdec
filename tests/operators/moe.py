"""Mixtures of experts: in ONNX and PyTorch every expert reads every token, and most of them have shares of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.entry import Sizes, entry
from tests.operators.onnx_parts import Weights, whole
from tests.operators.torch_parts import functional, layer, parameter, torch
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


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


def onnx_moe(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    def linear(x: str, which: str, equation: str) -> str:
        x = model.add("Einsum", x, model.constant(weights[which]), equation=equation)
        bias = weights.get(f"{which}_bias")
        return x if bias is None else model.add("Add", x, model.constant(bias))

    def activated(x: str) -> str:
        if op.act == "relu":
            return model.add("Relu", x)
        if op.act == "silu":
            return model.add("Mul", x, model.add("Sigmoid", x))
        tail = model.add("Erf", model.add("Mul", x, model.constant(np.sqrt(0.5))))
        return model.add("Mul", model.add("Mul", x, model.constant(0.5)), model.add("Add", tail, model.constant(1.0)))

    rank = len(shape)
    lead = "abcf"[:rank]
    logits = linear(name, "router", f"{lead}d,ed->{lead}e")
    one, other = (model.add("Unsqueeze", logits, whole(model, axis)) for axis in (rank, rank + 1))
    larger = model.add("Where", model.add("Greater", one, other), model.constant(1.0), model.constant(0.0))
    larger = model.add("ReduceSum", larger, whole(model, rank + 1), keepdims=0)
    chosen = model.add("Where", model.add("Less", larger, model.constant(op.top)), logits, model.constant(-1e30))
    spread = model.add("Softmax", chosen, axis=-1)
    hidden = linear(name, "gate" if op.gated else "up", f"{lead}d,ehd->{lead}eh")
    hidden = activated(hidden)
    if op.gated:
        hidden = model.add("Mul", hidden, linear(name, "up", f"{lead}d,ehd->{lead}eh"))
    results = linear(hidden, "down", f"{lead}eh,edh->{lead}ed")
    return model.add("Einsum", results, spread, equation=f"{lead}ed,{lead}e->{lead}d")


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
    onnx=onnx_moe,
    torch=torch_moe,
    cases=[
        ({"hidden": 10, "experts": 6}, ((20, 24),)),
        ({"hidden": 6, "experts": 4, "top": 3, "act": "silu", "gated": True, "bias": False}, ((3, 20, 24),)),
        ({"hidden": 5, "experts": 3, "top": 1, "act": "gelu"}, ((12,),)),
    ],
)
