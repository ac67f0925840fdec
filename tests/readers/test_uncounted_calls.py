"""Operators that cannot be counted: an error that lists them all, or layers without a cost and lower bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc import SpecError
from tests.readers.programs import call, document, small_network, with_unknown_operators, write

UNKNOWN = ("relu_", "max_pool2d", "linear")


@pytest.fixture
def unknown(tmp_path: Path) -> str:
    return str(write(tmp_path / "net.pt2", with_unknown_operators(small_network(), *UNKNOWN)))


def test_the_error_lists_every_operator_with_its_places(unknown: str) -> None:
    with pytest.raises(SpecError) as caught:
        archcalc.load(unknown)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("unknown-op", "3 calls of operators that cannot be counted")
    assert problem.hint.splitlines() == [
        "1 × aten.exotic_relu_, in 'stem.act' (net.py:7)",
        "1 × aten.exotic_max_pool2d, in net.py:7",
        "1 × aten.exotic_linear, in 'head' (net.py:7)",
        "`archcalc show --partial` counts the rest",
    ]


def test_an_operator_that_occurs_often_is_listed_once(tmp_path: Path) -> None:
    calls = [call("exotic.default", f"t{n}", module=f"layer{n}", self=f"@t{n - 1}" if n else "@x") for n in range(5)]
    program = document({"x": (1, 8)}, calls, {f"t{n}": (1, 8) for n in range(5)})
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(write(tmp_path / "net.pt2", program)))
    listed = caught.value.problems[0].hint.splitlines()[0]
    assert listed == ("5 × aten.exotic, in 'layer0' (net.py:7), 'layer1' (net.py:7), 'layer2' (net.py:7) and 2 more")


@pytest.mark.parametrize("batch", [1, 3])
def test_everything_else_is_counted(tmp_path: Path, batch: int) -> None:
    """The parameters and the outputs of the calls are known, and counted."""
    program = small_network(batch)
    path = write(tmp_path / "net.pt2", with_unknown_operators(program, *UNKNOWN))
    found = archcalc.load(str(path), partial=True)
    whole = archcalc.load(str(write(tmp_path / "whole.pt2", program)))
    partial, full = found.analyze().totals, whole.analyze().totals
    assert [node.outputs for node in found.graph.nodes] == [node.outputs for node in whole.graph.nodes]
    assert (partial.params, partial.activations) == (full.params, full.activations)
    assert partial.macs == full.macs - 72 * 10
    assert not partial.is_complete
    assert full.is_complete
    assert all(partial.of(name) <= full.of(name) for name in ("connections", "mults", "flops", "add", "cmp"))


def test_parameters_count_once(tmp_path: Path) -> None:
    """A weight of a layer that an operator without a count uses as well belongs to the layer."""
    weight = {"input": "@x", "weight": "@p_fc_weight"}
    calls = [
        call("exotic.default", "a", **weight),
        call("linear.default", "b", input="@a", weight="@p_fc_weight"),
        call("exotic.default", "c", **weight),
    ]
    program = document({"x": (1, 8)}, calls, dict.fromkeys("abc", (1, 8)), {"fc.weight": (8, 8)})
    network = archcalc.load(str(write(tmp_path / "net.pt2", program)), partial=True)
    assert network.analyze().totals.params == 64


def test_receptive_fields_after_unknown_operators_are_unknown(unknown: str) -> None:
    network = archcalc.load(unknown, partial=True)
    assert network.receptive_field("stem/conv")["x"][0].is_local
    assert network.receptive_field("stem/act")["x"][0].is_unknown


def test_outputs_are_known_for_the_sizes_in_the_file_only(unknown: str) -> None:
    with pytest.raises(SpecError, match=r"known only for the sizes in the file, in 'relu_' of 'stem.act'"):
        archcalc.load(unknown, shapes="3x8x8", partial=True)
