"""A comparison as JSON-ready data in a stable form, documented by ``report/diff.schema.json``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from archcalc.analysis.formats import in_bytes
from archcalc.analysis.propagate import Analysis, Layer
from archcalc.changes.compare import Figure, NetworkDiff, TensorChange
from archcalc.changes.files import ComparedNetwork
from archcalc.changes.layers import LayerChange
from archcalc.changes.rows import ChangeRow
from archcalc.report.diff_sentences import field_text, sentences
from archcalc.report.diff_tables import NetworkComparison, where_text
from archcalc.report.records import json_value
from archcalc.spec.errors import Problem

SCHEMA = 1


def diff_record(comparison: NetworkComparison) -> dict[str, Any]:
    """Return a comparison as data."""
    return {
        "schema": SCHEMA,
        "old": comparison.old,
        "new": comparison.new,
        "status": comparison.status,
        "networks": [_network(network) for network in comparison.compared],
        "skipped": [{"name": network.name, "reason": network.skipped} for network in comparison.skipped],
        "notes": list(comparison.notes),
    }


def _network(network: ComparedNetwork) -> dict[str, Any]:
    diff = network.diff
    record: dict[str, Any] = {"name": network.name, "old_name": network.old_name, "status": network.status}
    if diff is not None:
        record |= _difference(diff)
    else:
        lone = {side: each for side, each in (("old", network.old), ("new", network.new)) if each is not None}
        record["figures"] = {side: _figures(analysis) for side, analysis in lone.items()}
    record["exceeded"] = [
        {"limit": each.gate.text.strip(), "against": each.against, "message": each.message}
        for each in network.judged.exceeded
    ]
    record["errors"] = [_problem(each) for each in (*network.problems, *network.judged.problems)]
    return record


def _difference(diff: NetworkDiff) -> dict[str, Any]:
    return {
        "summary": [sentence for sentence in sentences(diff) if sentence],
        "equal": diff.is_equal,
        "titles": {"old": diff.old.graph.name, "new": diff.new.graph.name},
        "totals": {figure.quantity: _total(figure) for figure in diff.totals},
        "inputs": [_tensor(tensor) for tensor in diff.inputs],
        "outputs": [_tensor(tensor) for tensor in diff.outputs],
        "changes": [_row(row, diff.dtype) for row in diff.rows],
        "renamed": [{"old": old, "new": new} for old, new in diff.renamed],
    }


def _figures(analysis: Analysis) -> dict[str, Any]:
    totals = analysis.totals
    return {"layers": totals.layers, "params": totals.params, "macs": totals.macs, "flops": totals.flops}


def _total(figure: Figure) -> dict[str, Any]:
    """Return a total; its change is a fraction of the old figure: 0.02 for 2 %."""
    change = None
    if figure.before:
        with suppress(OverflowError):  # floats end at 10^308
            change = float(Fraction(figure.after - figure.before, figure.before))
    return {
        "old": figure.before,
        "new": figure.after,
        "change": change,
        **({"lower_bound": True} if figure.is_bound else {}),
    }


def _tensor(tensor: TensorChange) -> dict[str, Any]:
    record: dict[str, Any] = {"name": tensor.name}
    for side, each in (("old", tensor.before), ("new", tensor.after)):
        record[side] = None if each is None else [json_value(size) for size in each.shape]
        if each is not None and each.fields:
            record[f"{side}_rf"] = field_text(each.fields)
    return record


def _row(row: ChangeRow, dtype: str) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "where": where_text(row),
        "times": 1 if row.kind == "affected" else row.times,
        "block": row.is_block,
        "attributes": [
            {
                "name": each.name,
                "old": each.before,
                "new": each.after,
                **({} if factor is None else {"factor": str(factor)}),
            }
            for each, factor in zip(row.attributes, row.factors, strict=True)
        ],
        "params": row.delta("params"),
        "macs": row.delta("macs"),
        "flops": row.delta("flops"),
        "activations": row.delta("activations"),
        "memory": in_bytes(row.delta("params") + row.delta("activations"), dtype),
        "places": list(row.places),
        "layers": [_layer_change(change) for change in row.changes],
    }


def _layer_change(change: LayerChange) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for side, layer, operator in zip(("old", "new"), (change.before, change.after), change.operators, strict=True):
        record[side] = None if layer is None else _layer(layer, operator)
    if change.reads is not None:
        record["reads_others"] = True
    return record


def _layer(layer: Layer, operator: str) -> dict[str, Any]:
    sizes: Sequence[Any] = layer.output
    return {
        "name": layer.name,
        "operator": operator,
        "output": [json_value(size) for size in sizes],
        "inputs": list(layer.inputs),
        "params": layer.params,
        "macs": layer.macs,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    name, line, column = problem.place()
    return {
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "file": name,
        "line": line,
        "column": column,
    }
