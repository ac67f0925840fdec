"""``archcalc validate``: file names of any bytes, and consoles of any encoding."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Archcalc
from tests.cli.test_program import process

SPEC = "input: 3x9x9\nvariables: {idle: 1}\nlayers: [relu]\nexpect:\n  params: 3\n"
NAMES = {
    b"a\n::warning::x.yaml": r"a\n::warning::x.yaml",
    b"b\xff.yaml": r"b\xff.yaml",
    "ö→.yaml".encode(): "ö→.yaml",
}
"""File names, and how they are shown to people."""
FORMATS = ("text", "github", "gitlab", "junit", "xunit", "sarif", "json")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""An environment in which Python decodes names and encodes output as ASCII."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with failing specs of these names."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        with open(os.path.join(os.fsencode(tmp_path), b"nets-" + name), "w", encoding="utf-8") as file:
            file.write(SPEC)
    return tmp_path


@pytest.mark.parametrize("form", FORMATS)
def test_reports_are_utf8_and_fail_as_usual(archcalc: Archcalc, folder: Path, form: str) -> None:
    shown = archcalc("validate", ".", "--format", form)
    assert (shown.status, shown.err) == (1, "")
    ran = archcalc("validate", ".", "--report", f"{form}=report")
    assert (ran.status, ran.err) == (1, "")
    written = (folder / "report").read_bytes().decode()
    assert "ö→" in written or form == "sarif"
    if form != "github":
        assert written == shown.out


@pytest.mark.slow
@pytest.mark.parametrize("environment", [ASCII, {"PYTHONIOENCODING": "latin-1"}], ids=["ASCII", "Latin-1"])
def test_reports_do_not_depend_on_the_encoding_of_the_console(
    archcalc: Archcalc, folder: Path, environment: dict[str, str]
) -> None:
    reports = [argument for form in FORMATS for argument in ("--report", f"{form}={form}-report")]
    archcalc("validate", ".", *reports)
    expected = {form: (folder / f"{form}-report").read_bytes() for form in FORMATS}
    ran = process("validate", ".", "--format", "sarif", *reports, env=environment, cwd=folder, encoding=None, text=None)
    assert ran.returncode == 1
    assert {form: (folder / f"{form}-report").read_bytes() for form in FORMATS} == expected
    assert ran.stdout == expected["sarif"]  # type: ignore[comparison-overlap]  # bytes, without an encoding


@pytest.mark.slow
def test_baselines_do_not_depend_on_the_locale(archcalc: Archcalc, folder: Path) -> None:
    arguments = ("validate", ".", "--baseline", "base", "--no-cache")
    archcalc(*arguments, "--update-baseline")
    stored = (folder / "base").read_bytes()
    ran = process(*arguments, env=ASCII, cwd=folder)
    assert ran.returncode == 1
    assert "new: not in the baseline" not in ran.stdout
    assert "removed-spec" not in ran.stdout
    process(*arguments, "--update-baseline", env=ASCII, cwd=folder)
    assert (folder / "base").read_bytes() == stored


@pytest.mark.slow
def test_the_console_gets_characters_that_it_can_encode(folder: Path) -> None:
    ran = process("validate", ".", env={"PYTHONIOENCODING": "latin-1"}, cwd=folder, encoding="latin-1")
    assert ran.returncode == 1
    assert r"failed nets-ö\u2192.yaml" in ran.stdout
    assert r"failed nets-b\xff.yaml" in ran.stdout


@pytest.mark.parametrize("form", ["text", "github"])
def test_a_name_is_one_line_and_no_workflow_command(
    archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out = archcalc("validate", ".", "--format", form).out
    commands = [line for line in out.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == (2 * len(NAMES) if form == "github" else 0)
    assert all("title=archcalc" in command for command in commands)
    for name in NAMES.values():
        assert f"failed nets-{name}  (" in out


def test_a_spec_cannot_write_a_workflow_command(
    archcalc: Archcalc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in folder.iterdir():
        path.unlink()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    text = 'input: 3x9x9  # ##[error]no\n"a\\n::error::no": 1\nlayers: [relu]\n'
    (folder / "##[error]x.yaml").write_text(text, encoding="utf-8")
    for arguments in (("--output", "report"), ("--format", "text"), ("--diff", "--format", "text")):
        lines = archcalc("validate", ".", *arguments).lines
        assert len(lines) > 3
        assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def test_formats_for_programs_have_the_exact_name(archcalc: Archcalc) -> None:
    def out(form: str) -> str:
        return archcalc("validate", ".", "--format", form).out

    names = sorted(f"nets-{name.decode(errors='backslashreplace')}" for name in NAMES)
    assert [record["spec"] for record in json.loads(out("json"))] == names
    assert sorted({issue["location"]["path"] for issue in json.loads(out("gitlab"))}) == names
    assert [case.get("file") for case in ElementTree.fromstring(out("junit").encode()).iter("testcase")] == names
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads(out("sarif"))["runs"][0]["results"]
    ]
    assert {unquote_to_bytes(uri) for uri in places} == {b"nets-" + name for name in NAMES}


def test_the_summary_of_a_step_names_any_file(
    archcalc: Archcalc, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    assert archcalc("validate", ".", "--format", "github").status == 1
    page = (folder / "summary.md").read_bytes().decode()
    assert r"* failed nets-b\\xff.yaml" in page
    assert r"* failed nets-a\\n::warning::x.yaml" in page


OTHERS = [
    *(["show", "--format", form] for form in ("plain", "json", "csv", "html", "markdown", "latex")),
    *(["compare", "lenet5", "--format", form] for form in ("plain", "json", "csv")),
    *(["check", "--format", form] for form in ("plain", "json", "junit", "html", "csv", "gradescope")),
    ["rf", "--format", "plain"],
    ["explain"],
    ["formula", "macs"],
    ["formula", "macs", "--python"],
]


@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_other_verbs_write_any_name_in_one_line_too(archcalc: Archcalc, folder: Path, arguments: list[str]) -> None:
    verb, *more = arguments
    arrow, *others = sorted(folder.iterdir(), key=lambda path: "→" not in path.name)
    files = [str(path) for path in (*others, arrow.rename(folder / "ö.yaml"))]  # an arrow makes an expression
    if verb == "check":
        for file in files:
            Path(file).write_text("network: lenet5\nparams: 3\n", encoding="utf-8")
    for file in files:
        ran = archcalc(verb, file, *more)
        assert ran.status == (1 if verb == "check" else 0)
        assert not [line for line in ran.lines if line.lstrip().startswith("::")]
        if "json" in more:
            json.loads(ran.out.encode())
        if "junit" in more:
            ElementTree.fromstring(ran.out.encode())
