"""Outputs have the names under which the model returns them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.readers.torch_export.output_names import output_names
from tests.readers.programs import argument, call, document, write

LEAF = {"type": None, "context": None, "children_spec": []}


def mapping(*keys: str, kind: str = "builtins.dict", **parts: Any) -> dict[str, Any]:
    """A returned mapping, as PyTorch describes it; parts that are not given are tensors."""
    return {"type": kind, "context": json.dumps(keys), "children_spec": [parts.get(key, LEAF) for key in keys]}


def sequence(*parts: Any) -> dict[str, Any]:
    return {"type": "builtins.list", "context": "null", "children_spec": list(parts)}


def module(spec: Any) -> dict[str, Any]:
    return {"module_call_graph": [{"fqn": "", "signature": {"out_spec": json.dumps([1, spec])}}]}


@pytest.mark.parametrize(
    ("spec", "count", "names"),
    [
        (mapping("scores", "boxes"), 2, ["scores", "boxes"]),
        (mapping("a", "maps", maps=sequence(LEAF, LEAF)), 3, ["a", "maps_0", "maps_1"]),
        (mapping("logits", kind="transformers.modeling_outputs.MaskedLMOutput"), 1, ["logits"]),
        (mapping("p 3", "image"), 2, ["p_3", "image_out"]),
        (LEAF, 1, []),
        (sequence(LEAF, LEAF), 2, []),
        (mapping("a_0", "a", a=sequence(LEAF)), 2, []),
        (mapping("0", "1"), 2, []),
    ],
)
def test_keys_of_mappings_are_names(spec: Any, count: int, names: list[str]) -> None:
    assert output_names(module(spec), count, {"image"}) == names


@pytest.mark.parametrize(
    "text", ["", "[", "3", "[1, 3]", '[1, {"type": 3}]', "[" * 9_000, '[1, {"children_spec": [1]}]']
)
def test_descriptions_that_cannot_be_read_give_no_names(text: str) -> None:
    assert output_names({"module_call_graph": [{"signature": {"out_spec": text}}]}, 1, ()) == []


def test_outputs_are_known_by_their_names(tmp_path: Path) -> None:
    calls = [call("relu.default", "r", self="@x"), call("tanh.default", "t", self="@r")]
    program = document({"x": (1, 4)}, calls, {"r": (1, 4), "t": (1, 4)})
    inside = program["graph_module"]
    inside["signature"]["output_specs"] = [{"user_output": {"arg": argument(f"@{name}")}} for name in ("t", "r", "r")]
    inside["module_call_graph"][0]["signature"]["out_spec"] = json.dumps([1, mapping("scores", "r", "same")])
    graph = archcalc.load(str(write(tmp_path / "net.pt2", program))).graph
    assert [*graph.outputs] == ["scores", "r", "same"]
    assert graph.stages.items() >= graph.outputs.items()
