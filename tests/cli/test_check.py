"""``archcalc check``: folders of submissions, every format, broken files, audits, claims."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

import archcalc as package
from tests.cli.conftest import Archcalc

KEY = """\
title: Homework 3
network: lenet5
questions:
  - {id: q1, target: c1.params, text: "How many parameters has C1 <b>?"}
  - {id: q2, target: c3.shape, points: 2}
  - {id: q3, target: c3.macs, points: 3}
"""
CORRECT = 'name: Ada <i>Lovelace</i>\nanswers: {q1: 156, q2: 16x10x10, q3: "240,000"}\n'
BROKEN = {
    "truncated.json": b'{"answers": {"q1": 156',
    "binary.pdf": b"%PDF-1.7\x00\xff\xfe\x80",
    "recursive.yaml": b"answers: &a {q1: *a}\n",
    "deep.yaml": b"answers: " + b"[" * 100_000,
    "empty.csv": b"",
    "huge.csv": b"target,answer\n" + b"q1,1\n" * 30_000,
    "utf16.csv": "target,answer\nq1,156\n".encode("utf-16"),
    "letter.txt": b"Dear professor, my dog ate my homework\n",
}


SCHEMA = json.loads((Path(package.__file__).parent / "report" / "check.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the submissions of a class: one all correct, one half correct in a folder of its own, and broken ones."""
    place = tmp_path / "class"
    (place / "eve").mkdir(parents=True)
    (place / ".hidden").mkdir()
    (place / ".hidden" / "x.yaml").write_text("no")
    (place / ".DS_Store").write_bytes(b"\0")
    place.joinpath("ada.yaml").write_text(CORRECT)
    place.joinpath("eve", "answers.md").write_text(
        "| layer | output | params |\n|-|-|-|\n| C1 | | 157 |\n| C3 | 16x10x10 | |\n"
    )
    for name, content in BROKEN.items():
        place.joinpath(name).write_bytes(content)
    tmp_path.joinpath("key.yaml").write_text(KEY)
    return place


@pytest.fixture
def key(folder: Path) -> str:
    return str(folder.parent / "key.yaml")


def test_one_submission_all_correct(archcalc: Archcalc, folder: Path, key: str) -> None:
    ran = archcalc("check", str(folder / "ada.yaml"), "--key", key)
    assert ran.status == 0
    assert ran.lines[0] == "Ada <i>Lovelace</i>: 6 of 6 points (100 %)"
    assert ran.line("q3").split() == ["q3", "240,000", "exact", "240,000", "-", "3"]


def test_a_wrong_answer_is_status_1_with_its_line(archcalc: Archcalc, folder: Path, key: str) -> None:
    ran = archcalc("check", str(folder / "eve"), "--key", key)
    assert ran.status == 1
    assert ran.lines[0].startswith("eve: ")
    assert any(line.startswith("line 3: c1.params is 156, not 157") for line in ran.lines)
    assert ran.line("q3").split()[:3] == ["q3", "-", "missing"]


def test_a_folder_is_one_table_and_broken_files_do_not_stop_others(archcalc: Archcalc, folder: Path, key: str) -> None:
    ran = archcalc("check", str(folder), "--key", key)
    assert ran.status == 2
    assert ran.lines[0] == "10 submissions"
    assert ran.line("Ada").split()[-4:] == ["6", "6", "3/3", "-"]
    for name in BROKEN:
        assert "cannot be read: " in ran.line(name.split(".")[0]), name
    assert "8 submissions cannot be read" in ran.lines
    assert ran.err == ""


def test_details_show_every_error_with_its_place(archcalc: Archcalc, folder: Path, key: str) -> None:
    ran = archcalc("check", str(folder), "--key", key, "--details")
    for name in BROKEN:
        assert any(line.startswith(f"{folder / name}:") and "error[" in line for line in ran.lines), name


