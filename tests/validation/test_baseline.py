"""Numbers of an earlier state: stored and read again, what has changed, what has grown."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from archcalc.analysis.propagate import analyze
from archcalc.spec import Source, SpecError, read_spec
from archcalc.validation.baseline import (
    COUNTS,
    QUANTITIES,
    Numbers,
    Tolerance,
    changes,
    growth,
    is_gone,
    moved,
    name_in,
    numbers_of,
    read_baseline,
    read_tolerances,
    write_baseline,
)
from tests.random_networks import networks


def numbers(layers: str) -> Numbers:
    return numbers_of(analyze(read_spec(Source("x", f"3x32x32 -> {layers}"), inline=True).graph))


def stages(text: str) -> Numbers:
    return numbers_of(analyze(read_spec(Source("x.yaml", f"input: 3x32x32\nlayers: {text}")).graph))


def told(before: Numbers, after: Numbers) -> list[str]:
    """The changes in short."""
    found = []
    for old, new in changes(before, after):
        names = [row.name for row in (old, new) if row is not None]
        found.append(("+" if old is None else "-" if new is None else "~") + " ".join(dict.fromkeys(names)))
    return found


def stored(path: Path, networks: dict[str, Numbers]) -> dict[str, Numbers]:
    path.write_text("\n".join(write_baseline(networks)), encoding="utf-8")
    return read_baseline(str(path))


def test_what_is_stored_is_what_show_says() -> None:
    found = numbers("conv 6 k5 -> relu")
    assert dict(zip(QUANTITIES, found.totals, strict=True))["params"] == 6 * 3 * 25 + 6
    assert found.totals[QUANTITIES.index("memory")] == 4 * (456 + 3 * 32 * 32 + 2 * 6 * 28 * 28 - 3 * 32 * 32)
    assert [row.op for row in found.layers] == ["conv 6 k5", "relu"]
    assert found.layers[1].counts[COUNTS.index("activations")] == 6 * 28 * 28


@settings(max_examples=25, suppress_health_check=[HealthCheck.large_base_example, HealthCheck.function_scoped_fixture])
@given(text=networks())
def test_a_baseline_survives_its_file(tmp_path: Path, text: str) -> None:
    found = numbers_of(analyze(read_spec(Source("x.yaml", text)).graph))
    assert stored(tmp_path / "b.json", {'é " x': found, "y": found}) == {'é " x': found, "y": found}
    assert changes(found, found) == ()


def test_a_baseline_has_a_line_for_every_layer(tmp_path: Path) -> None:
    lines = list(write_baseline({"a": numbers("conv 6 k5 -> relu")}))
    assert sum('"op"' in line for line in lines) == 2
    assert json.loads("\n".join(lines))["schema"] == 1


def test_changed_new_and_removed_layers_are_told_apart() -> None:
    before = stages("[a: conv 4 k3, b: relu, c: conv 8 k3]")
    assert told(before, stages("[a: conv 5 k3, b: relu, c: conv 8 k3]")) == ["~a", "~b", "~c"]
    assert told(before, stages("[a: conv 4 k3, n: bn, b: relu, c: conv 8 k3]")) == ["+n"]
    assert told(before, stages("[a: conv 4 k3, c: conv 8 k3]")) == ["-b"]
    assert told(before, stages("[a: conv 4 k3, b: tanh, c: conv 8 k3]")) == ["-b", "+b"]


def test_numbered_names_that_only_move_are_no_change() -> None:
    before = numbers("conv 4 k3 -> relu -> conv 8 k3 -> relu")
    assert told(before, numbers("conv 4 k3 -> relu -> conv 4 k3 half -> relu -> conv 8 k3 -> relu")) == [
        "+conv_2",
        "+relu_2",
    ]
    before = stages("[s: conv 4 k3 -> relu]")
    assert told(before, stages("[s: conv 4 k3 -> relu -> conv 4 k1]")) == ["+s/conv_2"]


def test_growth_is_measured_against_the_tolerance_exactly() -> None:
    spec = read_spec(Source("x", "3x32x32 -> conv 101 k1 nobias"), inline=True)
    before, after = numbers("conv 100 k1 nobias"), numbers_of(analyze(spec.graph))
    assert not growth(before, after, Tolerance(Fraction(1, 100)), spec)
    (problem,) = growth(before, after, Tolerance(Fraction(1, 101)), spec)
    assert problem.message.startswith(
        "grown since the baseline: params 300 → 303 (+1 %), macs 307,200 → 310,272 (+1 %)"
    )
    assert not growth(after, before, Tolerance(), spec)


def test_growth_is_placed_at_the_layer_that_grew_most() -> None:
    spec = read_spec(Source("x", "3x32x32 -> conv 5 k3 -> relu -> fc 20"), inline=True)
    before = numbers("conv 4 k3 -> relu -> fc 10")
    (problem,) = growth(before, numbers_of(analyze(spec.graph)), Tolerance(), spec)
    assert problem.span is not None
    assert problem.span.text.value[problem.span.start : problem.span.end] == "fc 20"
    assert "params 36,122 → 90,160 (+150 %)" in problem.message


def test_changes_of_any_size_are_written() -> None:
    assert moved(1, 10**400).endswith("00 %)")
    assert moved(10**400, 10**400 + 1).endswith("01 %)")
    assert moved(0, 5) == "0 → 5 (+5)"
    assert moved(1000, 1234) == "1,000 → 1,234 (+23.4 %)"


def test_many_changed_layers_are_compared_in_time() -> None:
    before, after = (numbers(f"(conv {c} k1 -> relu)*3000") for c in (3, 4))
    assert len(changes(before, after)) == 6000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"specs": 3}',
        '{"specs": {"a": {}}}',
        "[" * 100_000,
        "\0",
        "\udcff",
        '{"specs": {"a": {"totals": {"params": true, "macs": 1, "flops": 1, "activations": 1, "memory": 1}}}}',
    ],
)
def test_what_is_no_baseline_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SpecError, match="not a baseline"):
        read_baseline(str(path))


def test_a_missing_baseline_names_the_option_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read_baseline(str(tmp_path / "none.json"))
    assert "--update-baseline" in str(caught.value)


def test_names_do_not_depend_on_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert name_in("b.json", "nets/a.yaml", "nets/a.yaml") == "nets/a.yaml"
    monkeypatch.chdir(tmp_path / "nets")
    assert name_in("../b.json", "a.yaml", "a.yaml") == "nets/a.yaml"
    assert name_in("../b.json", "lenet5", "/somewhere/lenet5.yaml") == "lenet5"
    assert not is_gone("../b.json", "nets/a.yaml")
    assert is_gone("../b.json", "nets/b.yaml")
    assert not is_gone("../b.json", "lenet5")


def test_tolerances_are_percentages() -> None:
    found = read_tolerances(["1%", "macs=2.5 %", "params=0"])
    assert [found.of(quantity) for quantity in ("flops", "macs", "params")] == [Fraction(1, 100), Fraction(1, 40), 0]
    for wrong in ("1", "x%", "-1%", "foo=1%", "1/0%", "9" * 50 + "%"):
        with pytest.raises(ValueError, match=r"."):
            read_tolerances([wrong])
