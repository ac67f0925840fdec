"""Gated linear units: half of an axis remains."""

from __future__ import annotations

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import gate


def test_the_last_axis_is_halved_unless_another_one_is_named() -> None:
    """LLaMA-2's 11,008 gated features; a gated convolution of Dauphin et al. halves channels."""
    assert gate.SwiGlu().output(((4096, 22016),)) == (4096, 11008)
    assert gate.Glu(axis=0).output(((128, 100),)) == (64, 100)
    with pytest.raises(Impossible, match="glu needs an even size of its axis, got 5"):
        gate.Glu().output(((4, 5),))


def test_a_gate_costs_its_activation_and_a_product() -> None:
    assert gate.Glu().cost(((3, 8),)).operations == {"exp": 12, "add": 12, "div": 12, "mul": 12}
    assert gate.GeGlu().cost(((3, 8),)).operations == {"mul": 48, "add": 12, "erf": 12}


def test_along_a_halved_axis_of_positions_both_halves_are_seen() -> None:
    ((_, window),) = gate.SwiGlu().windows(((3, 8),))
    assert window is not None
    assert [list(window.positions(i)) for i in (0, 3)] == [[0, 4], [3, 7]]
