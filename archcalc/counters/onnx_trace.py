"""The trace of an ONNX file: its nodes are the operations."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.counters.trace import Operation, Trace, TracedTensor, statistics_of
from archcalc.readers.onnx.program import Nodes

PRODUCTS = ("Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul", "MatMulInteger")


def trace_of(nodes: Nodes, analysis: Analysis, batch: int) -> Trace:
    """Return the trace of the nodes of a file.

    Args:
        nodes: the nodes, with the sizes of their tensors.
        analysis: that of the graph that they were read to.
        batch: the number of examples in the file.
    """
    found = [_operation(node, nodes) for node in nodes.graph.node if node.op_type != "Constant"]
    operations = tuple([each for each in found if each is not None])
    totals = analysis.totals
    return Trace(
        operations=operations,
        calls=(),
        parameters={},
        buffers={},
        used=frozenset(),
        inputs=(),
        batch=batch,
        stored=int(totals.params),
        statistics=statistics_of(analysis.layers),
    )


def _operation(node: Any, nodes: Nodes) -> Operation | None:
    """Return a node as an operation; ``None`` if the sizes of its tensors are not known."""
    from onnx import helper

    tensors = [[_tensor(name, nodes) for name in names if name] for names in (node.input, node.output)]
    if not tensors[1] or any(each is None for each in (*tensors[0], *tensors[1])):
        return None
    inputs, outputs = (tuple([each for each in found if each is not None]) for found in tensors)
    arguments = {each.name: helper.get_attribute_value(each) for each in node.attribute if not each.HasField("g")}
    arguments = {name: value.decode() if isinstance(value, bytes) else value for name, value in arguments.items()}
    macs = _macs(node.op_type, inputs, outputs, arguments) if node.op_type in PRODUCTS and len(inputs) > 1 else 0
    return Operation(node.op_type, "", inputs, outputs, arguments, macs, nodes.layer(node))


def _tensor(name: str, nodes: Nodes) -> TracedTensor | None:
    sizes = nodes.sizes(name)
    return (
        None if sizes is None else TracedTensor(sizes, name, kind="parameter" if nodes.is_stored(name) else "computed")
    )


def _macs(
    operator: str, inputs: tuple[TracedTensor, ...], outputs: tuple[TracedTensor, ...], arguments: dict[str, Any]
) -> int:
    """Return the multiply–accumulates of a product."""
    weight, made = inputs[1].shape, outputs[0].numel
    if operator == "Einsum":
        indices = arguments["equation"].replace(" ", "").partition("->")[0].split(",")
        return prod(
            {
                index: size
                for each, t in zip(indices, inputs, strict=False)
                for index, size in zip(each, t.shape, strict=False)
            }.values()
        )
    if operator in ("Conv", "ConvTranspose"):
        return made * prod(weight[1:])
    if operator == "Gemm":
        return made * weight[-1 if arguments.get("transB") else -2]
    return made * (weight[-2] if len(weight) > 1 else 1)
