"""Budgets in the configuration: conditions that networks must meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.validation import configuration
from tests.cli.conftest import Archcalc
from tests.readers.programs import small_network, write


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder: a model of 946 parameters, and a spec of 100 parameters with variants."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    write(tmp_path / "nets" / "small.pt2", small_network())
    spec = "input: 9\nvariables: {n: 10}\nvariants:\n  wide: {n: 20}\nlayers:\n  - fc: fc n\n"
    (tmp_path / "nets" / "net.yaml").write_text(spec)
    return tmp_path


def budgets(*lines: str) -> None:
    """Write the configuration, which a process reads once."""
    configuration._above.cache_clear()
    Path("pyproject.toml").write_text("\n".join(["[tool.archcalc.budgets]", *lines, ""]))


def test_a_network_within_its_budget_passes(archcalc: Archcalc) -> None:
    budgets('"nets/*.pt2" = "macs <= 500M"')
    done = archcalc("validate", "nets/small.pt2")
    assert (done.status, done.lines[0]) == (0, "ok     nets/small.pt2  (0 expectations)")


def test_a_network_over_its_budget_fails(archcalc: Archcalc) -> None:
    budgets("# of all nets", '"nets/*.pt2" = "params < 900 and macs <= 500M"')
    done = archcalc("validate", "nets/small.pt2")
    assert done.status == 1
    figures = "params is 946, macs is 8,496"
    assert done.lines[:3] == [
        "failed nets/small.pt2  (0 expectations, over 1 budget)",
        f"nets/small.pt2: error[budget]: over budget: {figures}, but the budget is 'params < 900 and macs <= 500M'",
        "  = it is set in pyproject.toml:3",
    ]


def test_several_conditions_are_judged_one_by_one(archcalc: Archcalc) -> None:
    budgets('"nets/*" = ["params < 10", "macs < 1", "layers < 100"]', '"*.pt2" = "head.params <= 729"')
    done = archcalc("validate", "nets/small.pt2")
    assert "over 3 budgets" in done.lines[0]
    assert "head.params is 730, but the budget is 'head.params <= 729'" in done.out


@pytest.mark.parametrize(
    ("pattern", "spec"),
    [
        ("nets/net.yaml", "nets/net.yaml"),
        ("nets/*", "nets"),
        ("nets/*.pt2", "nets/*.pt2"),
        ("nets/*.pt2", "nets"),
        ("lenet5", "lenet5"),
        ("9 -> *", "9 -> fc 10"),
    ],
)
def test_budgets_are_for_every_kind_of_spec(archcalc: Archcalc, pattern: str, spec: str) -> None:
    budgets(f'"{pattern}" = "params < 7"')
    done = archcalc("validate", spec)
    assert done.status == 1
    assert "but the budget is 'params < 7'" in done.out


def test_budgets_hold_for_variants(archcalc: Archcalc) -> None:
    budgets('"nets/net.yaml" = "params <= 100"')
    done = archcalc("validate", "nets/net.yaml")
    assert done.status == 1
    assert "params is 200" in done.out


def test_a_budget_can_name_variables_sizes_and_fields(archcalc: Archcalc) -> None:
    budgets('"nets/net.yaml" = "n <= 20 and C = 9"', '"nets/small.pt2" = "rf = global and H = 6"')
    done = archcalc("validate", "nets/net.yaml", "nets/small.pt2")
    assert "unknown-name" not in done.out


@pytest.mark.parametrize("word", ["global", "causal", "unknown"])
def test_a_budget_may_compare_a_field_with_a_word(archcalc: Archcalc, word: str) -> None:
    budgets(f'"9x9x9 -> *" = "rf = {word}"')
    done = archcalc("validate", "9x9x9 -> conv 4 k3")
    assert done.status == 1
    assert f"over budget: rf is 3, but the budget is 'rf = {word}'" in done.out


def test_a_name_that_a_network_does_not_have_is_an_error(archcalc: Archcalc) -> None:
    budgets('"nets/*.pt2" = ["mac < 5", "heed.params < 5"]')
    done = archcalc("validate", "nets/small.pt2")
    assert done.status == 2
    where = "in the budget 'mac < 5' of pyproject.toml:2"
    assert f"nets/small.pt2: error[unknown-name]: no quantity, variable or input size 'mac', {where}" in done.lines
    assert "  = did you mean 'head'?" in done.lines


def test_a_text_that_is_not_a_condition_is_an_error_with_its_place(archcalc: Archcalc) -> None:
    budgets('"nets/*.pt2" = "macs <== 5"')
    done = archcalc("validate", "nets/small.pt2")
    assert done.status == 2
    assert "pyproject.toml:2:17: error[configuration]: the budget 'macs <== 5' is not a condition" in done.out


def test_conditions_are_texts(archcalc: Archcalc) -> None:
    budgets('"nets/*.pt2" = 5')
    assert "'nets/*.pt2' must be a list of conditions, got 5" in archcalc("validate", "nets/small.pt2").out


def test_a_pattern_that_matches_nothing_is_a_warning(archcalc: Archcalc) -> None:
    budgets('"gone/*.pt2" = "macs < 5"', '"nets/*.pt2" = "macs < 5G"', '"alexnet" = "macs < 5G"', '"a.b:*" = "H = 1"')
    done = archcalc("validate", "nets/net.yaml")
    assert done.status == 0
    assert [line for line in done.lines if "unused-pattern" in line] == [
        "pyproject.toml:2:2: warning[unused-pattern]: no file matches the pattern 'gone/*.pt2'"
    ]
    assert archcalc("validate", "nets/net.yaml", "--strict").status == 1


def test_a_changed_budget_is_noticed(archcalc: Archcalc, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / "cache"))
    budgets('"nets/net.yaml" = "params <= 1000"')
    assert archcalc("validate", "nets/net.yaml").status == 0
    budgets('"nets/net.yaml" = "params <= 10"')
    assert archcalc("validate", "nets/net.yaml").status == 1


def test_a_link_to_a_model_has_the_budget_of_its_own_place(archcalc: Archcalc, tmp_path: Path) -> None:
    """Large files are often links to a store elsewhere."""
    budgets('"nets/*.pt2" = "macs <= 1"')
    store = tmp_path / "store"
    store.mkdir()
    stored = Path("nets", "small.pt2").rename(store / "a1b2.pt2")
    Path("nets", "small.pt2").symlink_to(stored.resolve())
    assert "over budget" in archcalc("validate", "nets/small.pt2").out
