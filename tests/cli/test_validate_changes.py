"""``archcalc validate``: against a baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc

NET = "input: 3x9x9\nlayers:\n  - a: conv 4 k3 -> relu\n  - b: conv 8 k1\n"
BASELINE = ("--baseline", "base.json")


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a spec in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.yaml"
    path.write_text(NET, encoding="utf-8")
    return path


def update(archcalc: Archcalc, *more: str) -> None:
    assert archcalc("validate", ".", *BASELINE, "--update-baseline", *more).status == 0


def test_unchanged_specs_are_not_mentioned(archcalc: Archcalc) -> None:
    update(archcalc)
    ran = archcalc("validate", ".", *BASELINE)
    assert ran.status == 0
    assert [line for line in ran.lines if not line.startswith("skip")] == [
        "ok     net.yaml  (0 expectations)",
        "1 spec: 1 ok; 1 file skipped",
    ]


def test_growth_fails_and_is_shown_layer_by_layer(archcalc: Archcalc, net: Path) -> None:
    update(archcalc)
    net.write_text(NET.replace("conv 8", "conv 9") + "  - c: relu\n", encoding="utf-8")
    ran = archcalc("validate", "net.yaml", *BASELINE)
    assert ran.status == 1
    grown = "params 152 → 157 (+3.29 %), macs 6,860 → 7,056 (+2.86 %), flops "
    assert ran.line(f"net.yaml:4:8: error[growth]: grown since the baseline: {grown}")
    at = ran.lines.index("net.yaml: changes since the baseline")
    changed = "~ b conv 8 k1 → conv 9 k1 8x7x7 → 9x7x7 40 → 45 (+12.5 %) 1,568 → 1,764 (+12.5 %)"
    assert ran.lines[at + 3].split() == changed.split()
    assert ran.lines[at + 4].split() == ["+", "c", "relu", "9x7x7", "0", "0"]
    assert "params: 152 → 157 (+3.29 %)" in ran.lines


def test_a_tolerance_allows_some_growth(archcalc: Archcalc, net: Path) -> None:
    update(archcalc)
    net.write_text(NET.replace("conv 8", "conv 9"), encoding="utf-8")
    assert archcalc("validate", "net.yaml", *BASELINE, "--tolerance", "10%").status == 0
    ran = archcalc("validate", "net.yaml", *BASELINE, "--tolerance", "50%", "--tolerance", "params=1%")
    assert ran.status == 1
    assert ran.out.count("error[growth]") == 1
    assert "grown since the baseline: params 152 → 157 (+3.29 %)" in ran.out
    assert "= the tolerance is 1 %; --update-baseline accepts it" in ran.out
    assert archcalc("validate", "net.yaml", *BASELINE, "--tolerance", "10").status == 2


def test_smaller_figures_are_shown_and_fail_nothing(archcalc: Archcalc, net: Path) -> None:
    update(archcalc)
    net.write_text(NET.replace("conv 8", "conv 7"), encoding="utf-8")
    ran = archcalc("validate", "net.yaml", *BASELINE)
    assert ran.status == 0
    assert "params: 152 → 147 (-3.29 %)" in ran.lines


def test_an_update_accepts_growth_keeps_others_and_drops_missing_specs(archcalc: Archcalc, net: Path) -> None:
    other = net.with_name("other.yaml")
    other.write_text(NET, encoding="utf-8")
    update(archcalc, "lenet5")
    net.write_text(NET.replace("conv 8", "conv 9"), encoding="utf-8")
    ran = archcalc("validate", "net.yaml", *BASELINE, "--update-baseline")
    assert ran.status == 0
    assert "params: 152 → 157 (+3.29 %)" in ran.lines
    assert archcalc("validate", "net.yaml", "other.yaml", "lenet5", *BASELINE).status == 0
    other.unlink()
    update(archcalc)
    text = net.with_name("base.json").read_text(encoding="utf-8")
    assert "other.yaml" not in text
    assert '"lenet5"' in text


def test_a_new_spec_is_reported_as_new(archcalc: Archcalc, net: Path) -> None:
    update(archcalc)
    net.with_name("other.yaml").write_text(NET, encoding="utf-8")
    ran = archcalc("validate", ".", *BASELINE)
    assert ran.status == 0
    assert "ok     other.yaml  (0 expectations, new: not in the baseline)" in ran.lines


def test_a_missing_or_invalid_baseline_is_an_error(archcalc: Archcalc, net: Path) -> None:
    ran = archcalc("validate", "net.yaml", *BASELINE)
    assert ran.status == 2
    assert ran.line("base.json: error[baseline]")
    assert "`archcalc validate --update-baseline` writes it" in ran.out
    assert ran.line("ok     net.yaml")
    assert archcalc("validate", "net.yaml", "--baseline", "net.yaml").status == 2
    assert archcalc("validate", "net.yaml", "--update-baseline").status == 2


def test_the_alert_on_growth_stays_the_same_when_a_spec_grows_further(archcalc: Archcalc, net: Path) -> None:
    update(archcalc)
    issues = []
    for grown in ("conv 9", "conv 12"):
        net.write_text(NET.replace("conv 8", grown), encoding="utf-8")
        issues += json.loads(archcalc("validate", "net.yaml", *BASELINE, "--format", "gitlab").out)
    assert [issue["check_name"] for issue in issues] == ["growth", "growth"]
    assert issues[0]["description"] != issues[1]["description"]
    assert issues[0]["fingerprint"] == issues[1]["fingerprint"]
