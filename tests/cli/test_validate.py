"""``archcalc validate``: for CI."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc

GOOD = "input: 3x9x9\nlayers:\n  - a: conv 4 k3\nexpect:\n  params: 112\n  a.shape: 4x7x7\n"
FAILING = GOOD.replace("112", "113")
BROKEN = GOOD.replace("conv 4", "conb 4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of specs (one good, one failing, one broken, in that order), and files that are no specs."""
    (tmp_path / "deep").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yml").write_text(FAILING, encoding="utf-8")
    (tmp_path / "deep" / "c.yaml").write_text(BROKEN, encoding="utf-8")
    (tmp_path / ".hidden" / "d.yaml").write_text(BROKEN, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    return tmp_path


def test_a_good_spec_is_one_line(archcalc: Archcalc, folder: Path) -> None:
    ran = archcalc("validate", f"{folder}/a.yaml")
    assert ran.status == 0
    assert ran.lines[0].split() == ["ok", f"{folder}/a.yaml", "(2", "expectations)"]


def test_a_folder_is_searched_recursively_and_one_broken_file_stops_nothing(archcalc: Archcalc, folder: Path) -> None:
    ran = archcalc("validate", str(folder))
    assert ran.status == 2
    starts = [line.split()[:2] for line in ran.lines if line.startswith(("ok", "failed", "error "))]
    assert starts == [
        ["ok", f"{folder}/a.yaml"],
        ["failed", f"{folder}/b.yml"],
        ["error", f"{folder}/deep/c.yaml"],
    ]
    assert "3 specs: 1 ok, 1 failed, 1 with errors" in ran.lines
    assert not ran.err


def test_a_failure_is_shown_at_its_place(archcalc: Archcalc, folder: Path) -> None:
    ran = archcalc("validate", f"{folder}/b.yml")
    assert ran.status == 1
    at = ran.lines.index(f"{folder}/b.yml:5:11: error[expectation]: params is 112, expected 113")
    assert ran.lines[at + 1 : at + 3] == ["  5 |   params: 113", "    |           ^^^"]


def test_quiet_prints_only_problems(archcalc: Archcalc, folder: Path) -> None:
    assert not any(line.startswith("ok") for line in archcalc("validate", "--quiet", str(folder)).lines)


@pytest.mark.parametrize("missing", ["nowhere.yaml", "no/such/folder", "no-such-network"])
def test_a_missing_path_is_an_error_and_the_rest_is_still_judged(archcalc: Archcalc, missing: str) -> None:
    ran = archcalc("validate", missing, "lenet5")
    assert ran.status == 2
    assert ran.line("error").split()[1] == missing
    assert ran.line("ok").split()[1] == "lenet5"


def test_an_empty_folder_is_an_error_and_the_rest_is_still_judged(archcalc: Archcalc, tmp_path: Path) -> None:
    ran = archcalc("validate", str(tmp_path), "lenet5")
    assert ran.status == 2
    assert "no .yaml, .yml, .json, " in ran.line(str(tmp_path))
    assert "file in this folder" in ran.line(str(tmp_path))
    assert ran.line("ok").split()[1] == "lenet5"


def test_standard_input_is_a_spec(archcalc: Archcalc) -> None:
    assert archcalc("validate", "-", stdin=GOOD).status == 0
    assert archcalc("validate", "-", stdin=FAILING).status == 1
    assert archcalc("validate", "-", stdin=BROKEN).status == 2


def test_settings_reach_the_specs(archcalc: Archcalc) -> None:
    assert archcalc("validate", "resnet50", "--set", "classes=10").status == 1


def test_json_has_every_outcome_with_its_problems(archcalc: Archcalc, folder: Path) -> None:
    ran = archcalc("validate", str(folder), "--format", "json")
    assert ran.status == 2
    good, failing, broken = json.loads(ran.out)
    assert (good["status"], failing["status"], broken["status"]) == ("ok", "failed", "error")
    assert failing["problems"][0]["line"] == 5
    assert failing["problems"][0]["code"] == "expectation"
    assert broken["problems"][0]["hint"] == "did you mean 'conv'?"


def test_every_bundled_spec_is_valid_and_free_of_warnings(archcalc: Archcalc) -> None:
    specs = Path(__file__).resolve().parents[2] / "specs"
    ran = archcalc("validate", "--quiet", "--strict", str(specs))
    assert ran.status == 0, ran.out
    assert archcalc("validate", "--strict", "resnet152", "unet").status == 0
