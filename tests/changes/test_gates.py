"""Limits on changes: percentages, ratios, differences and budgets, none of which is taken for another."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.changes.gates import judge, read_gate, read_gates, without_drift
from archcalc.spec import SpecError
from archcalc.validation.baseline import figures_of
from tests.changes.networks import analysis


def fails(gate: str, before: int, after: int) -> bool:
    return read_gate(gate).exceeded_by(before, after)


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(1, 500))
def test_a_percentage_and_the_ratio_that_means_the_same_agree(before: int, after: int, tenths: int) -> None:
    percent, ratio = Fraction(tenths, 10), 1 + Fraction(tenths, 1000)
    assert fails(f"macs > +{float(percent)}%", before, after) == fails(f"macs > {float(ratio)}x", before, after)
    assert fails(f"macs > +{float(percent)}%", before, after) == (after > before * ratio)


@pytest.mark.parametrize(
    ("gate", "passing", "failing"),
    [
        ("macs > +2%", 102, 103),
        ("macs > 1.02x", 102, 103),
        ("macs >= 1.02x", 101, 102),
        ("macs > +200%", 300, 301),
        ("macs > 2x", 200, 201),
        ("macs < -2%", 98, 97),
        ("macs < 0.98x", 98, 97),
        ("macs > +3", 103, 104),
        ("macs < -3", 97, 96),
        ("macs>+2 %", 102, 103),
        ("macs > 1.02×", 102, 103),
    ],
)
def test_limits_are_exact(gate: str, passing: int, failing: int) -> None:
    assert not fails(gate, 100, passing)
    assert fails(gate, 100, failing)


@pytest.mark.parametrize(
    ("gate", "hint"),
    [
        ("macs > 2%", "macs > +2%"),
        ("macs > 102%", "1.02x"),
        ("macs < 98%", "write macs < -98% for a change, or macs < 0.98x for new / old"),
        ("macs > +1.02x", "macs > 1.02x"),
        ("macs < -2x", "write macs < 0.5x for new / old, or -2% for a change"),
        ("macs > 0.02x", "macs > +2%"),
        ("macs < +2%", "macs < -2%"),
        ("macs >= +0%", "macs > +2%"),
        ("macs > -5", "macs > +2%"),
        ("foo > +2%", "a limit on a change names a quantity"),
    ],
)
def test_what_confuses_the_two_or_always_fails_is_refused(gate: str, hint: str) -> None:
    with pytest.raises(SpecError) as error:
        read_gate(gate)
    assert hint in error.value.problems[0].hint


@pytest.mark.parametrize("gate", ["macs > ", "macs", "> +2%", "macs > +%", "macs > two%", ""])
def test_anything_but_a_limit_is_refused(gate: str) -> None:
    with pytest.raises(SpecError):
        read_gate(gate)


def test_from_nothing_every_growth_is_too_much() -> None:
    assert fails("macs > +500%", 0, 1)
    assert fails("macs > 9x", 0, 1)
    assert not fails("macs > +500%", 0, 0)
    assert not fails("macs < -1%", 0, 1)


SMALL, LARGE = "3x9x9 -> conv 10 k3", "3x9x9 -> conv 11 k3"


@pytest.mark.parametrize(
    ("gate", "exceeded"),
    [
        ("params > +5%", True),
        ("params > +15%", False),
        ("conv_1.params > +5%", True),
        ("params > 300", True),
        ("params > 300 and macs > 1G", False),
        ("params > +1k", False),
    ],
)
def test_limits_on_networks_their_layers_and_budgets(gate: str, exceeded: bool) -> None:
    assert bool(judge(read_gates([gate]), analysis(SMALL), analysis(LARGE)).exceeded) == exceeded


def test_growth_of_a_new_network_has_no_limit_but_a_budget_has() -> None:
    found = judge(read_gates(["params > +5%", "params > 300"]), None, analysis(LARGE))
    assert [each.against for each in found.exceeded] == ["budget"]


def test_a_limit_that_cannot_be_judged_is_an_error() -> None:
    found = judge(read_gates(["nothing.params > +5%", "rf > +5%"]), analysis(SMALL), analysis(LARGE))
    assert len(found.problems) == 2


def test_small_steps_do_not_slip_under_a_limit() -> None:
    """Each of ten steps grows by 0.9 %; compared with the baseline, the second one exceeds 1 %."""
    widths = [1000]
    for _ in range(10):
        widths.append(widths[-1] * 1009 // 1000)
    networks = [analysis(f"1x1x1 -> conv {width} k1 nobias") for width in widths]
    gates = read_gates(["params > +1%"])
    baseline = figures_of(networks[0])
    alone = [judge(gates, old, new).exceeded for old, new in pairwise(networks)]
    both = [judge(gates, old, new, baseline).exceeded for old, new in pairwise(networks)]
    assert not any(alone)
    assert [bool(each) for each in both] == [False, *[True] * 9]
    assert both[1][0].against == "baseline"


def test_quantities_without_a_baseline_are_named() -> None:
    assert without_drift(read_gates(["peak > +1%", "macs > +1%", "peak > 1M"])) == ["peak"]
