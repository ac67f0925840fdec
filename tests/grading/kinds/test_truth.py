"""True or false, and which is larger."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from tests.grading.kinds.marking import grader_of, marked, verdicts

NETWORKS = """networks:
  A: "3x32x32 -> conv 8 k3 half"
  B: "3x32x32 -> sepconv 8 k3 half"
"""
TRUE = ("true", "True", "T", "yes", "right", "✓", "да", "верно", "درست", "true, because A is larger")
FALSE = ("false", "F", "No.", "wrong", "нет", "غلط", "(false)")


@pytest.mark.parametrize(
    ("question", "truth"),
    [
        ("statement: 'A.params > B.params'", True),
        ("statement: 'A.macs > 5*B.macs'", False),
        ("statement: 'A.params / B.params < 4 and A.conv_1.W = B.sepconv_1.W'", True),
        ("statement: 'not A.shape = 8x32x32'", False),
        ("expect: true", True),
        ("expect: 'no'", False),
    ],
)
def test_statements_are_true_or_false_in_many_words(question: str, truth: bool) -> None:
    answers = {
        **dict.fromkeys(TRUE, "exact" if truth else "wrong"),
        **dict.fromkeys(FALSE, "wrong" if truth else "exact"),
    }
    answers |= {"maybe": "unreadable", "": "missing"}
    assert verdicts(question, answers, NETWORKS) == answers


def test_the_figures_are_the_reason() -> None:
    mark = marked("statement: 'A.macs > 5*B.macs'", "true", NETWORKS)
    assert mark.sentence == "q is false, not true. A.macs is 221,184. B.macs is 52,224."
    assert "52,224" not in mark.hidden().sentence


LARGER = {
    "A": "exact", "A.params": "exact", "a": "exact", "network A": "exact", "A > B": "exact", "B < A": "exact",
    ">": "exact", "B": "wrong",
    "equal": "wrong", "<": "wrong", "A = B": "wrong", "C": "unreadable", "A > C": "unreadable",
}  # fmt: skip


def test_comparisons_of_two_figures() -> None:
    assert verdicts("compare: [A.params, B.params]", LARGER, NETWORKS) == LARGER
    smaller = {"B": "exact", "A": "wrong", "A > B": "exact"}
    assert verdicts("compare: [A.params, B.params], which: smallest", smaller, NETWORKS) == smaller


def test_equal_figures_and_layers_of_one_network() -> None:
    answers = {
        "equal": "exact",
        "they are the same": "exact",
        "=": "exact",
        "A": "wrong",
        "A > B": "wrong",
        "A = B": "exact",
    }
    assert verdicts("compare: [A.conv_1.W, B.sepconv_1.W]", answers | {"A": "wrong"}, NETWORKS) == answers
    layers = {"c5": "exact", "C5.params": "exact", "f6": "wrong", "the layer c5": "exact"}
    question = "compare: [c1.params, c5.params, f6.params]"
    assert verdicts(question, layers, "network: lenet5") == layers


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("statement: 'A.params > C.params'", "must name a network"),
        ("statement: 'A.params >'", "but the text ends here"),
        ("statement: 'A.parms > 3'", "no quantity 'parms'"),
        ("compare: [A.params]", "at least two targets"),
        ("compare: [A.params, B.shape]", "not a single number"),
        ("compare: [A.params, B.x.params]", "no layer or stage 'x'"),
        ("compare: [A.params, B.params], which: longest", "must be one of largest, smallest"),
    ],
)
def test_statements_that_cannot_be_asked_for_are_errors_of_the_key(question: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        grader_of(question, NETWORKS)
    assert message in caught.value.problems[0].message
    assert caught.value.problems[0].place()[:2] == ("key.yaml", 6)
