"""``archcalc validate``: reports for CI servers."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.cli.conftest import Archcalc
from tests.published_schemas import published

FILES = {
    "good.yaml": "input: 3x9x9\nlayers: [relu]\n",
    "nets/warned.yaml": "input: 3x9x9\nvariables: {idle: 1}\nlayers: [relu]\n",
    "nets/failing.yaml": "input: 3x9x9\nlayers: [relu]\nexpect:\n  params: 3\n",
    "nets/broken.yaml": "input: 3x9x9\nlayers: [rleu]\n",
    "other.json": "[1]",
}


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with specs of every kind, which is the current folder."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_github_actions_get_annotations_by_default(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = archcalc("validate", ".")
    assert ran.status == 2
    annotations = [line for line in ran.lines if line.startswith("::")]
    assert annotations == [
        "::error file=nets/broken.yaml,line=2,col=10,endColumn=13,title=archcalc unknown-op::"
        "no operator 'rleu' (did you mean 'relu'?)",
        "::error file=nets/failing.yaml,line=4,col=11,endColumn=11,title=archcalc expectation::params is 0, expected 3",
        "::warning file=nets/warned.yaml,line=2,col=13,endColumn=16,title=archcalc unused-variable::"
        "variable 'idle' is not used (remove it (--fix does it))",
    ]
    assert ran.lines[-1].startswith("4 specs: 2 ok, 1 failed, 1 with errors")


def test_without_a_ci_server_the_report_is_text(archcalc: Archcalc) -> None:
    assert "::" not in archcalc("validate", ".").out


def test_paths_are_those_of_the_checkout(archcalc: Archcalc, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(checkout))
    monkeypatch.chdir(checkout / "nets")
    assert "file=nets/broken.yaml," in archcalc("validate", "broken.yaml", "--format", "github").out
    assert "file=nets/broken.yaml," in archcalc("validate", f"{checkout}/nets/broken.yaml", "--format", "github").out


def test_the_step_gets_a_summary(archcalc: Archcalc, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = checkout / "summary.md"
    page.write_text("# Before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    archcalc("validate", ".", "--format", "github")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Before\n### archcalc validate\n")
    assert "  * error `expectation`: params is 0, expected 3\n" in text


def test_gitlab_gets_code_quality(archcalc: Archcalc) -> None:
    ran = archcalc("validate", ".", "--format", "gitlab")
    assert ran.status == 2
    issues = json.loads(ran.out)
    assert [(issue["check_name"], issue["severity"]) for issue in issues] == [
        ("unknown-op", "critical"),
        ("expectation", "major"),
        ("unused-variable", "minor"),
    ]
    assert issues[0]["location"] == {"path": "nets/broken.yaml", "lines": {"begin": 2}}


def test_junit_has_a_case_for_every_spec(archcalc: Archcalc) -> None:
    top = ElementTree.fromstring(archcalc("validate", ".", "--format", "junit").out)
    assert (top.get("tests"), top.get("failures"), top.get("errors")) == ("5", "1", "1")
    cases = {case.get("name"): [child.get("type") for child in case] for case in top.iter("testcase")}
    assert cases == {
        "good.yaml": [],
        "nets/broken.yaml": ["unknown-op"],
        "nets/failing.yaml": ["expectation"],
        "nets/warned.yaml": [],
        "other.json": [None],  # skipped
    }


def test_sarif_follows_the_published_schema_and_documents_its_rules(archcalc: Archcalc) -> None:
    log = json.loads(archcalc("validate", ".", "--format", "sarif").out)
    jsonschema.Draft7Validator(published("sarif-2.1.0.json")).validate(log)
    (run,) = log["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["unknown-op", "expectation", "unused-variable"]
    assert all("help" in rule for rule in run["tool"]["driver"]["rules"])


def test_json_follows_its_schema(archcalc: Archcalc, checkout: Path) -> None:
    schema = json.loads(archcalc("schema", "validate").out)
    baseline = ("--baseline", "base.json")
    archcalc("validate", ".", *baseline, "--update-baseline")
    (checkout / "good.yaml").write_text("input: 3x9x9\nlayers: [conv 4 k3, tanh]\n", encoding="utf-8")
    records = json.loads(archcalc("validate", ".", "no-such-network", *baseline, "--format", "json").out)
    jsonschema.Draft202012Validator(schema).validate(records)
    (good,) = [record for record in records if record["spec"] == "good.yaml"]
    assert len(good["changes"]) == 3
    assert (good["before"]["params"], good["after"]["params"]) == (0, 112)


def test_json_has_a_record_for_every_file(archcalc: Archcalc) -> None:
    records = json.loads(archcalc("validate", ".", "--format", "json").out)
    assert {record["spec"]: record["status"] for record in records} == {
        "good.yaml": "ok",
        "nets/broken.yaml": "error",
        "nets/failing.yaml": "failed",
        "nets/warned.yaml": "ok",
        "other.json": "skipped",
    }
    (warning,) = next(record["problems"] for record in records if record["spec"] == "nets/warned.yaml")
    assert (warning["level"], warning["code"]) == ("warning", "unused-variable")


@pytest.mark.parametrize("form", ["text", "github", "gitlab", "junit", "sarif", "json"])
def test_a_report_may_go_to_a_file_in_addition_to_the_text(archcalc: Archcalc, checkout: Path, form: str) -> None:
    alone = archcalc("validate", ".", "--format", form)
    ran = archcalc("validate", ".", "--format", form, "--output", "report")
    assert ran.status == 2
    assert ran.lines == archcalc("validate", ".", "--format", "text").lines
    written = (checkout / "report").read_text(encoding="utf-8")
    if form not in ("text", "github"):
        assert written == alone.out
    assert "rleu" in written


def test_a_report_that_cannot_be_written_is_an_error(archcalc: Archcalc) -> None:
    ran = archcalc("validate", "good.yaml", "--format", "sarif", "--output", "no/such/folder/report")
    assert ran.status == 2
    assert "Traceback" not in ran.err
