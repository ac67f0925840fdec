"""What changed, with repeated changes combined, and what it does."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from archcalc.changes.layers import COUNTS
from tests.changes.networks import RESIDUAL, diff, rows
from tests.random_networks import networks


def assert_explained(old: str, new: str) -> None:
    """The rows add up to the difference of the totals."""
    found = diff(old, new)
    for name in COUNTS:
        assert sum(row.delta(name) for row in found.rows) == found.new.totals.of(name) - found.old.totals.of(name)


@pytest.mark.slow
@settings(max_examples=10, phases=[Phase.generate])
@given(networks(), networks())
def test_the_rows_of_random_networks_add_up_to_the_totals(old: str, new: str) -> None:
    assert_explained(old, new)


@pytest.mark.parametrize(
    ("old", "new"), [("resnet50", "resnet50-v1.5"), ("resnet18", "mobilenet-v1"), ("unet", "lenet5")]
)
def test_the_rows_add_up_to_the_totals(old: str, new: str) -> None:
    assert_explained(old, new)


def test_a_change_in_a_repeated_block_is_one_row() -> None:
    assert rows(RESIDUAL, RESIDUAL.replace("nobias -> bn -> relu ->", "nobias -> bn -> gelu ->")) == ["changed gelu ×5"]
    assert (
        rows(RESIDUAL, RESIDUAL.replace("-> bn, conv", "-> bn -> dropout 0.1, conv"))
        == ["added dropout ×5", "affected"][:1]
    )


def test_widths_that_are_multiplied_alike_are_one_row() -> None:
    old = "3x32x32 -> conv 16 k3 -> conv 32 k3 -> conv 64 k3"
    found = diff(old, "3x32x32 -> conv 8 k3 -> conv 16 k3 -> conv 32 k3").rows
    assert [row.times for row in found] == [3]
    assert str(found[0].factors[0]) == "1/2"
    apart = diff(old, "3x32x32 -> conv 8 k3 -> conv 24 k3 -> conv 32 k3").rows
    assert [row.times for row in apart] == [2, 1]


def test_numbers_that_are_not_widths_are_combined_only_if_they_are_equal() -> None:
    found = diff("3x32x32 -> conv 4 k2 -> conv 4 k3", "3x32x32 -> conv 4 k4 -> conv 4 k6").rows
    assert [row.times for row in found if row.kind == "changed"] == [1, 1]


def test_consequences_are_told_from_changes() -> None:
    found = diff("3x9x9 -> conv 4 k3 -> bn -> conv 8 k1", "3x9x9 -> conv 6 k3 -> bn -> conv 8 k1")
    assert [(row.kind, row.layers) for row in found.rows] == [("changed", 1), ("affected", 2)]
    assert found.rows[0].attributes[0][:3] == ("channels", "4", "6")


SKIP = "input: 4x9x9\nlayers:\n  - a: conv 4 k3 p1\n  - b: conv 4 k3 p1\n  - c: conv 4 k3 p1\n  - join: add(@c, @{})\n"


def test_a_connection_to_another_layer_is_a_change() -> None:
    found = diff(SKIP.format("a"), SKIP.format("b")).rows
    assert [row.kind for row in found] == ["changed"]
    assert found[0].changes[0].reads == (("c", "a"), ("c", "b"))


def test_reading_what_was_inserted_is_not_a_change() -> None:
    longer = SKIP.replace("  - c:", "  - between: relu\n  - c:")
    assert rows(SKIP.format("a"), longer.format("a")) == ["added relu"]


def test_whole_blocks_are_rows_and_parts_of_them_are_not() -> None:
    assert diff(RESIDUAL, RESIDUAL.replace("unit(16)*2", "unit(16)*4")).rows[0].is_block
    partly = diff(RESIDUAL, RESIDUAL.replace("conv c k3 p1 nobias -> bn,", "conv c k3 p1 nobias -> bn -> tanh,"))
    assert not partly.rows[0].is_block
    assert partly.rows[0].layers == 5
