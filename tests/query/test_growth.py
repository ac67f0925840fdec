"""The windows on the way to a unit."""

from __future__ import annotations

from itertools import pairwise

import pytest

import archcalc
from archcalc.analysis.intervals import Interval
from archcalc.query.growth import growth


def steps(spec: str, layer: str, *place: int) -> list[tuple[str, list[tuple[int, int] | None]]]:
    loaded = archcalc.load(spec)
    found = growth(loaded.graph, loaded.tensor(layer).node, place, "input")
    return [(step.layer, [None if span is None else tuple(span) for span in step.window]) for step in found]


def test_windows_of_a_chain_lie_in_one_another() -> None:
    assert steps("1x9 -> conv 1 k3 half -> relu -> conv 1 k3 half", "conv_2", 0) == [
        ("conv_1", [(-1, 1)]),
        ("conv_2", [(-2, 2)]),
    ]


def test_the_layer_before_a_global_one_is_followed_by_the_entire_axis() -> None:
    assert steps("1x9 -> conv 1 k3 half -> gap", "gap_1", 0) == [("conv_1", [(3, 5)]), ("gap_1", [None])]


@pytest.mark.parametrize("spec", ["resnet50", "unet", "googlenet", "inception-v4", "vgg-e"])
def test_windows_only_grow_and_end_at_the_unit(spec: str) -> None:
    loaded = archcalc.load(spec)
    layer = [node for node in loaded.graph.nodes if len(node.output) == 3 and node.output[-1] > 4][-1]
    place = (1, 3)
    found = growth(loaded.graph, loaded.tensor(layer.name).node, place, "input")
    assert found[-1].layer == layer.name
    for before, after in pairwise(found):
        for inner, outer in zip(before.window, after.window, strict=True):
            assert isinstance(inner, Interval)
            assert isinstance(outer, Interval)
            assert outer.first <= inner.first <= inner.last <= outer.last
