"""Attention with and without projections."""

from __future__ import annotations

from typing import Any

from archcalc.graph import Ref
from archcalc.numeric import known_equal
from archcalc.ops.activation import Softmax, Tanh
from archcalc.ops.attention import Attention, ScaledDotProductAttention
from archcalc.ops.dense import Linear
from archcalc.ops.joins import Add, Mul
from archcalc.ops.product import MatMul
from archcalc.ops.rearrange import Rearrange
from archcalc.ops.reduction import Sum
from archcalc.readers.keras.layers.learned_arrays import learned_as
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

PROJECTIONS = ("query", "key", "value", "output")


def into_heads(kernel: Any) -> Any:
    """Return a matrix, outputs by features, of a kernel of features × heads × width."""
    return kernel.reshape(kernel.shape[0], -1).T


def out_of_heads(kernel: Any) -> Any:
    """Return a matrix, outputs by features, of a kernel of heads × width × outputs."""
    return kernel.reshape(-1, kernel.shape[-1]).T


def as_vector(bias: Any) -> Any:
    """Return the biases of heads as one vector."""
    return bias.reshape(-1)


def projections(n: LayerView, bias: bool, prefix: str) -> dict[str, str]:
    """Return the names of the arrays of the four projections, which are parts of the layer."""
    stored = {}
    for name in PROJECTIONS:
        part = f"{prefix}{name}_dense"
        stored[name] = n.variable(0, out_of_heads if name == "output" else into_heads, part)
        if bias:
            stored[f"{name}_bias"] = n.variable(1, as_vector, part)
    return stored


def given(n: LayerView) -> tuple[Ref, Ref, Ref]:
    """Return the tensors that give queries, keys and values."""
    query, value = n.argument(0, "query"), n.argument(1, "value")
    if query is None or value is None:
        raise Unconvertible("queries and values must be given")
    if n.call.kwargs.get("attention_mask") is not None or n.argument(3, "query_mask") is not None:
        raise Unconvertible("attention with a mask")
    if n.call.kwargs.get("return_attention_scores") is True:
        raise Unconvertible("attention that returns its scores")
    return query, n.argument(2, "key") or value, value


@converts("MultiHeadAttention", "GroupedQueryAttention", "GroupQueryAttention")
def multi_head_attention(n: LayerView) -> Ref:
    query, key, value = given(n)
    grouped = n.call.layer.class_name != "MultiHeadAttention"
    heads = n.integer("num_query_heads" if grouped else "num_heads")
    kv_heads = n.integer("num_key_value_heads") if grouped else heads
    width = n.integer("head_dim" if grouped else "key_dim")
    value_width = width if grouped else n.integer("value_dim", width)
    axes = n.get("attention_axes", [1])
    if n.rank(query) != 2 or axes not in (1, [1], [-2]) or n.get("sliding_window", None) is not None:
        raise Unconvertible("attention along several axes, or within windows")
    if n.flag("use_gate", False):
        raise Unconvertible("attention with a gate")
    bias, causal = n.flag("use_bias", True), n.call.kwargs.get("use_causal_mask") is True
    stored = projections(n, bias, "_" if grouped or n.graph.plan.legacy else "")
    outputs = n.get("output_shape", None)
    outputs = outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs
    first = n.in_file(query)
    second = first if key == query else n.in_file(key)
    third = second if value == key else n.in_file(value)
    features = n.shape(first)[-1]
    if key == value and value_width == width and (outputs is None or known_equal(features, outputs)):
        attributes: dict[str, Any] = {"heads": heads, "dim": heads * width, "causal": causal, "bias": bias}
        attributes |= {"kv_heads": kv_heads} if kv_heads != heads else {}
        is_self = key == query
        op = make(Attention, context=not is_self, **attributes)
        return n.from_file(n.add(op, first, *(() if is_self else (second,)), stored=stored))
    if kv_heads != heads:
        raise Unconvertible("groups of heads whose widths differ from those of the queries")
    parts = []
    for name, tensor, size in zip(PROJECTIONS, (first, second, third), (width, width, value_width), strict=False):
        own = own_arrays(stored, name)
        projected = n.add(make(Linear, features=heads * size, axis="last", bias=bias), tensor, stored=own)
        parts.append(n.add(make(Rearrange, pattern="n (h d) = h n d", sizes=(("h", heads),)), projected))
    mixed = n.add(make(ScaledDotProductAttention, causal=causal), *parts)
    joined = n.add(make(Rearrange, pattern="h n d = n (h d)"), mixed)
    width_out = features if outputs is None else outputs
    if isinstance(width_out, list):
        raise Unconvertible("an output of several axes")
    op_out = make(Linear, features=width_out, axis="last", bias=bias)
    return n.from_file(n.add(op_out, joined, stored=own_arrays(stored, "output")))


def own_arrays(stored: dict[str, str], name: str) -> dict[str, str]:
    """Return the arrays of one projection."""
    found = {"weight": stored[name]}
    return {**found, "bias": stored[f"{name}_bias"]} if f"{name}_bias" in stored else found


@converts("AdditiveAttention")
def additive_attention(n: LayerView) -> Ref:
    """Convert attention whose scores are sums of tanh(query + key), perhaps with learned factors (Bahdanau)."""
    query, value, *others = n.tensors
    if len(others) > 1 or n.call.kwargs.get("use_causal_mask") is True or n.flag("causal", False):
        raise Unconvertible("attention with a mask, by a sum")
    first, last, third = map(n.in_file, (query, value, others[0] if others else value))
    (queries, width), (keys, _) = n.shape(first), n.shape(third)
    pairs = n.add(Add(), n.reshaped(first, (queries, 1, width)), n.reshaped(third, (1, keys, width)))
    terms = n.add(Tanh(), pairs)
    if n.flag("use_scale", True):
        terms = n.add(Mul(), terms, learned_as(n, 0, (1, 1, width), lambda array: array.reshape(1, 1, -1)))
    scores = n.add(make(Sum, axis=(2,), keep=False), terms)
    return n.from_file(n.add(MatMul(), n.add(make(Softmax, axis=1), scores), last))


@converts("Attention")
def attention(n: LayerView) -> Ref:
    """Convert attention without projections, whose products are not scaled by default."""
    query, value, *others = n.tensors
    if len(others) > 1 or n.flag("use_scale", False) or n.word("score_mode", "dot") != "dot":
        raise Unconvertible("attention with a learned scale, with a mask, or by a sum")
    causal = n.call.kwargs.get("use_causal_mask") is True or n.flag("causal", False)
    key = others[0] if others else value
    op = make(ScaledDotProductAttention, factor=1, causal=causal)
    return n.from_file(n.add(op, *map(n.in_file, (query, key, value))))
