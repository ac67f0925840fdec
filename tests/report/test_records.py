"""The JSON of a network: the same whether it is written as a whole or piece by piece."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from archcalc.analysis.propagate import analyze
from archcalc.api import load
from archcalc.report.json_text import json_pieces, write_json
from archcalc.report.records import network_json, network_record
from archcalc.spec import Source, read_spec
from tests.random_networks import networks


@pytest.mark.parametrize("depth", [None, 0, 1, 2])
@pytest.mark.parametrize("spec", ["lenet5", "googlenet", "unet", "3x8x8 -> conv 4 k3 -> upsample 2 -> reshape 4x144"])
def test_pieces_make_up_the_document(spec: str, depth: int | None) -> None:
    analysis = load(spec).analyze(batch=None if depth is None else 2)
    assert "".join(network_json(analysis, depth=depth)) == write_json(network_record(analysis, depth=depth))


@given(networks())
@settings(max_examples=30)
def test_pieces_make_up_the_document_for_random_networks(spec: str) -> None:
    analysis = analyze(read_spec(Source("net.yaml", spec)).graph)
    text = "".join(network_json(analysis))
    assert json.loads(text) == json.loads(json.dumps(network_record(analysis)))


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
    items = [{"x": 1}, [2], "three"]
    assert "".join(json_pieces({"a": 0, "items": iter(items), "none": iter(())})) == write_json(
        {"a": 0, "items": items, "none": []}
    )
