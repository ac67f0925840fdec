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
    right, wrong = judge([Claim(target, str(value)), Claim(target, str(value + 1))], analysis)
    assert (right.holds, wrong.holds) == (True, False)
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
