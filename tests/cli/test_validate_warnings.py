"""``archcalc validate``: warnings, where they are switched off, and where they fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.lint import RULES
from tests.cli.conftest import Archcalc

SUSPICIOUS = "input: 3x9x9\nvariables: {idle: 1}\nlayers:\n  - a: maxpool 2\n"


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a spec with two warnings, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.yaml"
    path.write_text(SUSPICIOUS, encoding="utf-8")
    return path


def given_codes(archcalc: Archcalc, *arguments: str) -> list[str]:
    """Return the codes of the findings."""
    (record,) = json.loads(archcalc("validate", "net.yaml", "--format", "json", *arguments).out)
    return [problem["code"] for problem in record["problems"]]


def test_warnings_are_shown_and_fail_nothing(archcalc: Archcalc) -> None:
    ran = archcalc("validate", "net.yaml")
    assert ran.status == 0
    assert ran.lines[0] == "ok     net.yaml  (0 expectations, 2 warnings)"
    assert "net.yaml:2:13: warning[unused-variable]: variable 'idle' is not used" in ran.lines
    assert (
        "net.yaml:4:8: warning[dropped-border]: 'a' drops 1 row and 1 column at the end of its 3x9x9 input" in ran.lines
    )
    assert ran.lines[-1] == "1 spec: 1 ok; 2 warnings"
    assert archcalc("validate", "-q", "net.yaml").lines == ["1 spec: 1 ok; 2 warnings"]


def test_strict_fails_on_all_warnings_and_error_on_some(archcalc: Archcalc) -> None:
    ran = archcalc("validate", "net.yaml", "--strict")
    assert ran.status == 1
    assert "net.yaml:2:13: error[unused-variable]: variable 'idle' is not used" in ran.lines
    assert archcalc("validate", "net.yaml", "--error", "dropped-border").status == 1
    assert archcalc("validate", "net.yaml", "--error", "unread-output,unused-block").status == 0


def test_fields_past_the_input_are_reported_where_they_are_asked_for(archcalc: Archcalc, tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text("input: 1x8x8\nlayers: [conv 1 k9 half]\n", encoding="utf-8")
    assert "field-past-input" not in archcalc("validate", str(net)).out
    assert "warning[field-past-input]" in archcalc("validate", str(net), "--warn", "field-past-input").out
    assert archcalc("validate", str(net), "--error", "field-past-input").status == 1
    below = tmp_path / "below"
    below.mkdir()
    (below / "archcalc.toml").write_text('warn = ["field-past-input"]\n', encoding="utf-8")
    net = net.rename(below / "net.yaml")
    assert "warning[field-past-input]" in archcalc("validate", str(net)).out
    assert "field-past-input" not in archcalc("validate", str(net), "--ignore", "field-past-input").out


@pytest.mark.parametrize("spec", ["mobilenet-v1", "resnet50", "googlenet", "vgg-d", "xception"])
def test_published_classifiers_give_no_warning_about_their_fields(archcalc: Archcalc, spec: str) -> None:
    assert "field-past-input" not in archcalc("validate", spec).out


def test_ignore_suppresses_warnings(archcalc: Archcalc) -> None:
    assert given_codes(archcalc, "--ignore", "dropped-border") == ["unused-variable"]
    assert given_codes(archcalc, "--ignore", "dropped-border, unused-variable") == []
    assert given_codes(archcalc, "--ignore", "dropped-border", "--ignore", "unused-variable") == []


def test_an_unknown_code_is_a_usage_error(archcalc: Archcalc) -> None:
    for option in ("--ignore", "--error"):
        ran = archcalc("validate", "net.yaml", option, "unused-varaible")
        assert ran.status == 2
        assert "did you mean 'unused-variable'?" in ran.err


def test_the_project_suppresses_and_enables_warnings(archcalc: Archcalc, tmp_path: Path) -> None:
    text = '[tool.archcalc]\nignore = ["unused-variable"]\nerror = ["dropped-border"]\n'
    tmp_path.joinpath("pyproject.toml").write_text(text, encoding="utf-8")
    assert given_codes(archcalc) == ["dropped-border"]
    assert archcalc("validate", "net.yaml").status == 1
    assert given_codes(archcalc, "--error", "unused-variable") == ["unused-variable", "dropped-border"]


def test_a_mistake_in_the_project_is_reported_once(archcalc: Archcalc, tmp_path: Path) -> None:
    tmp_path.joinpath("archcalc.toml").write_text("ignored = []\n", encoding="utf-8")
    ran = archcalc("validate", "net.yaml", ".")
    assert ran.status == 2
    assert ran.out.count("error[configuration]") == 1
    assert "did you mean 'ignore'?" in ran.out


def test_the_file_suppresses_warnings(archcalc: Archcalc, net: Path) -> None:
    net.write_text(SUSPICIOUS + "ignore: [unused-variable, dropped-border]\n", encoding="utf-8")
    assert given_codes(archcalc) == []


def test_the_rules_are_listed_with_their_documentation(archcalc: Archcalc) -> None:
    ran = archcalc("validate", "--rules")
    assert ran.status == 0
    for code, rule in RULES.items():
        assert code in ran.lines
        assert f"  {rule.summary}" in ran.lines


def test_errors_and_warnings_of_all_files_come_in_one_run(archcalc: Archcalc, tmp_path: Path) -> None:
    tmp_path.joinpath("b.yaml").write_text("input: 3x9x9\nlayers: [convv 2 k1, bnn]\n", encoding="utf-8")
    tmp_path.joinpath("c.yaml").write_text("jobs: {}\n", encoding="utf-8")
    ran = archcalc("validate", ".")
    assert ran.status == 2
    assert ran.out.count("error[unknown-op]") == 2
    assert "skip   c.yaml  (it has neither 'layers:' nor 'input:')" in ran.lines
    assert ran.lines[-1] == "2 specs: 1 ok, 1 with errors; 2 warnings; 1 file skipped"


def test_a_folder_without_a_spec_is_an_error(archcalc: Archcalc, tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "jobs.yaml").write_text("jobs: {}\n", encoding="utf-8")
    ran = archcalc("validate", "ci")
    assert ran.status == 2
    assert "ci: error[not-found]: no spec among these files" in ran.lines


def test_a_named_file_must_be_a_spec_unless_only_specs_are_wanted(archcalc: Archcalc, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text("jobs: {}\n", encoding="utf-8")
    assert archcalc("validate", "jobs.yaml").status == 2
    ran = archcalc("validate", "jobs.yaml", "--specs-only")
    assert ran.status == 0
    assert ran.lines[-1] == "0 specs: 0 ok; 1 file skipped"
