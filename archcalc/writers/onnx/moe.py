"""Mixtures of experts: in ONNX every expert reads every token, and most of them have shares of zero."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import gelu, silu, whole
from archcalc.writers.onnx.registry import writes


@writes("moe")
def write_moe(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    def linear(x: str, which: str, equation: str) -> str:
        x = model.add("Einsum", x, model.constant(weights[which]), equation=equation)
        bias = weights.get(f"{which}_bias")
        return x if bias is None else model.add("Add", x, model.constant(bias))

    def activated(x: str) -> str:
        if op.act == "relu":
            return model.add("Relu", x)
        if op.act == "silu":
            return silu(model, x)
        return gelu(model, x, "exact")

    rank = len(shape)
    lead = "abcf"[:rank]
    logits = linear(name, "router", f"{lead}d,ed->{lead}e")
    one, other = (model.add("Unsqueeze", logits, whole(model, axis)) for axis in (rank, rank + 1))
    larger = model.add("Where", model.add("Greater", one, other), model.constant(1.0), model.constant(0.0))
    larger = model.add("ReduceSum", larger, whole(model, rank + 1), keepdims=0)
    chosen = model.add("Where", model.add("Less", larger, model.constant(op.top)), logits, model.constant(-1e30))
    spread = model.add("Softmax", chosen, axis=-1)
    hidden = activated(linear(name, "gate" if op.gated else "up", f"{lead}d,ehd->{lead}eh"))
    if op.gated:
        hidden = model.add("Mul", hidden, linear(name, "up", f"{lead}d,ehd->{lead}eh"))
    results = linear(hidden, "down", f"{lead}eh,edh->{lead}ed")
    return model.add("Einsum", results, spread, equation=f"{lead}ed,{lead}e->{lead}d")
