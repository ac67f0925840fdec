"""Operators that are functions of others, by the file or by ONNX itself: their nodes stand in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.readers.aten.program import TensorMetadata
from archcalc.readers.onnx.inference import Inference
from archcalc.readers.onnx.program import CODES
from archcalc.readers.onnx.renaming import in_place_of, renamed


def defined_by_onnx(inference: Inference, node: Any, inputs: Sequence[TensorMetadata | None]) -> Any | None:
    """Return the function that defines an operator of ONNX; ``None`` if it is not defined by one.

    Args:
        inference: the definitions of operators.
        node: the node.
        inputs: what is known about its inputs.
    """
    from onnx import FunctionProto, TypeProto, helper

    schema = inference.schema(node)
    if schema is None:
        return None
    version = inference.version(node.domain)
    if schema.has_function:
        known = sorted(schema.function_opset_versions)
        chosen = max((each for each in known if each <= version), default=known[0])  # each imports its own version
        return FunctionProto.FromString(schema.get_function_with_opset_version(chosen))
    if schema.has_context_dependent_function:
        types = [
            TypeProto()
            if each is None
            else helper.make_tensor_type_proto(CODES.get(each.dtype, 1), [int(size) for size in each.sizes])
            for each in inputs
        ]
        for known in sorted(schema.context_dependent_function_opset_versions, reverse=True):
            if known <= version:
                body = schema.get_context_dependent_function_with_opset_version(
                    known, node.SerializeToString(), [each.SerializeToString() for each in types]
                )
                return FunctionProto.FromString(body) if body else None
    return None


def default_attributes(inference: Inference, node: Any) -> list[Any]:
    """Return the attributes that an operator of ONNX has by default."""
    schema = inference.schema(node)
    found = [] if schema is None else [each.default_value for each in schema.attributes.values()]
    return [each for each in found if each.name]


def expanded(function: Any, node: Any, defaults: Sequence[Any], inputs: Sequence[str], prefix: str) -> Iterator[Any]:
    """Return the nodes of a function with the names and attributes of a call.

    Args:
        function: the ``FunctionProto``.
        node: the call.
        defaults: the attributes that the operator has by default.
        inputs: the names of the tensors that it reads.
        prefix: precedes the names of tensors within.
    """
    given = {each.name: each for each in (*defaults, *function.attribute_proto, *node.attribute)}
    names = dict(zip(function.input, (*inputs, *[""] * len(function.input)), strict=False))
    names |= {name: own for name, own in zip(function.output, node.output, strict=False) if own}
    for inner in function.node:
        copy = renamed(inner, lambda name: names.get(name, f"{prefix}{name}"), node.name, given)
        yield in_place_of(copy, node)
