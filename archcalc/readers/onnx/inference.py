"""The sizes and number formats of a node's outputs, by ONNX's own shape inference for one node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archcalc.readers.aten.program import TensorMetadata
from archcalc.readers.onnx.program import CODES, DTYPES

DOMAINS = ("", "ai.onnx")
"""The names of ONNX's own domain."""

AS_FIRST_INPUT = ("GroupNormalization",)
"""The operators whose output is like their first input, which ONNX does not infer, or refuses as deprecated."""

UNFINISHED = re.compile(rb"(?<!\.)(\.{1,2}|\.{4,})(?!\.)")
"""Dots in an equation of Einsum that are no ellipsis, with which ONNX's inference does not end."""


class Misfit(Exception):
    """Inputs that do not fit a node; the message says why."""


class Inference:
    """Infers the outputs of nodes, with the operator sets that a model imports."""

    def __init__(self, opsets: Mapping[str, int], ir_version: int) -> None:
        from onnx import OperatorSetIdProto

        self.opsets, self.ir_version = opsets, ir_version
        self.imports = [OperatorSetIdProto(domain=domain, version=version) for domain, version in opsets.items()]

    def version(self, domain: str) -> int:
        """Return the version of a domain's operators."""
        names = DOMAINS if domain in DOMAINS else (domain,)
        return next((self.opsets[name] for name in names if name in self.opsets), 1)

    def schema(self, node: Any) -> Any | None:
        """Return the definition of a node's operator; ``None`` if ONNX does not define it."""
        from onnx import defs

        domain = "" if node.domain in DOMAINS else node.domain
        try:
            return defs.get_schema(node.op_type, self.version(domain), domain)
        except defs.SchemaError:
            return None

    def outputs(
        self, node: Any, inputs: Mapping[str, TensorMetadata], values: Mapping[str, Any]
    ) -> dict[str, TensorMetadata]:
        """Return what is known about the outputs of a node; those of unknown sizes are missing.

        Args:
            node: the node.
            inputs: its inputs.
            values: the values of those that are known.

        Raises:
            Misfit: the inputs do not fit the node.
        """
        from onnx import checker, helper, numpy_helper, shape_inference

        schema = self.schema(node)
        if schema is None:
            return {}
        if node.op_type == "Einsum" and any(UNFINISHED.search(each.s) for each in node.attribute):
            raise Misfit("the equation has dots that are no ellipsis")
        if node.op_type in AS_FIRST_INPUT:
            return {node.output[0]: inputs[node.input[0]]}
        if node.op_type == "STFT" and not any(each.name == "onesided" for each in node.attribute):
            with_default = type(node)()
            with_default.CopyFrom(node)  # the inference of onnx takes 0 for the default
            with_default.attribute.append(helper.make_attribute("onesided", 1))
            node = with_default
        types = {
            name: helper.make_tensor_type_proto(CODES.get(each.dtype, 1), list(each.sizes))
            for name, each in inputs.items()
        }
        data = {
            name: numpy_helper.from_array(value)
            for name, value in values.items()
            if inputs[name].dtype != "bfloat16"  # NumPy does not have it, and no sizes are in it
        }
        try:
            found = shape_inference.infer_node_outputs(schema, node, types, data, None, self.imports, self.ir_version)
        except (shape_inference.InferenceError, checker.ValidationError, RuntimeError, ValueError, TypeError) as error:
            reason = str(error).removeprefix("[ShapeInferenceError] ")
            is_narrow = any(each.dtype == "bfloat16" for each in inputs.values())
            if is_narrow and "unsupported type: tensor(bfloat16)" in reason:
                return self._in_bfloat16(node, inputs, values)
            raise Misfit(reason[:300]) from None
        return {name: meta for name, each in found.items() if (meta := meta_of(each)) is not None}

    def _in_bfloat16(
        self, node: Any, inputs: Mapping[str, TensorMetadata], values: Mapping[str, Any]
    ) -> dict[str, TensorMetadata]:
        """Return the outputs of a node whose operator has bfloat16 in later versions only; exporters use it anyway."""

        def other(metas: Mapping[str, TensorMetadata], before: str, after: str) -> dict[str, TensorMetadata]:
            return {name: replace(each, dtype=after) if each.dtype == before else each for name, each in metas.items()}

        return other(self.outputs(node, other(inputs, "bfloat16", "float32"), values), "float32", "bfloat16")


def meta_of(type_proto: Any) -> TensorMetadata | None:
    """Return the sizes and the format of a tensor; ``None`` if a size is unknown."""
    if not type_proto.HasField("tensor_type") or not type_proto.tensor_type.HasField("shape"):
        return None
    tensor = type_proto.tensor_type
    sizes = tuple([dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim])
    return TensorMetadata(sizes, DTYPES.get(tensor.elem_type, "float32")) if all(size >= 0 for size in sizes) else None
