"""Findings in the formats of CI servers."""

from __future__ import annotations

import re
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.report.github import bounded_summary, inert, workflow_commands
from archcalc.report.gitlab import code_quality
from archcalc.report.sarif import sarif
from archcalc.validation.codes import RuleText
from archcalc.validation.findings import Finding, fingerprints
from tests.published_schemas import published

ONE = Finding(1, "shape", "50 % of it: a, b", "try c", "nets/a b.yaml", 3, 5, 3, 9, "the text", "  - conv 4")
PLACELESS = ONE._replace(status=2, line=None, column=None, end_line=None, end_column=None, content="")
LONG = ONE._replace(status=0, end_line=4)


def found() -> st.SearchStrategy[list[Finding]]:
    """Return a strategy for lists of any findings."""
    text = st.text(max_size=12)
    places = st.none() | st.tuples(*[st.integers(1, 99)] * 2)

    def finding(status: int, code: str, message: str, hint: str, file: str, place: tuple[int, int] | None) -> Finding:
        line, column = place or (None, None)
        return Finding(status, code, message, hint, file, line, column, line, column and column + 1, "", message)

    codes = st.sampled_from(["shape", "unused-block", "x"])
    return st.lists(st.builds(finding, st.integers(0, 2), codes, text, text, text, places), max_size=8)


def test_annotations_name_file_line_and_column() -> None:
    assert workflow_commands([ONE]) == (
        "::error file=nets/a b.yaml,line=3,col=5,endColumn=8,title=archcalc shape::50 %25 of it: a, b (try c)\n"
    )
    assert workflow_commands([LONG]).startswith("::warning file=nets/a b.yaml,line=3,col=5,endLine=4,title=")


def test_a_finding_without_a_place_names_its_file_in_the_message() -> None:
    assert workflow_commands([PLACELESS]) == "::error title=archcalc shape::nets/a b.yaml: 50 %25 of it: a, b (try c)\n"


@given(found())
def test_every_annotation_is_one_line_that_reads_back(findings: list[Finding]) -> None:
    lines = workflow_commands(findings).split("\n")
    assert len(lines) == len(findings) + 1
    for line, finding in zip(lines, findings, strict=False):
        match = re.fullmatch(r"::(error|warning) ([^:]*)::([^\r\n]*)", line)
        assert match is not None
        properties = dict(pair.split("=", 1) for pair in match[2].split(","))
        if finding.line is not None:
            assert unquote(properties["file"]) == finding.file
        assert unquote(match[3]).endswith(finding.advice)


def test_code_quality_has_what_gitlab_requires() -> None:
    issues = code_quality([ONE, PLACELESS, LONG])
    assert [issue["severity"] for issue in issues] == ["major", "critical", "minor"]
    assert issues[0]["location"] == {"path": "nets/a b.yaml", "lines": {"begin": 3}}
    assert issues[1]["location"]["lines"]["begin"] == 1
    assert len({issue["fingerprint"] for issue in issues}) == 3


def test_fingerprints_survive_shifted_lines_and_changed_numbers_in_messages() -> None:
    shifted = ONE._replace(line=30, end_line=30, message="51 % of it")
    assert fingerprints([ONE]) == fingerprints([shifted])
    assert fingerprints([ONE]) != fingerprints([ONE._replace(content="  - conv 5")])
    assert fingerprints([ONE, ONE])[0] == fingerprints([ONE])[0]
    later = PLACELESS._replace(message="51 % of it: a, b")
    assert fingerprints([PLACELESS]) == fingerprints([later])


@given(found())
def test_fingerprints_are_unique(findings: list[Finding]) -> None:
    assert len(set(fingerprints(findings))) == len(findings)


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(published("sarif-2.1.0.json"))


@given(found())
def test_sarif_follows_the_published_schema(schema: jsonschema.Draft7Validator, findings: list[Finding]) -> None:
    rules = [RuleText("shape", "error", "a shape", "a shape\n\nmore"), RuleText("unused-block", "warning", "b", "b")]
    log = sarif(findings, rules, "1.0")
    schema.validate(log)
    (run,) = log["runs"]
    assert len(run["results"]) == len(findings)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_names_files_as_uris_of_the_checkout() -> None:
    (result,) = sarif([ONE], [], "1.0")["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "nets/a%20b.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9}
    (result,) = sarif([ONE._replace(file="/a/b.yaml")], [], "1.0")["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///a/b.yaml"}


def test_the_most_severe_results_are_listed_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.report.sarif.MAX_RESULTS", 50)
    warnings = [ONE._replace(status=0, line=number + 1) for number in range(50)]
    findings = [*warnings[:-1], ONE, warnings[-1], PLACELESS]
    (run,) = sarif(findings, [], "1.0")["runs"]
    assert len(run["results"]) == 50
    assert [result["level"] for result in run["results"][:3]] == ["error", "error", "warning"]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "2 of 52 results are left out, the least severe ones"
    (run,) = sarif(findings[:-2], [], "1.0")["runs"]
    assert [result["level"] for result in run["results"][-2:]] == ["warning", "error"]  # in their own order
    assert run["invocations"][0]["toolExecutionNotifications"] == []


@pytest.mark.parametrize(
    "text",
    ["::error::x", "a\n::error::x", "a\n \t::error::x", "a\r::error::x", "## [x] ##[error]x", "###[x]", "\n\n::a::b"],
)
def test_no_text_is_a_workflow_command(text: str) -> None:
    lines = re.split("[\r\n]", inert(text))
    assert len(lines) == len(re.split("[\r\n]", text))
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


@given(st.text("a:#[]\n\r \t"))
def test_no_text_at_all_is_a_workflow_command(text: str) -> None:
    assert not [line for line in re.split("[\r\n]", inert(text)) if line.lstrip().startswith("::") or "##[" in line]


def test_other_texts_stay_as_they_are() -> None:
    text = "a::b\n: c # d [e]\nf ## g [h]\n"
    assert inert(text) == text


@given(st.lists(st.text(max_size=40)), st.integers(0, 400))
def test_a_summary_never_exceeds_its_space(blocks: list[str], room: int) -> None:
    text = bounded_summary("# title\n", blocks, room)
    assert len(text.encode()) <= room
    if text and text != "# title\n" + "".join(blocks):
        assert text.endswith((" more entries are left out.\n", " 1 more entry is left out.\n"))
