"""``archcalc validate``: several reports in one run, and further output for CI servers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.cli.conftest import Archcalc
from tests.cli.test_program import process
from tests.published_schemas import published

UNTIDY = "input: 3x9x9\nvariables: {idle: 1}\nlayers:\n  - a: conv 4 k3\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a spec and another file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(UNTIDY, encoding="utf-8")
    (tmp_path / "other.json").write_text("[1]", encoding="utf-8")
    return tmp_path


def test_one_run_writes_several_reports_and_annotations(
    archcalc: Archcalc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = archcalc("validate", ".", "--report", "junit=out.xml", "--report", "sarif=out.sarif")
    assert ran.status == 0
    assert ran.line("::warning file=net.yaml,line=2")
    monkeypatch.delenv("GITHUB_ACTIONS")
    for form, file in (("junit", "out.xml"), ("sarif", "out.sarif")):
        assert (folder / file).read_text(encoding="utf-8") == archcalc("validate", ".", "--format", form).out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--format", "junit", "--format", "sarif"], "--report FORMAT=FILE"),
        (["--output", "a", "--output", "b"], "--report FORMAT=FILE"),
        (["--report", "junit=a", "--report", "sarif=./a"], "two reports would be written to"),
        (["--report", "junit=a", "--format", "json", "--output", "a"], "two reports would be written to 'a'"),
        (["--report", "out.xml"], "must be FORMAT=FILE with one of text, github"),
        (["--report", "html=out.html"], "must be FORMAT=FILE with one of text, github"),
        (["--report", "junit="], "must be FORMAT=FILE"),
        (["--report", "junit=-"], "--format junit prints the report"),
    ],
)
def test_no_report_is_lost_silently(archcalc: Archcalc, folder: Path, arguments: list[str], hint: str) -> None:
    ran = archcalc("validate", ".", *arguments)
    assert ran.status == 2
    assert hint in ran.err
    assert sorted(path.name for path in folder.iterdir()) == ["net.yaml", "other.json"]


def test_a_report_that_cannot_be_written_stops_no_other(archcalc: Archcalc, folder: Path) -> None:
    ran = archcalc("validate", ".", "--report", "json=no/such/folder", "--report", "junit=out.xml")
    assert ran.status == 2
    assert "error[output]: cannot write 'no/such/folder'" in ran.err
    assert (folder / "out.xml").exists()


def test_a_reader_that_closes_the_pipe_changes_neither_reports_nor_status(folder: Path) -> None:
    (folder / "failing.yaml").write_text("input: 3x9x9\nlayers: [relu]\nexpect: {params: 3}\n", encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as closed:
        options: dict[str, Any] = {"stdout": closed, "stderr": subprocess.PIPE, "capture_output": False}
        ran = process("validate", ".", "--report", "json=out", cwd=folder, **options)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert [record["status"] for record in json.loads((folder / "out").read_text())] == ["failed", "ok", "skipped"]


def test_the_next_step_gets_the_totals(archcalc: Archcalc, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "outputs").write_text("before=1\n", encoding="utf-8")
    (folder / "broken.yaml").write_text("input: 3x9x9\nlayers: [rleu]\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_OUTPUT", str(folder / "outputs"))
    archcalc("validate", ".", "--diff")
    assert (folder / "outputs").read_text(encoding="utf-8").splitlines() == [
        "before=1",
        "specs=2",
        "ok=1",
        "failed=0",
        "errors=1",
        "other_errors=0",
        "warnings=1",
        "skipped=1",
        "corrections=1",
    ]


def test_the_text_report_has_tables_and_patches(archcalc: Archcalc, folder: Path) -> None:
    baseline = ("--baseline", "base.json")
    archcalc("validate", "net.yaml", *baseline, "--update-baseline")
    (folder / "net.yaml").write_text(UNTIDY.replace("conv 4", "conv 5"), encoding="utf-8")
    for more in ((), ("--diff",)):
        ran = archcalc("validate", "net.yaml", *baseline, "--output", "report.txt", *more)
        assert (folder / "report.txt").read_text(encoding="utf-8") == ran.out
        assert "net.yaml: changes since the baseline" in ran.lines
        assert ("-variables: {idle: 1}" in ran.lines) == bool(more)


def test_json_has_the_patch(archcalc: Archcalc) -> None:
    records = json.loads(archcalc("validate", ".", "--diff", "--format", "json").out)
    jsonschema.Draft202012Validator(json.loads(archcalc("schema", "validate").out)).validate(records)
    (net, other) = records
    assert net["corrections"] == 1
    assert net["diff"].startswith("diff --git a/net.yaml b/net.yaml\n--- a/net.yaml\n+++ b/net.yaml\n@@ -1,4 +1,3 @@\n")
    assert net["diff"] in archcalc("validate", ".", "--diff").out
    assert other["reason"] == "it has neither 'layers:' nor 'input:'"


def test_skipped_files_are_in_junit_and_sarif(archcalc: Archcalc) -> None:
    top = ElementTree.fromstring(archcalc("validate", ".", "--format", "junit").out)
    (suite,) = top
    assert (suite.get("tests"), suite.get("skipped")) == ("2", "1")
    (skipped,) = top.iter("skipped")
    assert skipped.get("message") == "it has neither 'layers:' nor 'input:'"
    log = json.loads(archcalc("validate", ".", "--format", "sarif").out)
    jsonschema.Draft7Validator(published("sarif-2.1.0.json")).validate(log)
    (invocation,) = log["runs"][0]["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "skipped: it has neither 'layers:' nor 'input:'"
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "other.json"


@pytest.mark.parametrize("form", ["junit", "xunit", "json", "github"])
def test_names_are_those_of_the_checkout(
    archcalc: Archcalc, folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    ran = archcalc("validate", str(folder / "net.yaml"), "--format", form)
    if form in ("junit", "xunit"):
        (case,) = ElementTree.fromstring(ran.out).iter("testcase")
        assert case.get("name") == "net.yaml"
        assert case.get("file") == ("net.yaml" if form == "junit" else None)
    if form == "github":
        assert "* ok     net.yaml" in (folder / "summary.md").read_text(encoding="utf-8")


def test_the_summary_of_a_step_fits_the_remaining_space(
    archcalc: Archcalc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = folder / "summary.md"
    page.write_text("x" * (1024 * 1024 - 400), encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    for number in range(20):
        (folder / f"{number}.yaml").write_text("input: 3x9x9\nlayers: [rleu]\n", encoding="utf-8")
    archcalc("validate", ".", "--format", "github")
    assert page.stat().st_size <= 1024 * 1024
    text = page.read_text(encoding="utf-8")[-400:]
    assert "21 specs: 1 ok, 20 with errors" in text
    assert text.endswith("more entries are left out.\n")
