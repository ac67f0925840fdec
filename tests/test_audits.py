"""The audits that are shipped: every cell accounted for, and every printed figure carried over from the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.marks import GradedSubmission, Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.grading.submission import AnswerFile
from archcalc.spec.errors import Source
from tests.specs.published import read_facts

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "audits"
AUDITS = sorted(FOLDER.glob("*.yaml"))
LECTURES = {content["system"]: content for content in read_facts("lectures.yaml")}


def read(name: str) -> AnswerFile:
    path = FOLDER / name
    return read_answers(Source(str(path), path.read_text(encoding="utf-8")))


def graded(name: str) -> GradedSubmission:
    return Grader(None, NetworkLibrary()).grade(read(name), name)


def printed(name: str) -> dict[str, list[str]]:
    """Return the printed values of every target of an audit."""
    found: dict[str, list[str]] = {}
    for answer in read(name).answers:
        found.setdefault(answer.target.value, []).append(answer.value.value)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", AUDITS, ids=[path.stem for path in AUDITS])
def test_every_claim_is_accounted_for(path: Path) -> None:
    result = graded(path.name)
    assert result.audit
    assert not result.problems, result.problems[0].render()
    assert result.status == 0, [mark.sentence for mark in result.marks if not mark.right]


def test_the_audits_of_the_issue_exist() -> None:
    assert {path.stem for path in AUDITS} >= {
        *("googlenet", "resnet", "vgg", "mobilenet", "lenet5", "separable", "networks-a-b"),
    }


def test_every_figure_of_googlenets_table_is_carried_over() -> None:
    stages = (
        *("conv1", "pool1", "conv2", "pool2", "3a", "3b", "pool3", "4a", "4b", "4c", "4d", "4e", "pool4", "5a", "5b"),
        *("head/gap", "head/dropout", "head", "head/softmax"),
    )
    cells = printed("googlenet.yaml")
    columns = LECTURES["GoogLeNet"]["columns"]
    for stage, row in zip(stages, LECTURES["GoogLeNet"]["rows"], strict=True):
        for column, quantity in (("params", "params"), ("ops", "macs")):
            figure = row[columns.index(column)] if columns.index(column) < len(row) else None
            assert cells.get(f"{stage}.{quantity}") == ([figure] if figure else None)
        if "inception" in row[0]:
            channels = [str(figure) for figure in row[columns.index("#1x1") : columns.index("pool proj") + 1]]
            assert [cells[f"{stage}/conv_{branch}.channels"] for branch in range(1, 7)] == [[each] for each in channels]


def test_which_cells_of_googlenet_follow_which_convention() -> None:
    marks = {mark.id: mark for mark in graded("googlenet.yaml").marks}

    def by(verdict: str, code: str) -> set[str]:
        return {name for name, mark in marks.items() if (mark.verdict, mark.code) == (verdict, code)}

    without = "bias-left-out+kilo-1024"
    assert by("convention", without) == {"conv2.params", "3a.params", "head.params"}
    assert by("convention", "kilo-1024") == {"3b.params"}
    errata = {name for name, mark in marks.items() if mark.verdict == "erratum"}
    assert errata == {
        *("conv1.params", "conv1.macs", "4a.params", "4b.params", "4c.params", "4d.params", "4e.params"),
        *("5a.params", "5a.macs", "5b.params"),
    }


def _values(content: Any) -> list[str]:
    if isinstance(content, dict):
        return [value for each in content.values() for value in _values(each)]
    return [value for each in content for value in _values(each)] if isinstance(content, list) else [content]


@pytest.mark.parametrize(
    ("name", "system", "keys"),
    [
        ("vgg.yaml", "VGG A, A-LRN, B, C, D, E", ["params"]),
        ("resnet.yaml", "ResNet 18, 34, 50, 101, 152 and the plain 18- and 34-layer networks", ["flops"]),
        ("lenet5.yaml", "LeNet-5 (as published in 1998)", ["params", "connections"]),
        ("separable.yaml", "depthwise separable convolution, worked example", ["printed"]),
        (
            "networks-a-b.yaml",
            "Network A (depthwise + pointwise) and Network B (standard), homework",
            ["params", "mults"],
        ),
    ],
)
def test_every_figure_of_the_facts_is_carried_over(name: str, system: str, keys: list[str]) -> None:
    said = [value for values in printed(name).values() for value in values]
    for key in keys:
        for figure in _values(LECTURES[system][key]):
            assert figure in said


def test_the_two_sentences_about_networks_a_and_b_are_errata() -> None:
    marks: list[Mark] = [mark for mark in graded("networks-a-b.yaml").marks if mark.verdict == "erratum"]
    assert [(mark.target, mark.value) for mark in marks] == [("A.params", "> B.params"), ("B.mults", "< A.mults")]
    assert marks[0].sentence.startswith("A.params is 44,272 and B.params is 658,432; > B.params is wrong")


def test_every_row_of_mobilenets_tables_is_carried_over() -> None:
    cells = printed("mobilenet.yaml")
    names = {("1.0", "224"): "mobilenet", ("1.0", "192"): "192", ("1.0", "160"): "160", ("1.0", "128"): "128"}
    for row in LECTURES["MobileNet v1"]["mult_adds_and_params"]:
        name = "full" if "variant" in row else names.get((row["alpha"], row["resolution"]), row.get("alpha"))
        assert cells[f"{name}.macs"] == [row["mult_adds"]]
        assert cells[f"{name}.trainable"] == [row["params"]]
