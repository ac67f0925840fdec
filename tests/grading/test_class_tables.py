"""Tables of learning management systems: one row per student, one column per question."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from archcalc.grading.answers import read_submissions
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.subjects import NetworkLibrary
from archcalc.spec.errors import Source

KEY = """\
network: lenet5
questions:
  - {id: q1, target: c1.params, text: "How many parameters has C1?"}
  - {id: q2, target: params}
  - {id: q3, choices: [ReLU, softmax], answer: a}
"""
MOODLE = """\
Surname,First name,Email address,State,Started on,Completed,Time taken,Grade/3.00,Response 1,Response 2,Response 3
Lovelace,Ada,ada@example.org,Finished,1 May 2026 10:00,1 May 2026 10:30,30 mins,-,156,"61,706",a
Byron,Bob,bob@example.org,Finished,1 May 2026 10:00,1 May 2026 10:30,30 mins,-,150,-,a) ReLU
Overall average,,,,,,,,,,
"""
CANVAS = """\
name,id,sis_id,section,submitted,attempt,"101: How many parameters has C1?",1.0,102: params,1.0,103: q3,1.0
Ada Lovelace,7,al,A,2026-05-01,1,156,1.0,61706,1.0,ReLU,1.0
Bob Byron,8,bb,A,2026-05-01,1,150,0.0,,0.0,a,1.0
"""
FORM = """\
Timestamp;E-mail;How many parameters has C1?;q2;Question 3
2026-05-01;ada@example.org;156;61.706;a
2026-05-01;bob@example.org;150;;A
"""
PLAIN = "Student\tq1\tq2\tq3\nAda\t156\t61 706\ta\nBob\t150\t\ta\n"


def grades(text: str, key: str = KEY, name: str = "class.csv") -> dict[str, list[str]]:
    """Return the verdicts of each student."""
    grader = Grader(read_key(Source("key.yaml", key)), NetworkLibrary())
    files = read_submissions(Source(name, text), grader.is_question)
    graded = [grader.grade(file, "the name of the file") for file in files]
    assert not any(each.problems or each.notes for each in graded)
    return {each.name: [mark.verdict for mark in each.marks] for each in graded}


@pytest.mark.parametrize(
    ("text", "ada", "bob"),
    [
        (MOODLE, "ada@example.org", "bob@example.org"),
        (CANVAS, "Ada Lovelace", "Bob Byron"),
        (FORM, "ada@example.org", "bob@example.org"),
        (PLAIN, "Ada", "Bob"),
    ],
    ids=["moodle", "canvas", "form", "plain"],
)
def test_every_row_is_a_submission(text: str, ada: str, bob: str) -> None:
    found = grades(text)
    assert [*found] == [ada, bob]
    assert all(verdict == "exact" for verdict in found[ada])
    assert found[bob] == ["explained", "missing", "exact"]


def test_lines_are_those_of_the_table() -> None:
    grader = Grader(read_key(Source("key.yaml", KEY)), NetworkLibrary())
    _, bob = read_submissions(Source("class.csv", MOODLE), grader.is_question)
    assert [mark.line for mark in grader.grade(bob, "x").marks] == [3, None, 3]


def test_two_attempts_and_columns_that_are_not_asked() -> None:
    grader = Grader(read_key(Source("key.yaml", KEY)), NetworkLibrary())
    text = "email,q1,colour\nada@example.org,156,red\nada@example.org,150,blue\n"
    first, second = read_submissions(Source("class.csv", text), grader.is_question)
    assert (first.name, second.name) == ("ada@example.org", "ada@example.org (2)")
    assert first.notes == ("columns not read: colour",)


def test_numbers_in_ids_are_the_numbers_of_the_questions() -> None:
    key = "network: lenet5\nquestions: [{id: q3, target: c1.params}, {id: q1, target: params}]\n"
    assert grades("name,1,3\nAda,61706,156\n", key) == {"Ada": ["exact", "exact"]}
    key = "network: lenet5\nquestions: [{id: one, target: c1.params}, {id: two, target: params}]\n"
    assert grades("name,Answer 1,Answer 2\nAda,156,61706\n", key) == {"Ada": ["exact", "exact"]}


def test_without_a_key_columns_are_targets() -> None:
    grader = Grader(None, NetworkLibrary())
    text = "# network: lenet5\nname,c1.params,c3.MACs\nAda,156,240000\nBob,150,1\n"
    ada, bob = (grader.grade(each, "x") for each in read_submissions(Source("a.csv", text), grader.is_question))
    assert (ada.name, ada.right, bob.right) == ("Ada", 2, 0)


@pytest.mark.parametrize(
    "text", ["layer,quantity,answer\nc1,params,156\n", "question,answer\nq1,156\n", "layer,params\nc1,156\n"]
)
def test_a_table_of_one_submission_is_not_that_of_a_class(text: str) -> None:
    (file,) = read_submissions(Source("ada.csv", text), lambda title: True)
    assert [answer.value.value for answer in file.answers] == ["156"]


def test_a_table_without_students_is_an_error() -> None:
    with pytest.raises(SpecError, match="no row of the table names a student"):
        read_submissions(Source("a.csv", "email,q1\n,156\n"), lambda title: True)