def test_csv_has_one_row_per_student(archcalc: Archcalc, folder: Path, key: str) -> None:
    rows = list(csv.DictReader(io.StringIO(archcalc("check", str(folder), "--key", key, "--format", "csv").out)))
    assert list(rows[0]) == ["name", "file", "points", "of", "q1", "q2", "q3", "error"]
    found = {row["name"]: row for row in rows}
    assert len(found) == 10
    assert [found["Ada <i>Lovelace</i>"][column] for column in ("points", "of", "q1", "q2", "q3")] == [
        "6",
        "6",
        "1",
        "2",
        "3",
    ]
    assert (found["eve"]["q2"], found["eve"]["q3"]) == ("2", "0")
    assert (found["binary"]["points"], found["binary"]["of"]) == ("", "6")
    assert "UTF-8" in found["binary"]["error"]


def test_csv_without_key_has_one_row_per_claim(archcalc: Archcalc, tmp_path: Path) -> None:
    tmp_path.joinpath("a.yaml").write_text("network: lenet5\nanswers: {c1.params: 156, params: 62K}\n")
    out = archcalc("check", str(tmp_path / "a.yaml"), "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["id"], row["verdict"], row["actual"]) for row in rows] == [
        ("c1.params", "exact", "156"),
        ("params", "rounds", "61,706"),
    ]


def test_names_are_not_formulas_in_a_spreadsheet(archcalc: Archcalc, tmp_path: Path) -> None:
    tmp_path.joinpath("a.yaml").write_text('name: "=1+1"\nnetwork: lenet5\nanswers: {params: 61706}\n')
    out = archcalc("check", str(tmp_path / "a.yaml"), "--format", "csv").out
    assert next(csv.DictReader(io.StringIO(out)))["name"] == "'=1+1"


def test_json(archcalc: Archcalc, folder: Path, key: str) -> None:
    ran = archcalc("check", str(folder), "--key", key, "--format", "json")
    document = json.loads(ran.out)
    jsonschema.validate(document, SCHEMA)
    found = {each["name"]: each for each in document["submissions"]}
    assert found["eve"]["status"] == "failed"
    first, second, third = found["eve"]["answers"]
    assert (first["answer"], first["actual"], first["right"], first["line"]) == ("157", "156", False, 3)
    assert (second["verdict"], second["points"], second["of"]) == ("exact", 2, 2)
    assert (third["answer"], third["verdict"]) == (None, "missing")
    assert found["binary"]["status"] == "error"
    assert found["binary"]["errors"][0]["code"] == "encoding"
    assert found["binary"]["answers"] == []


def test_junit(archcalc: Archcalc, folder: Path, key: str) -> None:
    top = ElementTree.fromstring(archcalc("check", str(folder), "--key", key, "--format", "junit").out.encode())
    suites = {suite.get("name"): suite for suite in top}
    assert (suites["eve"].get("tests"), suites["eve"].get("failures")) == ("3", "2")
    assert suites["binary"].get("errors") == "1"


