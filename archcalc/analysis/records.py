"""An analysis as plain JSON-ready data: the stable form that programs read (see ``report/show.schema.json``)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.analysis.propagate import Analysis, Layer, Totals
from archcalc.analysis.receptive import AxisField
from archcalc.graph import Ref
from archcalc.ops.base import Shape

SCHEMA = 1


def network_record(analysis: Analysis, dtype: str = "float32") -> dict[str, Any]:
    """The whole analysis. Shapes are lists, channels first, the batch in front if one was asked for.

    Args:
        analysis: of the network.
        dtype: the number format that memory is counted in.
    """
    graph = analysis.graph
    memory = analysis.memory(dtype)
    outputs: dict[str, Ref] = {**graph.outputs, **(graph.training_outputs if analysis.training else {})}
    return {
        "schema": SCHEMA,
        "name": graph.name,
        "variables": {name: plain(value) for name, value in graph.variables.items()},
        "inputs": {name: _shape(shape, analysis.batch) for name, shape in graph.inputs.items()},
        "outputs": {name: _shape(graph.shape(ref), analysis.batch) for name, ref in outputs.items()},
        "layers": [layer_record(layer, several_inputs=len(graph.inputs) > 1) for layer in analysis.layers],
        "totals": {
            **_sums(analysis.totals),
            "layers": analysis.totals.layers,
            "memory": {"dtype": dtype, "params": memory.params, "activations": memory.activations},
            "peak": memory.peak,
        },
    }


def layer_record(layer: Layer, *, several_inputs: bool) -> dict[str, Any]:
    """One layer."""
    return {
        "name": layer.name,
        "stage": layer.stage,
        "path": list(layer.path),
        "op": layer.op,
        "attributes": {name: plain(value) for name, value in layer.attributes.items()},
        "inputs": list(layer.inputs),
        "output": list(layer.output),
        "outputs": [list(shape) for shape in layer.outputs],
        "params": layer.params,
        "trainable": layer.trainable,
        "connections": layer.connections,
        "macs": layer.macs,
        "mults": layer.mults,
        "flops": layer.flops,
        "operations": dict(layer.operations),
        "activations": layer.activations,
        "rf": _fields(layer, several_inputs, lambda axis: axis.size),
        "rf_stride": _fields(layer, several_inputs, lambda axis: axis.stride),
        "rf_padding": _fields(layer, several_inputs, lambda axis: axis.padding),
        "head": layer.head,
        "training": layer.training,
    }


def _sums(totals: Totals) -> dict[str, Any]:
    return {
        "params": totals.params,
        "trainable": totals.trainable,
        "connections": totals.connections,
        "macs": totals.macs,
        "mults": totals.mults,
        "flops": totals.flops,
        "operations": dict(totals.operations),
        "activations": totals.activations,
    }


def _shape(shape: Shape, batch: int | None) -> list[Any]:
    return [*(() if batch is None else (batch,)), *shape]


def _fields(layer: Layer, several_inputs: bool, read: Any) -> Any:
    def entry(axis: AxisField) -> Any:
        return "global" if axis.is_global else plain(read(axis))

    by_input = {name: [entry(axis) for axis in axes] for name, axes in layer.fields.items()}
    return by_input if several_inputs else next(iter(by_input.values()), [])


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples as lists, rationals as texts, a connection table as rows of ``X`` and ``.``."""
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple) and value[0] and isinstance(value[0][0], bool):
            return ["".join("X" if connected else "." for connected in row) for row in value]
        parts = value._asdict() if hasattr(value, "_asdict") else None
        return {name: plain(part) for name, part in parts.items()} if parts else [plain(part) for part in value]
    return value
