"""Solutions are all values of a range for which the condition holds, found by trying each alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.api import load
from archcalc.numeric.progressions import progression
from archcalc.query.conditions import read_condition
from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
from archcalc.query.grid import GridAxis
from archcalc.query.solve import Solution, default_values, solve
from archcalc.spec import Source, SpecError
from archcalc.spec.limits import DEFAULT
from archcalc.spec.locate import locate
from archcalc.spec.syntax import names_in


def asked(spec: str) -> ConfigurationQuery:
    return ConfigurationQuery(LocatedSpec(*locate(spec, DEFAULT)), [])


def solved(spec: str, name: str, values: Any, target: str) -> Solution:
    question, condition = asked(spec), read_condition("--target", target)
    question.names = list({name.name: name for name in names_in(condition)}.values())
    return solve(question, [GridAxis(name, values)], condition)


def ends(solution: Solution) -> list[tuple[Any, Any]]:
    return [(interval.first.values[0], interval.last.values[0]) for interval in solution.intervals]


def test_a_budget() -> None:
    values = progression(Fraction(1, 4), Fraction(1, 50), 40)
    found = solved("mobilenet-v1", "alpha", values, "macs <= 300M")
    good = [v for v in values if load("mobilenet-v1", set={"alpha": v}).analyze().totals.macs <= 300_000_000]
    assert ends(found) == [(good[0], good[-1])]
    assert found.intervals[0].number == len(good)


def test_the_longest_context_whose_keys_and_values_fit() -> None:
    """Two heads of 8 for keys and for values, 4 bytes each: 128 bytes per token; a window of 5 keeps 640."""
    spec = "9x64 -> attention heads=8 kv_heads=2 causal"
    assert ends(solved(spec, "n0", range(1, 30), "kv_cache <= 1KiB")) == [(1, 8)]
    assert ends(solved(f"{spec} window=5", "n0", range(1, 30), "kv_cache <= 640")) == [(1, 29)]


def test_several_intervals_of_a_quantity_that_is_not_monotone() -> None:
    spec = "8x32x32 -> conv 8 k3 s4 -> conv 16 k3"
    found = solved(spec, "H", range(1, 40), "conv_1.H % 3 = 0")
    good = [h for h in range(11, 40) if ((h - 3) // 4 + 1) % 3 == 0]
    assert [v for first, last in ends(found) for v in range(first, last + 1)] == good
    assert len(found.intervals) > 1
    assert found.impossible.total() == 10


def test_impossible_values_separate_intervals() -> None:
    spec = "8x32x32 -> conv 24 k3 g2"
    assert ends(solved(spec, "conv_1.g", range(1, 9), "macs > 0")) == [(1, 2), (4, 4), (8, 8)]


def test_the_padding_that_keeps_the_size() -> None:
    spec = "3x32x32 -> conv 64 k7 d2 -> relu"
    assert ends(solved(spec, "conv_1.p", range(20), "conv_1.shape = 64x32x32")) == [(6, 6)]
    assert ends(solved(spec, "conv_1.pad", range(20), "conv_1.H = 32")) == [(6, 6)]
    assert ends(solved(spec, "conv_1.channels", range(1, 20), "conv_1.C = 5")) == [(5, 5)]
    assert ends(solved(spec, "conv_1.k", range(1, 20), "conv_1.W >= 12")) == [(1, 11)]


def test_the_input_sizes_that_give_seven() -> None:
    assert ends(solved("resnet50", "H=W", range(1, 400), "conv5_x.H = 7 and conv5_x.W = 7")) == [(193, 224)]


def test_words_and_depths_are_varied_too() -> None:
    source = Source("net.yaml", "input: 3x8x8\nvariables: {n: 1}\nlayers:\n  - (conv 3 k3 half)*n\n")
    question, condition = (
        ConfigurationQuery(LocatedSpec(source, False), []),
        read_condition("--target", "params <= 300"),
    )
    assert ends(solve(question, [GridAxis("n", range(10))], condition)) == [(0, 3)]


def test_without_a_solution_the_nearest_value_is_given() -> None:
    found = solved("mobilenet-v1", "alpha", (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1), "macs = 300M")
    assert not found.intervals
    assert found.nearest is not None
    assert found.nearest.values[0] == Fraction(3, 4)
    assert found.nearest.measured == (325_400_448,)
    assert found.extremes == ((41_030_272, 568_740_352),)
    nearest = solved("lenet5", "H=W", range(30, 40), "c1.shape = 6x40x40").nearest
    assert nearest is not None
    assert nearest.values[0] == 39
    assert solved("3x5x5 -> conv 6 k7", "H", range(1, 5), "macs < 3").nearest is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("c9.k", "no layer or stage 'c9'"),
        ("c1/conv.z", "has no numeric attribute 'z'"),
        ("alpha", "no variable or input size 'alpha'"),
        ("s4.k=c1.z", "has no numeric attribute 'z'"),
    ],
)
def test_unknown_settings(name: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        solved("lenet5", name, range(1, 5), "macs > 1")


def test_unknown_quantities() -> None:
    with pytest.raises(SpecError, match="no layer or stage 'c9'"):
        solved("lenet5", "H", range(30, 35), "c9.macs > 1")
    with pytest.raises(SpecError, match="no quantity, variable or input size 'mac'"):
        solved("lenet5", "H", range(30, 35), "mac > 1")


def test_an_attribute_that_several_layers_have_must_be_named() -> None:
    with pytest.raises(SpecError, match="10 layers of 'sep7_11' have the attribute 'kernel'") as error:
        solved("mobilenet-v1", "sep7_11.k", range(1, 4), "macs > 1")
    assert "sep7_11/dwconv_1.k" in str(error.value)


def test_attributes_of_what_does_not_exist_as_written_cannot_be_varied() -> None:
    with pytest.raises(SpecError, match="a window of 7 does not fit into an axis of size 5"):
        solved("3x5x5 -> conv 6 k7", "conv_1.k", range(1, 4), "macs > 1")


def test_default_values() -> None:
    assert list(default_values(asked("mobilenet-v1"), "alpha") or ()) == [Fraction(n, 100) for n in range(1, 201)]
    assert default_values(asked("mobilenet-v1"), "classes") == range(1, 4001)
    assert default_values(asked("mobilenet-v1"), "H=W") == range(1, 897)
    assert default_values(asked("lenet5"), "c1/conv.p") == range(65)
    assert default_values(asked("lenet5"), "c1/conv.k") == range(1, 65)
    source = Source("net.yaml", "input: 3x8x8\nvariables: {n: 1}\nlayers:\n  - (conv 3 k3 half)*n\n")
    assert default_values(ConfigurationQuery(LocatedSpec(source, False), []), "n") == range(1, 65)


def test_several_settings_are_tried_in_all_combinations() -> None:
    question, condition = asked("3x32x32 -> conv 8 k3"), read_condition("--target", "conv_1.H = 16")
    axes = [GridAxis("conv_1.k", range(1, 8)), GridAxis("conv_1.s", range(1, 5)), GridAxis("conv_1.p", range(4))]
    found = solve(question, axes, condition)
    good = {(k, s, p) for k in range(1, 8) for s in range(1, 5) for p in range(4) if (32 + 2 * p - k) // s + 1 == 16}
    first = [each.first.values for each in found.intervals]
    assert first == sorted(first)
    assert {
        (*each.first.values[:2], p)
        for each in found.intervals
        for p in range(each.first.values[2], each.last.values[2] + 1)
    } == good
    assert sum(each.number for each in found.intervals) == len(good)
    assert found.tried == 7 * 4 * 4


def test_a_setting_that_determines_the_structure_may_come_last() -> None:
    source = Source("net.yaml", "input: 3x9x9\nvariables: {n: 1, k: 3}\nlayers:\n  - (conv 3 k=k)*n\n")
    question, condition = ConfigurationQuery(LocatedSpec(source, False), []), read_condition("--target", "rf = 5")
    found = solve(question, [GridAxis("k", range(1, 6)), GridAxis("n", range(1, 5))], condition)
    assert [each.first.values for each in found.intervals] == [(2, 4), (3, 2), (5, 1)]
    assert all(each.number == 1 for each in found.intervals)
