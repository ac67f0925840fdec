"""An analysis as JSON-ready data in a stable form, documented by ``report/show.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from archcalc.analysis.counts import Counts
from archcalc.analysis.fields import FIELD_QUANTITIES
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.graph import Ref
from archcalc.ops.base import Shape
from archcalc.query.quantities import SUMS

SCHEMA = 1


def network_record(analysis: Analysis, dtype: str = "float32", *, depth: int | None = None) -> dict[str, Any]:
    """Return an analysis as data. Shapes are lists with channels first, after the batch if there is one.

    Args:
        analysis: The analysis of a network.
        dtype: The number format for memory, which is in bytes.
        depth: Combine layers below this depth into their stage or block; ``None`` keeps every layer.
    """
    graph = analysis.graph
    several = len(graph.inputs) > 1
    rows: Sequence[Layer | Group] = analysis.layers if depth is None else analysis.folded(depth)
    row_of = {layer.name: row.name for row in rows for layer in (row.layers if isinstance(row, Group) else (row,))}
    memory = analysis.memory(dtype)
    outputs: dict[str, Ref] = {**graph.outputs, **(graph.training_outputs if analysis.training else {})}
    return {
        "schema": SCHEMA,
        "name": graph.name,
        "variables": {name: plain(value) for name, value in graph.variables.items()},
        "inputs": {name: _shape(shape, analysis.batch) for name, shape in graph.inputs.items()},
        "outputs": {name: _shape(graph.shape(ref), analysis.batch) for name, ref in outputs.items()},
        "layers": [
            (
                group_record(row, row_of, several_inputs=several)
                if isinstance(row, Group)
                else layer_record(row, row_of, several_inputs=several)
            )
            | _shared(row, analysis)
            for row in rows
        ],
        "totals": {
            **counts_record(analysis.totals),
            "layers": analysis.totals.layers,
            "memory": {"dtype": dtype, "params": memory.params, "activations": memory.activations},
            "peak": memory.peak,
        },
    }


def layer_record(layer: Layer, row_of: Mapping[str, str], *, several_inputs: bool) -> dict[str, Any]:
    """Return one layer as data; ``row_of`` gives the row that contains each layer, by name."""
    return {
        "name": layer.name,
        "stage": layer.stage,
        "path": list(layer.path),
        "op": layer.op,
        "attributes": {name: plain(value) for name, value in layer.attributes.items()},
        "inputs": [row_of.get(name, name) for name in layer.inputs],
        "output": list(layer.output),
        "outputs": [list(shape) for shape in layer.outputs],
        **counts_record(layer),
        **_fields(layer, several_inputs),
        "head": layer.head,
        "training": layer.training,
    }


def group_record(group: Group, row_of: Mapping[str, str], *, several_inputs: bool) -> dict[str, Any]:
    """Return several layers as one row of data: their sums, inputs and outputs; ``op`` is ``None``."""
    read = dict.fromkeys(row_of.get(name, name) for layer in group.layers for name in layer.inputs)
    last = group.layers[-1]
    return {
        "name": group.name,
        "stage": group.stage if group.path else None,
        "path": list(group.path),
        "op": None,
        "layers": len(group.layers),
        "attributes": {},
        "inputs": [name for name in read if name != group.name],
        "output": list(last.output),
        "outputs": [list(shape) for shape in last.outputs],
        **counts_record(group),
        **_fields(group, several_inputs),
        "head": group.head,
        "training": last.training,
    }


def _shared(row: Layer | Group, analysis: Analysis) -> dict[str, Any]:
    """Return how many parameters of a row belong to rows before it, where they count; nothing if none do."""
    shared = row.params - analysis.own(row, "params")
    return {"shared_params": shared} if shared else {}


def counts_record(counts: Counts) -> dict[str, Any]:
    """Return every count by its name, and the operations by their kinds."""
    record: dict[str, Any] = {name: counts.of(name) for name in SUMS}
    return {**record, "operations": dict(counts.operations)}


def _shape(shape: Shape, batch: int | None) -> list[Any]:
    return [*(() if batch is None else (batch,)), *shape]


def _fields(row: Layer | Group, several_inputs: bool) -> dict[str, Any]:
    """Size, stride and padding of the receptive field, per axis (and per input if there are several)."""
    record: dict[str, Any] = {}
    for key, read in FIELD_QUANTITIES.items():
        by_input = {
            name: [plain(read(axis)) if axis.is_local else axis.word for axis in axes]
            for name, axes in row.fields.items()
        }
        record[key] = by_input if several_inputs else next(iter(by_input.values()), [])
    local = [axis for axes in row.fields.values() for axis in axes if not axis.is_global]
    record["rf_exact"] = all(axis.exact for axis in local)
    record["rf_aligned"] = all(axis.aligned for axis in local)
    return record


def plain(value: Any) -> Any:
    """Return a value as JSON-ready data: tuples as lists, fractions as texts, connection tables as texts per row."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple) and value[0] and isinstance(value[0][0], bool):
            return ["".join("X" if connected else "." for connected in row) for row in value]
        return [plain(part) for part in value]
    return value
