"""Written marks: points, scores, and what an audit accounts for."""

import json
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims import Verdict
from archcalc.grading.marks import GradedSubmission, Mark, NamedReason
from archcalc.report.graded_formats import FORMATS, GradingDisplay
from archcalc.report.graded_submissions import accounting_notes, class_table, points_text, score_text
from archcalc.spec.errors import Problem


def mark(name: str, verdict: str, points: Fraction, *, right: bool, code: str = "", **fields: str) -> Mark:
    reasons = (NamedReason(code, "For a reason."),) if code else ()
    fields = {"value": "1", "actual": "2", "sentence": "so it is"} | fields
    return Mark(
        id=name,
        target=name,
        verdict=Verdict(verdict),
        right=right,
        points=points,
        of=Fraction(1),
        reasons=reasons,
        **fields,
    )


@pytest.mark.parametrize(
    ("points", "text"),
    [(Fraction(2), "2"), (Fraction(1, 2), "0.5"), (Fraction(1, 3), "0.33"), (Fraction(0), "0"), (Fraction(10), "10")],
)
def test_points(points: Fraction, text: str) -> None:
    assert points_text(points) == text


def test_scores() -> None:
    marks = (mark("a", "exact", Fraction(1), right=True), mark("b", "wrong", Fraction(1, 2), right=False))
    graded = GradedSubmission(name="Ada", file="ada.yaml", marks=marks, of=Fraction(2))
    assert score_text(graded) == "1.5 of 2 points (75 %)"
    assert score_text(replace(graded, scored=False)) == "1 of 2 correct"
    assert score_text(replace(graded, scored=False, audit=True)) == "1 of 2 accounted for"
    assert score_text(GradedSubmission(name="Ada", file="ada.yaml")) == "0 of 0 points"


def test_the_title_of_a_class_table_says_what_the_files_are() -> None:
    answers = GradedSubmission(name="Ada", file="ada.yaml", scored=False)
    audit = replace(answers, audit=True)
    unreadable = replace(answers, problems=(Problem("yaml", "it is empty", origin="b.yaml"),))
    assert class_table([audit, audit]).title == "2 audits"
    assert class_table([audit, unreadable]).title == "2 audits"
    assert class_table([audit, answers]).title == "2 submissions"
    assert class_table([unreadable, unreadable]).title == "2 submissions"


def test_which_claims_follow_which_convention() -> None:
    marks = (
        mark("a", "convention", Fraction(1), right=True, code="kilo-1024"),
        mark("b", "erratum", Fraction(1), right=True, sentence="b is wrong"),
        mark("c", "convention", Fraction(1), right=True, code="kilo-1024"),
    )
    assert accounting_notes(GradedSubmission(name="x", file="x", marks=marks)) == [
        "kilo-1024: a, c",
        "erratum: b is wrong",
    ]


def test_a_class_names_the_first_mistakes_and_the_most_common() -> None:
    marks = tuple(mark(f"q{index}", "explained", Fraction(0), right=False, code="bias") for index in range(9))
    ada = GradedSubmission(name="Ada", file="a", marks=marks, of=Fraction(9))
    table = class_table([ada, replace(ada, name="Bob", file="b", marks=marks[:1])])
    assert table.rows[0][-1].endswith("q5: bias; and 3 more")
    assert "most common mistakes: q0: bias (2 times)" in table.notes


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_written_in_every_format(name: str, value: str, sentence: str) -> None:
    marks = (mark(name, "wrong", Fraction(0), right=False, sentence=sentence, value=value),)
    broken = GradedSubmission(name=name, file="b", problems=(Problem("yaml", sentence or "?", origin=name or "x"),))
    for graded in (GradedSubmission(name=name, file="a", marks=marks, of=Fraction(1)), broken):
        written = {form: FORMATS[form].write([graded], GradingDisplay(title=value, explain=True)) for form in FORMATS}
        page = written["html"]
        body = page[page.index("<main>") : page.index("</body>")].replace("&#x27;", "'")
        ElementTree.fromstring(body)
        ElementTree.fromstring(written["junit"].encode())
        assert json.loads(written["json"])["submissions"][0]["name"] == name
        json.loads(written["gradescope"])
