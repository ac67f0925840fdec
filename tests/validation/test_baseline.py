"""Figures of an earlier state: stored and read again, changes, and growth."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.spec import Source, read_spec
from archcalc.validation.baseline import (
    STORED_COUNTS,
    STORED_QUANTITIES,
    NetworkFigures,
    Tolerance,
    change_text,
    changes,
    figures_of,
    growth_errors,
    read_tolerances,
)


def figures(layers: str) -> NetworkFigures:
    return figures_of(analyze(read_spec(Source("x", f"3x32x32 -> {layers}"), inline=True).graph))


def stages(text: str) -> NetworkFigures:
    return figures_of(analyze(read_spec(Source("x.yaml", f"input: 3x32x32\nlayers: {text}")).graph))


def changes_of(before: NetworkFigures, after: NetworkFigures) -> list[str]:
    """Return the changes in a short form."""
    found = []
    for old, new in changes(before, after):
        names = [row.name for row in (old, new) if row is not None]
        found.append(("+" if old is None else "-" if new is None else "~") + " ".join(dict.fromkeys(names)))
    return found


def test_stored_figures_are_those_of_show() -> None:
    found = figures("conv 6 k5 -> relu")
    assert dict(zip(STORED_QUANTITIES, found.totals, strict=True))["params"] == 6 * 3 * 25 + 6
    assert found.totals[STORED_QUANTITIES.index("memory")] == 4 * (456 + 3 * 32 * 32 + 2 * 6 * 28 * 28 - 3 * 32 * 32)
    assert [row.op for row in found.layers] == ["conv 6 k5", "relu"]
    assert found.layers[1].counts[STORED_COUNTS.index("activations")] == 6 * 28 * 28


def test_changed_new_and_removed_layers_are_distinguished() -> None:
    before = stages("[a: conv 4 k3, b: relu, c: conv 8 k3]")
    assert changes_of(before, stages("[a: conv 5 k3, b: relu, c: conv 8 k3]")) == ["~a", "~b", "~c"]
    assert changes_of(before, stages("[a: conv 4 k3, n: bn, b: relu, c: conv 8 k3]")) == ["+n"]
    assert changes_of(before, stages("[a: conv 4 k3, c: conv 8 k3]")) == ["-b"]
    assert changes_of(before, stages("[a: conv 4 k3, b: tanh, c: conv 8 k3]")) == ["-b", "+b"]


def test_numbered_names_that_only_move_are_not_a_change() -> None:
    before = figures("conv 4 k3 -> relu -> conv 8 k3 -> relu")
    assert changes_of(before, figures("conv 4 k3 -> relu -> conv 4 k3 half -> relu -> conv 8 k3 -> relu")) == [
        "+conv_2",
        "+relu_2",
    ]
    before = stages("[s: conv 4 k3 -> relu]")
    assert changes_of(before, stages("[s: conv 4 k3 -> relu -> conv 4 k1]")) == ["+s/conv_2"]


def test_growth_is_measured_against_the_tolerance_exactly() -> None:
    spec = read_spec(Source("x", "3x32x32 -> conv 101 k1 nobias"), inline=True)
    before, after = figures("conv 100 k1 nobias"), figures_of(analyze(spec.graph))
    assert not growth_errors(before, after, Tolerance(Fraction(1, 100)), spec)
    (problem,) = growth_errors(before, after, Tolerance(Fraction(1, 101)), spec)
    assert problem.message.startswith(
        "grown since the baseline: params 300 → 303 (+1 %), macs 307,200 → 310,272 (+1 %)"
    )
    assert not growth_errors(after, before, Tolerance(), spec)


def test_growth_is_placed_at_the_layer_that_grew_most() -> None:
    spec = read_spec(Source("x", "3x32x32 -> conv 5 k3 -> relu -> fc 20"), inline=True)
    before = figures("conv 4 k3 -> relu -> fc 10")
    (problem,) = growth_errors(before, figures_of(analyze(spec.graph)), Tolerance(), spec)
    assert problem.span is not None
    assert problem.span.text.value[problem.span.start : problem.span.end] == "fc 20"
    assert "params 36,122 → 90,160 (+150 %)" in problem.message


def test_changes_of_any_size_are_written() -> None:
    assert change_text(1, 10**400).endswith("00 %)")
    assert change_text(10**400, 10**400 + 1).endswith("01 %)")
    assert change_text(0, 5) == "0 → 5 (+5)"
    assert change_text(1000, 1234) == "1,000 → 1,234 (+23.4 %)"


@pytest.mark.slow
def test_many_changed_layers_are_compared_in_time() -> None:
    before, after = (figures(f"(conv {c} k1 -> relu)*3000") for c in (3, 4))
    assert len(changes(before, after)) == 6000


def test_tolerances_are_percentages() -> None:
    assert read_tolerances(["params=50%,macs=30%", "2%"]) == read_tolerances(["params=50%", " macs = 30%", "2 %"])
    found = read_tolerances(["1%", "macs=2.5 %", "params=0"])
    assert [found.of(quantity) for quantity in ("flops", "macs", "params")] == [Fraction(1, 100), Fraction(1, 40), 0]
    for wrong in ("1", "x%", "-1%", "foo=1%", "1/0%", "9" * 50 + "%"):
        with pytest.raises(ValueError, match=r"."):
            read_tolerances([wrong])
