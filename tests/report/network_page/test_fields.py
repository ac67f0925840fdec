"""The receptive fields of a page: its script, run by Node.js, sees what the analysis traces."""

from __future__ import annotations

import json
import shutil
import subprocess
from math import prod
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.analysis.unit import trace_back, unit_box
from archcalc.graph import Ref
from archcalc.report import network_page
from archcalc.report.network_page.fields import fields_record

SCRIPTS = Path(network_page.__file__).parent
UNITS = """
const data = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = [];
for (const [node, name, unit] of data.units) {
  const field = data.record.fields[data.record.layers[node].fields[name]];
  const sizes = data.record.inputs[name];
  const window = field.axes.map((axis) => windowAlong(axis, unit));
  const all = sizes.map((size, axis) => window[axis] ?? [0, size - 1]);
  const seen = all.map(([first, last], axis) => [Math.max(first, 0), Math.min(last, sizes[axis] - 1)]);
  found.push([window, pieces(field, all, seen, sizes)]);
}
console.log(JSON.stringify(found));
"""
NETWORKS = [
    "3x13x17 -> conv 4 k3 p1 -> maxpool 2 -> conv 8 k5 s2 p2",
    "3x16x16 -> conv 4 k3 d2 -> conv 4 k3 d2 -> conv 4 k2 s3",
    "3x12x12 -> conv 4 k3 s2 p1 -> upconv 4 k2 s2 -> conv 4 k3 p1",
    "2x20 -> conv 4 k3 s2 -> conv 4 k3 d3",
    "1x6x8x8 -> conv 4 k3 p1 -> maxpool 2",
    "3x8x8 -> conv 4 k1 s2",
    "3x8x8 -> conv 4 k3 -> gap -> fc 10",
]


def record_of(spec: str) -> tuple[Any, dict[str, Any]]:
    analysis = analyze(archcalc.load(spec).graph)
    record = fields_record(analysis, [layer.node for layer in analysis.layers])
    assert record is not None
    return analysis.graph, record


def units_of(size: int) -> list[int]:
    """Return some positions of an axis, those at its borders among them."""
    return sorted({0, 1, size // 2, size - 1} & {*range(size)})


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize("spec", NETWORKS)
def test_the_script_sees_what_the_analysis_traces(spec: str) -> None:
    graph, record = record_of(spec)
    units = []
    for node, layer in record["layers"].items():
        places: list[list[int]] = [[]]
        for size in layer["positions"]:
            places = [[*place, at] for place in places for at in units_of(size)]
        units += [[node, name, place] for name in layer["fields"] for place in places]
    given = json.dumps({"record": record, "units": units})
    script = "".join((SCRIPTS / name).read_text(encoding="utf-8") for name in ("elements.js", "field.js")) + UNITS
    run = subprocess.run(["node", "-e", script], input=given, capture_output=True, text=True, check=True)
    for (node, name, place), (window, pieces) in zip(units, json.loads(run.stdout), strict=True):
        if not place:  # a vector sees everything
            assert window == [None] * len(record["inputs"][name])
            continue
        box = unit_box(graph, node, tuple(place), clip=False)[name]
        assert [[*interval] for interval in box] == [
            [0, size - 1] if own is None else own for own, size in zip(window, record["inputs"][name], strict=True)
        ]
        seen = trace_back(graph, node, tuple(place), clip=True)[name]
        covered = {point for piece in pieces for point in points(piece)}
        assert seen.exact
        assert covered >= {point for region in seen.regions for point in points_of(region)}
        if "holes" in record["fields"][record["layers"][node]["fields"][name]]:
            assert len(covered) == seen.number < prod(interval.size for interval in box)


def points(piece: list[list[int]]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for first, last in piece:
        found = [(*point, at) for point in found for at in range(first, last + 1)]
    return found


def points_of(region: Any) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for runs in region:
        found = [(*point, at) for point in found for run in runs for at in range(run.first, run.last + 1)]
    return found


def test_dilated_kernels_leave_out_positions() -> None:
    graph, record = record_of("3x16x16 -> conv 4 k3 d2 -> conv 4 k3 d2")
    last = len(graph.nodes) - 1
    field = record["fields"][record["layers"][last]["fields"]["input"]]
    assert field["holes"] == [[[[0, 0], [2, 2], [4, 4], [6, 6], [8, 8]]] * 2]


def test_layers_with_the_same_field_share_it() -> None:
    graph, record = record_of("resnet18")
    assert len(record["layers"]) > 2 * len(record["fields"])
    for node, layer in record["layers"].items():
        assert layer["positions"] == [*graph.positions(Ref(node))]


def test_a_network_of_features_has_no_fields() -> None:
    analysis = analyze(archcalc.load("8 -> fc 4 -> relu").graph)
    assert fields_record(analysis, [layer.node for layer in analysis.layers]) is None
