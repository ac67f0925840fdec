"""Attention of given queries, keys and values."""

from __future__ import annotations

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import argument

UNUSUAL = {4: "a cache of keys", 5: "a cache of values", 6: "lengths of the keys without padding"}
"""What inputs mean that plain attention does not have."""


PLAIN = {"is_causal", "q_num_heads", "kv_num_heads", "scale", "softmax_precision", "qk_matmul_output_mode"}
"""The attributes of plain attention, or of outputs that it does not have; others are windows and limits of scores."""


@converts("Attention")
def attention(n: NodeView) -> None:
    if any(each.name not in PLAIN for each in n.node.attribute):
        raise Untranslatable("scores with a limit, or windows")
    for index, what in UNUSUAL.items():
        if n.has(index):
            raise Untranslatable(what)
    if any(n.outputs[1:]):
        raise Untranslatable("a cache or scores as outputs")
    causal = bool(n.attribute("is_causal", 0))
    if n.has(3) and (causal or len(n.sizes(3)) not in (2, 4) or n.dtype(3) == "bool"):
        raise Untranslatable("a mask besides the causal one, or a Boolean mask, which may leave out all positions")
    flat = len(n.sizes(0)) == 3
    counts = [n.attribute("q_num_heads"), *[n.attribute("kv_num_heads")] * 2] if flat else []
    parts = [_heads(n, at, count) for at, count in enumerate(counts)] if flat else [n.tensor(at) for at in range(3)]
    query, key, value = (n.tensors.sizes(each.name) for each in parts)
    if n.has(3) and n.sizes(3)[-2:] != (query[2], key[2]):
        raise Untranslatable("a mask of other sizes")
    scale = n.attribute("scale", None)
    arguments = {
        "query": parts[0],
        "key": parts[1],
        "value": parts[2],
        "attn_mask": n.tensor(3) if n.has(3) else None,
        "is_causal": causal or None,
        "scale": scale,
        "enable_gqa": query[1] != key[1] or None,
    }
    target = "aten.scaled_dot_product_attention.default"
    if not flat:
        n.first_output(target, **arguments)
        return
    made = n.compute(target, (*query[:3], value[3]), **{k: v for k, v in arguments.items() if v is not None})
    moved = (query[0], query[2], query[1], value[3])
    turned = n.compute("aten.transpose.int", moved, self=made, dim0=1, dim1=2)
    own = [argument(n.tensors.size_of(n.name(0), axis)) for axis in (0, 1)]
    n.first_output("aten.view.default", self=turned, size=[*own, moved[2] * moved[3]])


def _heads(n: NodeView, index: int, count: int) -> TensorName:
    """Return an input, batch × positions × features, as batch × heads × positions × features."""
    batch, length, features = n.sizes(index)
    sizes: Sizes = (batch, length, count, features // count)
    own = [argument(n.tensors.size_of(n.name(index), axis)) for axis in (0, 1)]
    split = n.compute("aten.view.default", sizes, self=n.tensor(index), size=[*own, *sizes[2:]])
    return n.compute("aten.transpose.int", (batch, count, length, sizes[3]), self=split, dim0=1, dim1=2)
