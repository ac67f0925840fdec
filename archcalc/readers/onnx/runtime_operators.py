"""The sizes of what ONNX Runtime's own operators make, which ONNX does not define."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.readers.aten.program import TensorMetadata
from archcalc.readers.onnx.inference import Inference

AS_FIRST_INPUT = frozenset(("LayerNormalization", "SimplifiedLayerNormalization"))
"""The operators whose output is like their first input."""


def outputs_of(inference: Inference, node: Any, inputs: Sequence[TensorMetadata | None]) -> dict[str, TensorMetadata]:
    """Return what is known about the outputs of an operator of ONNX Runtime.

    Args:
        inference: infers the outputs of operators of ONNX.
        node: the node.
        inputs: what is known about its inputs; ``None`` for one that is missing.
    """
    first = inputs[0] if inputs else None
    if first is not None and node.op_type in AS_FIRST_INPUT:
        return {node.output[0]: first}
    if node.op_type == "DynamicQuantizeLSTM":
        return _as_lstm(inference, node, inputs)
    return {}


def _as_lstm(inference: Inference, node: Any, inputs: Sequence[TensorMetadata | None]) -> dict[str, TensorMetadata]:
    """Return the outputs of a recurrent layer whose weights are integers, features before rows."""
    from onnx import helper

    turned = [
        None if each is None else TensorMetadata((each.sizes[0], each.sizes[2], each.sizes[1]), "float32")
        for each in inputs[1:3]
    ]
    chosen = [inputs[0], *turned, *inputs[3:8]]
    names = [f"{at}" if each is not None else "" for at, each in enumerate(chosen)]
    made = helper.make_node("LSTM", names, list(node.output))
    made.attribute.extend(node.attribute)
    metas = {f"{at}": TensorMetadata(each.sizes, "float32") for at, each in enumerate(chosen) if each is not None}
    return inference.outputs(made, metas, {})
