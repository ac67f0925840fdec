"""Every verb that takes targets accepts the same ones, and says what they are."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, judge
from archcalc.query.quantities import DERIVED, MEASURED, QUANTITIES
from archcalc.query.targets import resolve
from archcalc.spec import Source, read_spec
from tests.cli.conftest import Archcalc
from tests.query.sweeping import blocks, question

LENET = "1x32x32 -> conv 6 k5 -> tanh -> maxpool 2 -> conv 16 k5 -> tanh -> maxpool 2 -> flatten -> fc 10"
ACCEPTED = {
    "channels": 10,
    "conv_1.channels": 6,
    "conv_1.C": 6,
    "conv_1.H": 28,
    "input.W": 32,
    "tanh": 6 * 28 * 28 + 16 * 10 * 10,
    "conv_1.add": 6 * 28 * 28 * 25,
    "conv_1.memory": 4 * 156,
    "memory": 4 * (156 + 2_416 + 4_010),
    "peak": 4 * 2 * 6 * 28 * 28,
    "conv_1.params": 156,
    "layers": 8,
}
"""Targets that some verb accepts, with their values on this network, computed by hand."""


@pytest.mark.parametrize(("target", "value"), ACCEPTED.items())
def test_every_verb_accepts_the_same_targets(target: str, value: int, archcalc: Archcalc) -> None:
    analysis = analyze(read_spec(Source("<expression>", LENET), inline=True).graph)
    assert resolve(target, analysis).values == (value,)
    (block,) = blocks(question(Source("<expression>", LENET), [target], inline=True), {"H": (32,)})
    assert block.columns is not None
    assert block.columns[1].tolist() == [value]
    assert archcalc("formula", LENET, target).lines[1] == f"{target} = {value:,}"
    correct, wrong = judge([Claim(target, str(value)), Claim(target, str(value + 1))], analysis)
    assert (correct.holds, wrong.holds) == (True, False)
    assert archcalc("solve", LENET, "--target", f"{target} = {value}", "--vary", "H=32:33:1").status == 0


@pytest.mark.parametrize(
    ("target", "value", "holds"),
    [("memory", "26.3 kB", True), ("memory", "26.9 kB", False), ("params", "26.3 kB", True)],
)
def test_bytes_may_be_claimed_in_bytes(target: str, value: str, holds: bool) -> None:
    graph = read_spec(Source("<expression>", LENET), inline=True).graph
    assert judge([Claim(target, value)], analyze(graph))[0].holds is holds


@pytest.mark.parametrize(("verb", "names"), [("explain", DERIVED), ("formula", MEASURED)])
def test_help_lists_the_quantities_with_their_meanings(archcalc: Archcalc, verb: str, names: tuple[str, ...]) -> None:
    shown = " ".join(archcalc(verb, "--help").out.partition("Quantities:")[2].split())
    for name in names:
        assert f" {name} {QUANTITIES[name].meaning}" in f" {shown}"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("explain", "lenet5", "c1", "shape"), "c1/conv: conv, 32x32x1 → 28x28x6"),
        (("formula", "lenet5", "c1.shape", "--free", "H"), "c1.shape = (H − 4) x 28 x 6"),
        (("rf", "lenet5"), "LeNet-5, input 32x32x1"),
        (("sweep", "lenet5", "--shape", "H=32,36", "--columns", "c1.shape"), "36   32x28x6"),
        (("solve", "lenet5", "--vary", "H", "--target", "c1.shape = 28x28x6"), "32   28x28x6"),
        (("diff", "lenet5", "lenet1"), "input           32x32x1   28x28x1  changed"),
    ],
)
def test_shapes_are_printed_in_the_layout_of_the_option(
    archcalc: Archcalc, arguments: tuple[str, ...], expected: str
) -> None:
    ran = archcalc(*arguments, "--layout", "hwc")
    assert ran.status == 0
    assert expected in ran.lines


def test_a_misspelt_quantity_of_a_layer_is_named(archcalc: Archcalc) -> None:
    ran = archcalc("explain", "lenet5", "c1.parms")
    assert ran.status == 2
    assert ran.err == "QUANTITY: error[argument]: no quantity 'parms'\n  = did you mean 'params'?\n"


def test_settings_after_a_spec_that_takes_none_are_named(archcalc: Archcalc) -> None:
    ran = archcalc("show", "lenet5 classes=2")
    assert ran.status == 2
    assert "only compare, diff and report read settings after a SPEC" in ran.err
    assert "options set variables and shapes, as in --set " in ran.err
    assert archcalc("show", " ").status == 2


def test_the_name_of_a_family_lists_its_networks(archcalc: Archcalc) -> None:
    ran = archcalc("show", "resnet")
    assert ran.status == 2
    assert "bundled networks with similar names: resnet18, resnet18:torchvision, " in ran.err
