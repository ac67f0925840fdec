"""The sizes of what ONNX Runtime's own operators make, which ONNX does not define."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.readers.aten.program import Meta
from archcalc.readers.onnx.inference import Inference

AS_ONNX = {
    "DynamicQuantizeLSTM": "LSTM",
    "FusedConv": "Conv",
    "FusedMatMul": "MatMul",
    "QLinearConcat": "Concat",
}
"""The operators that make what one of ONNX makes."""

AS_FIRST_INPUT = frozenset(
    ("BiasGelu", "FastGelu", "Gelu", "LayerNormalization", "QLinearLeakyRelu", "QLinearSigmoid", "QuickGelu")
)

BROADCAST = {"QLinearAdd": (0, 3), "QLinearMul": (0, 3)}
"""The operators that combine elements of two of their inputs."""


def outputs_of(inference: Inference, node: Any, inputs: Sequence[Meta | None]) -> dict[str, Meta]:
    """Return what is known about the outputs of an operator of ONNX Runtime.

    Args:
        inference: infers the outputs of operators of ONNX.
        node: the node.
        inputs: what is known about its inputs; ``None`` for one that is missing.
    """
    first = inputs[0] if inputs else None
    if first is None:
        return {}
    kind = node.op_type
    if kind in AS_FIRST_INPUT:
        return {node.output[0]: first}
    if kind in ("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"):
        return {name: first for at, name in enumerate(node.output) if name and at in (0, 3)}
    if kind == "Attention" and inputs[1] is not None:
        return {node.output[0]: Meta((*first.sizes[:-1], inputs[1].sizes[-1] // 3), first.dtype)}
    if kind == "QLinearGlobalAveragePool":
        return {node.output[0]: Meta((*first.sizes[:2], *[1] * (len(first.sizes) - 2)), first.dtype)}
    if kind in BROADCAST or kind in AS_ONNX:
        return _as_onnx(inference, node, inputs)
    return {}


def _as_onnx(inference: Inference, node: Any, inputs: Sequence[Meta | None]) -> dict[str, Meta]:
    """Return the outputs of the operator of ONNX that makes tensors of the same sizes."""
    from onnx import helper

    copy = type(node)()
    copy.CopyFrom(node)
    copy.domain = ""
    copy.op_type = AS_ONNX.get(node.op_type, "Add")
    chosen = list(inputs)
    if node.op_type == "DynamicQuantizeLSTM":
        turned = [
            None if each is None else Meta((each.sizes[0], each.sizes[2], each.sizes[1]), "float32")
            for each in inputs[1:3]
        ]
        chosen = [inputs[0], *turned, *inputs[3:8]]
    elif node.op_type in BROADCAST:
        chosen = [inputs[at] for at in BROADCAST[node.op_type]]
    elif node.op_type == "QLinearConcat":
        chosen = list(inputs[2::3])
    elif node.op_type == "FusedMatMul":
        for at, name in enumerate(("transA", "transB")):
            each = chosen[at]
            if each is not None and any(a.name == name and a.i for a in node.attribute):
                chosen[at] = Meta((*each.sizes[:-2], each.sizes[-1], each.sizes[-2]), each.dtype)
    schema = inference.schema(copy)
    known = [] if schema is None else [each.name for each in schema.attributes.values()]
    kept = [each for each in copy.attribute if each.name in known]
    names = [f"{at}" if each is not None else "" for at, each in enumerate(chosen)]
    made = helper.make_node(copy.op_type, names, list(node.output))
    made.attribute.extend(kept)
    metas = {f"{at}": Meta(each.sizes, "float32") for at, each in enumerate(chosen) if each is not None}
    return inference.outputs(made, metas, {})
