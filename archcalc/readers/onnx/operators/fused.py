"""Operators that ONNX Runtime makes of several of ONNX, as those that they consist of."""

from __future__ import annotations

from math import sqrt
from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.operators.convolution import window
from archcalc.readers.onnx.operators.linear import product
from archcalc.readers.onnx.operators.shape import own_size
from archcalc.readers.onnx.registry import converts_microsoft

ACTIVATIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "LeakyRelu": "leaky_relu", "HardSigmoid": ""}


def activated(n: NodeView, made: TensorName | None, call: tuple[str, dict[str, Any]]) -> None:
    """Add a call, and the activation that follows it by an attribute."""
    name = n.attribute("activation", "")
    target, arguments = call
    if not name:
        n.call(target, **arguments)
        return
    if not ACTIVATIONS.get(name):
        raise Untranslatable(f"the activation {name}")
    read = n.compute(target, n.result_sizes(), **arguments)
    slope = n.attribute("activation_params", [None])[0] if name == "LeakyRelu" else None
    n.call(f"aten.{ACTIVATIONS[name]}.default", self=read, negative_slope=slope)


@converts_microsoft("FusedConv")
def conv(n: NodeView) -> None:
    if n.has(3):
        raise Untranslatable("a tensor that is added")
    arguments = {
        "input": n.tensor(0),
        "weight": n.tensor(1),
        "bias": n.tensor(2) if n.has(2) else None,
        "groups": n.attribute("group", 1),
        **window(n, n.sizes(1)[2:]),
    }
    activated(n, None, ("onnx.Conv", arguments))


@converts_microsoft("FusedMatMul")
def matmul(n: NodeView) -> None:
    operands = []
    for index, turned in enumerate(("transA", "transB")):
        sizes = n.sizes(index)
        each = n.tensor(index)
        if n.attribute(turned, 0):
            swapped = (*sizes[:-2], sizes[-1], sizes[-2])
            each = n.compute("aten.transpose.int", swapped, self=each, dim0=len(sizes) - 2, dim1=len(sizes) - 1)
        operands.append(each)
    factor = n.attribute("alpha", 1.0)
    if factor == 1:
        n.call("aten.matmul.default", self=operands[0], other=operands[1])
        return
    made = n.compute("aten.matmul.default", n.result_sizes(), self=operands[0], other=operands[1])
    n.call("aten.mul.Tensor", self=made, other=factor)


@converts_microsoft("BiasGelu")
def gelu(n: NodeView) -> None:
    made = n.compute("aten.add.Tensor", n.sizes(0), self=n.tensor(0), other=n.tensor(1))
    n.call("aten.gelu.default", self=made)


@converts_microsoft("QuickGelu")
def quick_gelu(n: NodeView) -> None:
    sizes = n.sizes(0)
    scaled = n.compute("aten.mul.Tensor", sizes, self=n.tensor(0), other=n.attribute("alpha", 1.702))
    gate = n.compute("aten.sigmoid.default", sizes, self=scaled)
    n.call("aten.mul.Tensor", self=n.tensor(0), other=gate)


@converts_microsoft("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_layer_norm(n: NodeView) -> None:
    sizes = n.sizes(0)
    simple = "Simplified" in n.operator
    bias_at = 3 if simple else 4
    if any(n.outputs[1:3]):
        raise Untranslatable("the mean and the deviation as outputs")
    total = n.compute("aten.add.Tensor", sizes, self=n.tensor(0), other=n.tensor(1))
    if n.has(bias_at):
        total = n.compute("aten.add.Tensor", sizes, self=total, other=n.tensor(bias_at))
    if len(n.outputs) > 3 and n.outputs[3]:
        n.tensors.alias(n.outputs[3], total.name)
    arguments: dict[str, Any] = {"input": total, "normalized_shape": [sizes[-1]], "weight": n.tensor(2)}
    eps = n.attribute("epsilon", 1e-12)
    if simple:
        n.first_output("aten.rms_norm.default", **arguments, eps=eps)
    elif n.has(3):
        n.first_output("aten.layer_norm.default", **arguments, bias=n.tensor(3), eps=eps)
    else:
        raise Untranslatable("a normalisation with a scale but no shift")


@converts_microsoft("Attention")
def attention(n: NodeView) -> None:
    """Convert attention with one projection of queries, keys and values; masks and caches are not supported."""
    if any(n.has(index) for index in range(3, len(n.inputs))) or n.attribute("unidirectional", 0) or any(n.outputs[1:]):
        raise Untranslatable("a mask or a cache")
    batch, length, _ = n.sizes(0)
    total = n.sizes(1)[1]
    heads, width = n.attribute("num_heads"), total // 3
    if n.has_attribute("qkv_hidden_sizes"):
        raise Untranslatable("queries, keys and values of different sizes")
    projected = product(n, n.tensor(0), n.tensor(1), n.tensor(2) if n.has(2) else None, (batch, length, total))
    parts = []
    for number in range(3):
        part = n.compute(
            "aten.slice.Tensor",
            (batch, length, width),
            self=projected,
            dim=2,
            start=number * width,
            end=(number + 1) * width,
        )
        split = n.compute(
            "aten.view.default",
            (batch, length, heads, width // heads),
            self=part,
            size=[own_size(n, 0), own_size(n, 1), heads, width // heads],
        )
        sizes = (batch, heads, length, width // heads)
        parts.append(n.compute("aten.transpose.int", sizes, self=split, dim0=1, dim1=2))
    scale = n.attribute("scale", 0.0) or None
    if scale is not None and abs(scale - 1 / sqrt(width // heads)) < 1e-6:
        scale = None
    mixed = n.compute(
        "aten.scaled_dot_product_attention.default",
        (batch, heads, length, width // heads),
        query=parts[0],
        key=parts[1],
        value=parts[2],
        scale=scale,
    )
    joined = n.compute("aten.transpose.int", (batch, length, heads, width // heads), self=mixed, dim0=1, dim1=2)
    n.first_output("aten.view.default", self=joined, size=[own_size(n, 0), own_size(n, 1), width])
