"""Which layer is which: by names and, where these changed, by structure."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from archcalc.changes.align import Alignment
from tests.changes.networks import RESIDUAL, analysis, diff, rows
from tests.random_networks import networks


def pairs(old: str, new: str) -> dict[str, str]:
    """The names of the new layers by those of the old ones."""
    alignment = Alignment(analysis(old), analysis(new))
    return {alignment.old.layers[i].name: alignment.new.layers[j].name for i, j in sorted(alignment.pairs.items())}


@pytest.mark.parametrize("spec", ["lenet5", "googlenet", "unet", "vit:b_16", "3x9x9 -> conv 4 k3 -> flatten -> fc 10"])
def test_a_network_is_equal_to_itself(spec: str) -> None:
    found = diff(spec, spec)
    assert found.is_equal
    assert not found.has_changes
    assert not found.renamed


@pytest.mark.slow
@settings(max_examples=15, phases=[Phase.generate])
@given(networks())
def test_random_networks_are_equal_to_themselves(text: str) -> None:
    found = diff(text, text)
    assert found.is_equal
    assert not found.has_changes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3x9x9 -> conv 4 k3 half -> maxpool 2", "3x9x9 -> conv 4 k3 p1 -> maxpool 2 s2"),
        ("3x9x9 -> add(conv 4 k3 p1, conv 4 k1)", "3x9x9 -> add(conv 4 k1, conv 4 k3 p1)"),
        ("3x9x9 -> conv 4 k3 -> flatten -> fc 10", "3x9x9 -> conv 4 k3 -> fc 10"),
        (RESIDUAL, RESIDUAL.replace("low", "a").replace("high", "b")),
        (RESIDUAL, RESIDUAL.replace("unit(16)*2", "unit(16) -> unit(16)")),
    ],
    ids=["padding", "order", "flatten", "names", "blocks"],
)
def test_networks_that_are_written_differently_are_equal(old: str, new: str) -> None:
    assert diff(old, new).is_equal
    assert diff(new, old).is_equal


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3x9x9 -> conv 4 k3", "3x9x9 -> conv 4 k3 nobias"),
        ("3x9x9 -> sub(conv 4 k3 p1, conv 4 k1)", "3x9x9 -> sub(conv 4 k1, conv 4 k3 p1)"),
        ("3x9x9 -> conv 4 k3", "3x10x10 -> conv 4 k3"),
        ("3x9x9 -> conv 4 k3 -> flatten -> relu", "3x9x9 -> conv 4 k3 -> relu"),
        ("3x9x9 -> conv 3 k3 p1 -> relu -> conv 3 k3 p1", "3x9x9 -> conv 3 k3 p1 -> conv 3 k3 p1 -> relu"),
    ],
)
def test_networks_that_compute_something_else_are_not(old: str, new: str) -> None:
    assert not diff(old, new).is_equal


def test_shared_weights_are_not_copies() -> None:
    text = "input: 3x9x9\nlayers:\n  - a: conv 3 k3 p1\n  - b: conv 3 k3 p1{}\n"
    assert not diff(text.format(""), text.format(" weights=@a")).is_equal


def test_a_layer_in_front_shifts_nothing() -> None:
    chain = " -> ".join(f"conv {channels} k3 p1 -> bn -> relu" for channels in range(4, 40))
    found = pairs(f"3x9x9 -> {chain}", f"3x9x9 -> conv 99 k1 -> {chain}")
    assert found["conv_1"] == "conv_2"
    assert found["conv_36"] == "conv_37"
    assert rows(f"3x9x9 -> {chain}", f"3x9x9 -> conv 99 k1 -> {chain}") == ["added conv", "affected"]


def test_a_block_that_is_inserted_shifts_nothing() -> None:
    longer = RESIDUAL.replace("unit(32)*2", "unit(32)*3")
    assert rows(RESIDUAL, longer) == ["added unit"]
    assert rows(longer, RESIDUAL) == ["removed unit"]
    assert diff(RESIDUAL, longer).rows[0].places == ("high/unit_4",)


def test_a_block_in_front_of_others_with_numbers_for_names_is_found_by_structure() -> None:
    def text(widths: list[int]) -> str:
        units = " -> ".join(f"unit({width})" for width in widths)
        return f"input: 3x9x9\nblocks:\n  unit(c): conv c k3 p1 -> relu\nlayers:\n  - body: {units}\n"

    assert rows(text([8, 16, 24]), text([5, 8, 16, 24])) == ["added unit", "affected"]


def test_names_decide_between_equal_layers() -> None:
    text = "input: 3x9x9\nlayers:\n  - left: conv 3 k3 p1\n  - right: conv 3 k3 p1\n"
    without = text.replace("  - left: conv 3 k3 p1\n", "")
    assert pairs(text, without) == {"right": "right"}


def test_a_stage_that_moves_stays_the_same_stage() -> None:
    stages = ["  - one: conv 3 k3 p1\n", "  - two: relu\n", "  - three: conv 3 k5 p2\n"]
    head = "input: 3x9x9\nlayers:\n"
    found = pairs(head + "".join(stages), head + "".join([stages[2], stages[0], stages[1]]))
    assert found == {"one": "one", "two": "two", "three": "three"}


def test_many_changed_layers_are_paired_as_few_are() -> None:
    def text(factor: int, first: str = "") -> str:
        return f"3x9x9 -> {first}" + " -> ".join(f"conv {factor * n} k3 p1" for n in range(1, 80))

    assert len(pairs(text(1), text(2))) == 79
    assert rows(text(1), text(2))[0] == "changed conv ×79"
