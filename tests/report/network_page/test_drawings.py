"""The drawings of a page."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.report.network_page import drawings as module
from archcalc.report.network_page.drawings import drawings


def test_every_level_of_detail_is_drawn() -> None:
    found = drawings(archcalc.load("lenet5").analyze(), "chw")
    assert [drawing.depth for drawing in found] == [1, 2]
    assert "2 layers" in found[0].svg
    assert "conv 6 k5" in found[1].svg


def test_the_finest_drawing_stays_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = archcalc.load("resnet18").analyze()
    *_, finest = drawings(analysis, "chw")
    monkeypatch.setattr(module, "MAX_CHARACTERS", 10)
    assert drawings(analysis, "chw") == [finest]


def test_boxes_lead_to_layers() -> None:
    analysis = archcalc.load("3x8x8 -> conv 4 k3 -> relu -> fc 10").analyze()
    (drawing,) = drawings(analysis, "chw")
    assert drawing.svg.count("data-node=") == drawing.boxes - 1  # all but the input
    assert f'data-node="{analysis.layer("relu_1").node}"' in drawing.svg
