"""Counters of the bundled networks have the numbers that tools print for the same models of libraries."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.counters.network import counts_in_forms, counts_of
from tests.counters.prints import Prints, differing, recorded_prints

RECORDED = recorded_prints()
QUICK = {"alexnet", "squeezenet1_0", "VGG16"}
"""The networks that take least time."""


def test_a_dozen_networks_are_recorded_with_two_versions_of_a_tool() -> None:
    of_torchvision = [each for each in RECORDED if each.library == "torchvision"]
    assert len(of_torchvision) >= 12
    for each in of_torchvision:
        assert {"ptflops 0.7.5", "ptflops 0.6.9", "thop 0.1.1", "fvcore 0.1.5"} <= {tool for tool, _ in each.values}


@pytest.mark.parametrize(
    "prints",
    [pytest.param(each, id=each.network, marks=() if each.network in QUICK else pytest.mark.slow) for each in RECORDED],
)
def test_counters_of_a_bundled_network_are_what_tools_print(prints: Prints) -> None:
    counts = counts_of(archcalc.load(prints.spec).analyze())
    assert differing(prints, counts).keys() == prints.unlike


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("mobilenet_v2", "pooling-functions"),
        ("shufflenet_v2_x1_0", "pooling-means"),
        ("googlenet", "activation-functions"),
    ],
)
def test_a_network_that_is_built_otherwise_has_the_other_numbers(name: str, form: str) -> None:
    prints = next(each for each in RECORDED if each.network == name)
    differences = differing(prints, counts_in_forms(archcalc.load(prints.spec).analyze())[form])
    assert not {tool for tool, quantity in differences if quantity in ("macs", "flops")}
