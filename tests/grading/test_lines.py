"""Answers in lines of text."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.lines import has_lines_only
from archcalc.grading.submission import AnswerFile
from archcalc.spec.errors import Source


def read(text: str, name: str = "ada.txt") -> AnswerFile:
    return read_answers(Source(name, text))


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("q1: 156\nq2: 6x28x28\n", [("q1", "156"), ("q2", "6x28x28")]),
        ("# my answers\nName: Ada\n\nq1 = 156\nc1.params = 61,706\n", [("q1", "156"), ("c1.params", "61,706")]),
        ("1) 156\n2) b) 61,706\n(3) true\n", [("1", "156"), ("2", "b) 61,706"), ("3", "true")]),
        ("1. 156\n2. a\n", [("1", "156"), ("2", "a")]),
        ("q1: $D_F^2 M (K^2+N)$\nq2: [[1, 0], [0, 1]]\n", [("q1", "$D_F^2 M (K^2+N)$"), ("q2", "[[1, 0], [0, 1]]")]),
        ("q1: 5*5*6 + 6 = 156\nq2: -\nq3: *\n", [("q1", "5*5*6 + 6 = 156"), ("q2", ""), ("q3", "*")]),
        ('Question 1: "156"\nq2: because: it is so\n', [("Question 1", "156"), ("q2", "because: it is so")]),
    ],
)
def test_a_line_is_an_answer(text: str, pairs: list[tuple[str, str]]) -> None:
    file = read(text)
    assert [(answer.target.value, answer.value.value) for answer in file.answers] == pairs
    for answer in file.answers:
        lines = text.splitlines()
        assert answer.value.value in lines[answer.value.place(0)[0]]


def test_the_name_and_the_network_are_lines_too() -> None:
    file = read("Name: Ada\nnetwork: lenet5\nc1.params: 156\n")
    assert (file.name, file.networks[""].spec.value, len(file.answers)) == ("Ada", "lenet5", 1)


@pytest.mark.parametrize(
    "text",
    [
        "answers:\n  q1: 156\n",
        "network: lenet5\nset: {alpha: 1}\nq1: 3\n",
        "c1: {params: 156}\n",
        "- q1: 156\n- q2: 3\n",
        "layer,params\nc1,156\n",
        "| layer | params |\n|-|-|\n| c1 | 156 |\n",
        "q1: |\n  long\n",
    ],
)
def test_other_formats_stay_what_they_are(text: str) -> None:
    assert not has_lines_only(text)


def test_too_many_answers_are_an_error() -> None:
    with pytest.raises(SpecError, match="more than 3 answers"):
        read_answers(Source("a.txt", "".join(f"q{n}: 1\n" for n in range(4))), max_answers=3)


@given(st.text(max_size=60))
def test_any_text_is_read_or_an_error(text: str) -> None:
    with suppress(SpecError):
        assert all(answer.target.value or answer.problem is not None for answer in read(text).answers)