GRADESCOPE = {  # gradescope-autograders, "Autograder Specifications", output format
    "type": "object",
    "additionalProperties": False,
    "required": ["score"],
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number"},
        "output": {"type": "string"},
        "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
        "visibility": {"$ref": "#/$defs/visibility"},
        "stdout_visibility": {"$ref": "#/$defs/visibility"},
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": {"enum": ["text", "html", "simple_format", "md", "ansi"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": {"$ref": "#/$defs/visibility"},
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
    "$defs": {"visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]}},
}


@pytest.mark.parametrize("option", ["--output", "--output-dir"])
def test_a_file_that_cannot_be_written_is_named(archcalc: Archcalc, folder: Path, key: str, option: str) -> None:
    path = str(folder / "ada.yaml" / "results")
    ran = archcalc("check", str(folder / "ada.yaml"), "--key", key, "--format", "html", option, path)
    assert ran.status == 2
    assert ran.err.startswith(f"{option}: error[output]: cannot write '{path}': ")


def test_gradescope(archcalc: Archcalc, folder: Path, key: str, tmp_path: Path) -> None:
    target = tmp_path / "results.json"
    ran = archcalc("check", str(folder / "eve"), "--key", key, "--format", "gradescope", "-o", str(target), "--explain")
    assert (ran.status, ran.out) == (1, "")
    results = json.loads(target.read_text())
    jsonschema.validate(results, GRADESCOPE)
    assert [test["status"] for test in results["tests"]] == ["failed", "passed", "failed"]
    assert results["score"] == sum(test["score"] for test in results["tests"])
    assert [test["max_score"] for test in results["tests"]] == [1, 2, 3]
    assert "your answer: 157" in results["tests"][0]["output"]


def test_gradescope_of_what_cannot_be_read(archcalc: Archcalc, folder: Path, key: str) -> None:
    results = json.loads(archcalc("check", str(folder / "binary.pdf"), "--key", key, "--format", "gradescope").out)
    jsonschema.validate(results, GRADESCOPE)
    assert results["score"] == 0
    assert "not UTF-8 text" in results["output"]


class Page(HTMLParser):
    """Checks that tags nest, and collects what a page says and loads."""

    VOID = ("meta", "br", "hr", "img", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_a_page_per_student_that_needs_nothing_else(
    archcalc: Archcalc, folder: Path, key: str, tmp_path: Path
) -> None:
    target = tmp_path / "reports"
    ran = archcalc("check", str(folder), "--key", key, "--format", "html", "--output-dir", str(target))
    assert (ran.status, ran.out) == (2, "")
    assert len(os.listdir(target)) == 10
    for file in target.iterdir():
        text = file.read_text(encoding="utf-8")
        page = Page(text)
        assert not page.loads
        assert "url(" not in text
        assert "@import" not in text
        assert not {"script", "link", "img"} & set(page.tags)
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
        assert "prefers-color-scheme: dark" in text
    ada = Page((target / "Ada__i_Lovelace__i.html").read_text(encoding="utf-8"))
    assert "Ada <i>Lovelace</i>" in ada.text
    assert "How many parameters has C1 <b>?" in ada.text
    assert "6 of 6 points" in ada.text
    assert "not UTF-8 text" in Page((target / "binary.html").read_text(encoding="utf-8")).text


def test_hidden_answers_stay_hidden(archcalc: Archcalc, folder: Path, key: str) -> None:
    for form in ("plain", "json", "html", "gradescope", "junit"):
        ran = archcalc("check", str(folder / "eve"), "--key", key, "--format", form, "--hide-answers", "--explain")
        out = ran.out.replace(str(folder), "")  # temporary folders have numbers
        assert "240,000" not in out, form
        assert "156" not in out, form


def test_markdown_and_rich(archcalc: Archcalc, folder: Path, key: str) -> None:
    out = archcalc("check", str(folder / "ada.yaml"), "--key", key, "--format", "markdown").out
    assert "| q1" in out
    out = archcalc("check", str(folder / "ada.yaml"), "--key", key, "--format", "rich", "--color", "always").out
    assert "\x1b[1m" in out


def test_explain_derives_values_that_are_not_correct(archcalc: Archcalc, tmp_path: Path) -> None:
    tmp_path.joinpath("a.yaml").write_text("network: lenet5\nanswers: {c1.params: 999, c3.params: 2416}\n")
    out = archcalc("check", str(tmp_path / "a.yaml"), "--explain").out
    assert "= 6·1·5·5 = 150" in out
    assert "16·6·5·5" not in out


def test_equal_names_are_distinguished_by_their_folders(archcalc: Archcalc, tmp_path: Path) -> None:
    for group in ("monday", "tuesday"):
        tmp_path.joinpath(group).mkdir()
        tmp_path.joinpath(group, "ada.yaml").write_text("network: lenet5\nanswers: {params: 61706}\n")
    out = archcalc("check", str(tmp_path / "monday"), str(tmp_path / "tuesday")).out
    assert "monday/ada" in out
    assert "tuesday/ada" in out


def test_the_key_in_the_folder_is_not_a_submission(archcalc: Archcalc, folder: Path) -> None:
    (folder.parent / "key.yaml").rename(folder / "key.yaml")
    assert archcalc("check", str(folder), "--key", str(folder / "key.yaml")).lines[0] == "10 submissions"


def test_answers_from_standard_input(archcalc: Archcalc) -> None:
    ran = archcalc("check", "-", stdin="network: lenet5\nparams: 61,706\n")
    assert (ran.status, ran.lines[0]) == (0, "stdin: 1 of 1 correct")


def test_a_network_in_the_folder_of_the_answers(archcalc: Archcalc, tmp_path: Path) -> None:
    tmp_path.joinpath("net.yaml").write_text("input: 3x8x8\nlayers: [conv 4 k3]\n")
    tmp_path.joinpath("a.yaml").write_text("network: ./net.yaml\nanswers: {conv_1.params: 112}\n")
    assert archcalc("check", str(tmp_path / "a.yaml")).status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x.yaml", "--claim", "lenet5 params = 61706"],
        ["x.yaml", "y.yaml", "--format", "html"],
        ["x.yaml", "--format", "json", "--output-dir", "d"],
        ["-", "-"],
        ["--claim", "lenet5"],
        ["--claim", "lenet55 params = 3"],
        ["--claim", "lenet5 c9.params = 3"],
        ["--claim", "lenet5 params = many"],
        ["--claim", "lenet5 params = 3", "--format", "junit"],
        ["x.yaml", "--key", "missing.yaml"],
    ],
)
def test_bad_usage_is_status_2(archcalc: Archcalc, arguments: list[str]) -> None:
    ran = archcalc("check", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.strip()


def test_missing_files_and_empty_folders_are_rows_too(archcalc: Archcalc, tmp_path: Path) -> None:
    ran = archcalc("check", str(tmp_path), str(tmp_path / "missing.yaml"))
    assert ran.status == 2
    assert "no file in this folder" in ran.out
    assert "cannot read the file" in ran.out


def test_a_slip_is_no_reason_for_a_number_that_a_tool_prints(archcalc: Archcalc) -> None:
    ran = archcalc("check", "--claim", "resnet18:torchvision macs = 1.82G")  # 1,814,073,344, to which fvcore adds norms
    assert ran.out.splitlines()[0] == "macs is 1,814,073,344, not 1.82G"
    assert "derives 1,819,065,856" in ran.out
    assert "Likely reason" in archcalc("check", "--claim", "lenet5 params = 61,760").out.splitlines()[0]


def test_claims_about_a_network_with_given_sizes_and_variables(archcalc: Archcalc) -> None:
    made = archcalc("check", "--claim", "resnet18 macs = 0.33G", "--shape", "3x96x96")
    assert made.status == 0
    assert "archcalc counters resnet18 --shape 3x96x96 --explain" in made.out
    assert archcalc("check", "--claim", "resnet18 macs = 0.33G").status == 1
    assert archcalc("check", "--claim", "1xNxN -> conv 2 k3 macs = 162", "--set", "N=5").status == 0
    numbers = ("--input", "ones", "--weights", "conv_1.weight=ones")
    claim = "1xNxN -> conv 1 k3 nobias conv_1[0,0] = 9"
    assert archcalc("check", "--claim", claim, *numbers, "--set", "N=5").status == 0
    assert archcalc("check", "answers.yaml", "--set", "N=5").status == 2


def test_claims_on_the_command_line(archcalc: Archcalc) -> None:
    ran = archcalc("check", "--claim", "lenet5 params = 61,706", "--claim", "resnet50 macs = 3.8G")
    assert ran.status == 0
    assert ran.lines[0] == "params is 61,706"
    assert "3,857,973,248" in ran.out
    assert archcalc("check", "--claim", "vgg-d.params > vgg-e.params").status == 1
    assert archcalc("check", "--claim", "lenet5 c1.params > c3.params").status == 1


@pytest.mark.parametrize(
    ("claim", "status", "line"),
    [
        ("lenet5 c1.params / c3.params = 0.0646", 0, "c1.params / c3.params is 0.06457"),
        ("resnet50 macs / resnet18.macs = 2.13", 0, "resnet50.macs / resnet18.macs is 2.127"),
        ("vgg-d.params / lenet5.params = 2242.2x", 0, "vgg-d.params / lenet5.params is 2242.2"),
        ("3 -> fc 2 -> fc 4 fc_2.weights / fc_1.biases = 4x", 0, "fc_2.weights / fc_1.biases is 4"),
        (
            "lenet5 c3.params / c1.params = 15x",
            1,
            "c3.params / c1.params is 15.49, not 15x. No known mistake gives this value.",
        ),
        (
            "lenet5 c1.params / params = 1",
            1,
            "c1.params / params is 0.002528, not 1. No known mistake gives this value.",
        ),
    ],
)
def test_claims_of_ratios(archcalc: Archcalc, claim: str, status: int, line: str) -> None:
    ran = archcalc("check", "--claim", claim)
    assert (ran.status, ran.lines) == (status, [line])
    assert archcalc("check", "--claim", "vgg-e.params > vgg-d.params").status == 0
    document = json.loads(archcalc("check", "--claim", "lenet5 params = 61,706", "--format", "json").out)
    assert document["claims"][0]["verdict"] == "exact"


def test_feedback_in_the_words_of_a_course(archcalc: Archcalc, tmp_path: Path) -> None:
    (tmp_path / "ada.yaml").write_text("network: lenet5\nanswers: {c1.params: 150}\n", encoding="utf-8")
    words = tmp_path / "fa.yaml"
    words.write_text('bias-left-out: "بایاس‌ها شمرده نشده‌اند."\n', encoding="utf-8")
    result = archcalc("check", str(tmp_path), "--feedback", str(words), "--format", "json")
    (submission,) = json.loads(result.out)["submissions"]
    (answer,) = submission["answers"]
    assert answer["reasons"] == [{"code": "bias-left-out", "sentence": "بایاس‌ها شمرده نشده‌اند."}]
    listed = archcalc("check", "--list-feedback")
    assert listed.status == 0
    words.write_text(listed.out, encoding="utf-8")
    plain = archcalc("check", str(tmp_path / "ada.yaml")).out
    assert archcalc("check", str(tmp_path / "ada.yaml"), "--feedback", str(words)).out == plain


def test_all_formats_have_up_to_three_explanations(archcalc: Archcalc, tmp_path: Path) -> None:
    spec = "1x64x64 -> conv 1 k3 s2 -> maxpool 2 s1 -> conv 1 k3 s2 -> maxpool 2 s1"
    file = tmp_path / "ada.yaml"
    file.write_text(f"network: {{spec: '{spec}'}}\nanswers: {{rf: 21}}\n", encoding="utf-8")
    codes, sentences = (
        ["pool-stride-kernel", "rf-kernel-not-less-one"],
        ["size of its window", "instead of k − 1 times"],
    )
    for form in ("plain", "markdown", "html", "gradescope", "json", "junit"):
        output = archcalc("check", str(file), "--format", form).out
        assert all(sentence in output for sentence in sentences), form
    (test,) = json.loads(archcalc("check", str(file), "--format", "gradescope").out)["tests"]
    assert test["tags"] == ["explained", *codes]
    (submission,) = json.loads(archcalc("check", str(file), "--format", "json").out)["submissions"]
    assert [reason["code"] for reason in submission["answers"][0]["reasons"]] == codes


def test_junit_names_files_as_the_checkout_does(
    archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answers" / "ada.yaml"
    file.parent.mkdir()
    file.write_text("network: lenet5\nparams: 3\n", encoding="utf-8")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    assert 'file="answers/ada.yaml" line="2"' in archcalc("check", str(file), "--format", "junit").out
    assert "file=" not in archcalc("check", str(file), "--format", "xunit").out


@pytest.mark.parametrize("option", ["--key", "--feedback"])
def test_options_for_answers_do_not_apply_to_a_claim(archcalc: Archcalc, option: str) -> None:
    ran = archcalc("check", "--claim", "lenet5 c1.params = 156", option, "file.yaml")
    assert ran.status == 2
    assert f"{option} applies to ANSWERS, not to --claim" in ran.err


@pytest.mark.parametrize("value", ["1G", "1e400"])
def test_a_value_of_another_order_of_magnitude_is_not_rounded_wrongly(archcalc: Archcalc, value: str) -> None:
    ran = archcalc("check", "--claim", f"lenet5 macs = {value}")
    assert ran.status == 1
    assert "rounded" not in ran.out


def test_commands_that_are_suggested_quote_inline_expressions(archcalc: Archcalc) -> None:
    ran = archcalc("check", "--claim", "3x8x8 -> conv 4 k3 macs = 3888")
    (suggested,) = [line.partition(" derives ")[0] for line in ran.lines if " derives " in line]
    assert archcalc(*shlex.split(suggested)[1:]).status == 0
