"""What a file has that calls do not keep: its nodes, for counters of nodes, and notes for the reader of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

from archcalc.readers.aten.program import Program
from archcalc.readers.onnx import reconciliation
from archcalc.readers.onnx.program import Nodes
from archcalc.readers.onnx.tensors import OnnxTensors

QUANTIZED = re.compile(r"Quantize|QLinear|Integer|NBits|^QGemm$|^QAttention$")
"""What the names of operators have that read or make codes of numbers."""

ROUNDING = "quantised: integers stand for the real numbers that they encode, to which a run rounds"
NOT_ROUNDED = "a run does not round numbers whose scale is computed for each input (DynamicQuantizeLinear)"


def record(graph: Any, tensors: OnnxTensors) -> Nodes:
    """Return the nodes of a graph, with what is known about their tensors."""

    def sizes(name: str) -> tuple[int, ...] | None:
        meta = tensors.metas.get(tensors.resolved(name))
        return None if meta is None else meta.sizes

    def layer(node: Any) -> str:
        return tensors.names.origin(node, None).module.replace(".", "/") or node.name or node.op_type

    stored = {each.name for each in graph.initializer}
    return Nodes(graph, sizes, stored.__contains__, layer)


def notes(tensors: OnnxTensors, program: Program, turned: Sequence[str]) -> tuple[str, ...]:
    """Return what else there is to know about a model.

    Args:
        tensors: its tensors.
        program: what it computes.
        turned: the inputs that have the channels last in the file.
    """
    found: list[str] = []
    if any(QUANTIZED.search(call.origin.function) for call in tensors.calls):
        found += [
            ROUNDING,
            *([NOT_ROUNDED] if tensors.scales else []),
            *format_note(parameters_by_format(tensors, program)),
        ]
    return (*found, *turned_note(turned), *reconciliation.notes(tensors))


def parameters_by_format(tensors: OnnxTensors, program: Program) -> Counter[str]:
    """Return the numbers of parameters by the number formats that they have in the file."""
    counts: Counter[str] = Counter()
    for name, array in program.stored.items():
        if array.kind == "parameter":
            counts[tensors.stored_format(name)] += prod(tensors.sizes(name))
    return counts


def format_note(counts: Counter[str]) -> list[str]:
    """Return the note that says how many parameters have which number format; none if there are no parameters."""
    formats = ", ".join(f"{count:,} in {dtype}" for dtype, count in counts.most_common())
    return [f"parameters by number format: {formats}"] if formats else []


def turned_note(inputs: Sequence[str]) -> list[str]:
    """Return the note that says which inputs have another order of axes than in the file."""
    names = ", ".join(f"'{name}'" for name in inputs)
    text = f"read with the channels first: {names}, which the file has with the channels last"
    return [text] if inputs else []
