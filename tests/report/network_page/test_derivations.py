"""The derivations of a page."""

from __future__ import annotations

import re

import pytest

import archcalc
from archcalc.report.network_page import derivations
from archcalc.report.network_page.derivations import field_derivations, layer_derivations, total_derivations


def value(line: derivations.Line) -> str:
    """Return the last side of a line without its tags."""
    return re.sub("<[^>]*>", "", line.sides[-1])


@pytest.mark.parametrize("spec", ["resnet18", "unet"])
def test_every_layer_leads_to_its_figures(spec: str) -> None:
    analysis = archcalc.load(spec).analyze()
    found = layer_derivations(analysis, [layer.node for layer in analysis.layers])
    assert found.are_complete
    assert len(found.kinds) == len({id(layer.attributes) for layer in analysis.layers})
    for layer in analysis.layers:
        line, kind = found.layers[layer.node]
        assert line.startswith(f"{layer.name}: {layer.op}")
        last = {derived.quantity: value(derived.lines[-1]) for derived in found.kinds[kind]}
        if layer.params:
            assert last["params"] == f"{layer.params:,}"
        if layer.macs:
            assert last["macs"] == f"{layer.macs:,}"


def test_the_largest_layers_come_first_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivations, "MAX_CHARACTERS", 8000)
    analysis = archcalc.load("lenet5").analyze()
    found = layer_derivations(analysis, [layer.node for layer in analysis.layers])
    assert not found.are_complete
    most = max(analysis.layers, key=lambda layer: layer.macs)
    assert most.node in found.layers


def test_totals_are_the_sums_of_stages() -> None:
    analysis = archcalc.load("lenet5").analyze()
    assert [(one.quantity, value(one.lines[-1])) for one in total_derivations(analysis)] == [
        ("params", "61,706"),
        ("macs", f"{analysis.totals.macs:,}"),
    ]


def test_the_largest_receptive_field_is_derived() -> None:
    name, (derived,) = field_derivations(
        archcalc.load("3x32x32 -> conv 4 k3 -> maxpool 2 -> conv 4 k3 -> gap").analyze()
    )
    assert name == "conv_2"
    assert [value(line) for line in derived.lines if "RF" in line.sides[0]] == ["1", "3", "4", "8"]
    assert field_derivations(archcalc.load("8 -> fc 4").analyze()) == ("", [])
