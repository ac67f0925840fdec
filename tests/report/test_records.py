"""The JSON of a network: the same whether it is written as a whole or piece by piece."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from archcalc.analysis.propagate import analyze
from archcalc.api import load
from archcalc.report.json_text import json_pieces, write_json
from archcalc.report.records import network_json
from archcalc.spec import Source, read_spec
from tests.random_networks import networks


@pytest.mark.parametrize("depth", [None, 0, 1, 2])
@pytest.mark.parametrize("spec", ["lenet5", "googlenet", "unet", "3x8x8 -> conv 4 k3 -> upsample 2 -> reshape 4x144"])
def test_pieces_make_up_a_document_in_the_usual_form(spec: str, depth: int | None) -> None:
    text = "".join(network_json(load(spec).analyze(batch=None if depth is None else 2), depth=depth))
    assert write_json(json.loads(text)) == text


@given(networks())
@settings(max_examples=30)
def test_rows_say_what_the_analysis_says_for_random_networks(spec: str) -> None:
    analysis = analyze(read_spec(Source("net.yaml", spec)).graph)
    rows = json.loads("".join(network_json(analysis)))["layers"]
    for row, layer in zip(rows, analysis.layers, strict=True):
        assert (row["name"], row["op"], tuple(row["path"])) == (layer.name, layer.op, layer.path)
        assert (tuple(row["inputs"]), tuple(row["output"])) == (layer.inputs, layer.output)
        assert (row["params"], row["macs"], row["operations"]) == (layer.params, layer.macs, dict(layer.operations))


def test_every_layer_is_a_piece() -> None:
    """No piece grows with the number of layers, so the text of a long network is never held as a whole."""
    short, long = (list(network_json(load(f"3x8x8 -> (conv 3 k1 -> relu)*{n}").analyze())) for n in (5, 50))
    assert len(long) - len(short) == 2 * 45
    assert max(map(len, long)) < 2 * max(map(len, short))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": [], "b": {}, "c": None, "d": True, "e": [False], "f": 1.5, "g": [[1, 2], [-3]], "h": [1, "1"]},
        {"text": '"\\\n\x00é', "nested": [{"x": [1]}, {}], 'a "key"': -(10**40)},
    ],
)
def test_json_has_the_usual_form(document: dict[str, object]) -> None:
    text = write_json(document)
    assert json.loads(text) == document
    assert "".join(text.split()) == "".join(json.dumps(document, indent=2, ensure_ascii=False).split())


def test_an_iterator_is_a_list() -> None:
    items = [[2], "three", None]
    pieces = json_pieces({"a": 0, "items": map(json.dumps, items), "none": iter(())})
    assert "".join(pieces) == write_json({"a": 0, "items": items, "none": []})
